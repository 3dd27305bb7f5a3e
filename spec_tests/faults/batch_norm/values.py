"""Faults of batch_norm on special values, and in its precision."""

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import batch_norm

from spec_tests.faults import fault
from spec_tests.faults.batch_norm._parts import BatchNorm, OptionalTensor, statistics


@fault("batch_norm", issue="tenstorrent/tt-metal#45968")
def variance_of_squares(**arguments: Any) -> Tensor:
    """Compute the variance as E[x^2] - E[x]^2, which cancels."""

    class Faulty(BatchNorm):
        def used(self) -> tuple[Tensor, Tensor]:
            mean, variance = super().used()
            if self.training:
                variance = statistics(self.values.square())[0] - mean.square()
            return mean, variance.clamp(min=0)

    return Faulty(**arguments)()


@fault("batch_norm", issue="tensorflow/tensorflow#25115")
def running_variance_of_squares(**arguments: Any) -> Tensor:
    """Compute the variance as E[x^2] - E[x]^2 for the running variance alone."""

    class Faulty(BatchNorm):
        def update(self, running_mean: Tensor, running_var: Tensor) -> None:
            mean, _ = statistics(self.values)
            count = self.input.numel() / self.input.shape[1]
            variance = statistics(self.values.square())[0] - mean.square()
            self.move(running_mean, mean)
            self.move(running_var, variance * (count / (count - 1)))

    return Faulty(**arguments)()


@fault("batch_norm", issue="tensorflow/tensorflow#8535")
def sums_in_float16(**arguments: Any) -> Tensor:
    """Add up float16 in float16, one after the other."""

    class Faulty(BatchNorm):
        def used(self) -> tuple[Tensor, Tensor]:
            if not self.training or self.input.dtype != torch.float16:
                return super().used()
            values = self.input.transpose(0, 1).flatten(1)
            total = values[:, 0]
            for column in values[:, 1:].unbind(1):
                total = total + column
            mean = total / values.shape[1]
            return mean.float(), (values.float() - mean[:, None]).square().mean(1)

    return Faulty(**arguments)()


@fault("batch_norm", issue="neuroneural/brainchop-cli#56")
def squares_in_float16(**arguments: Any) -> Tensor:
    """Square float16 in float16, which overflows beyond 255."""

    class Faulty(BatchNorm):
        def used(self) -> tuple[Tensor, Tensor]:
            if not self.training or self.input.dtype != torch.float16:
                return super().used()
            mean, _ = statistics(self.values)
            shape = (-1, *[1] * (self.input.dim() - 2))
            squares = (self.input - mean.half().view(shape)).square()
            return mean, statistics(squares.float())[0]

    return Faulty(**arguments)()


@fault("batch_norm")
def squares_in_bfloat16(**arguments: Any) -> Tensor:
    """Compute E[x^2] - E[x]^2 of bfloat16 with squares in bfloat16."""

    class Faulty(BatchNorm):
        def used(self) -> tuple[Tensor, Tensor]:
            mean, variance = super().used()
            if self.training and self.input.dtype == torch.bfloat16:
                variance = statistics(self.input.square().float())[0] - mean.square()
            return mean, variance.clamp(min=0)

    return Faulty(**arguments)()


@fault("batch_norm", issue="tensorflow/tensorflow#33365")
def computed_in_float32(**arguments: Any) -> Tensor:
    """Compute float64 in float32."""

    class Faulty(BatchNorm):
        @property
        def values(self) -> Tensor:
            return self.input.float().to(super().values.dtype)

    return Faulty(**arguments)()


@fault("batch_norm", issue="tinygrad/tinygrad#7025")
def statistics_in_float32(**arguments: Any) -> Tensor:
    """Read the running statistics as float32."""

    class Faulty(BatchNorm):
        def used(self) -> tuple[Tensor, Tensor]:
            mean, variance = super().used()
            if self.training:
                return mean, variance
            return mean.float().to(mean.dtype), variance.float().to(variance.dtype)

    return Faulty(**arguments)()


@fault("batch_norm")
def statistics_stored_in_float32(**arguments: Any) -> Tensor:
    """Store the running statistics as float32."""

    class Faulty(BatchNorm):
        def move(self, running: Tensor, batch: Tensor) -> None:
            super().move(running, batch)
            running.copy_(running.float())

    return Faulty(**arguments)()


@fault("batch_norm")
def parameters_in_float32(**arguments: Any) -> Tensor:
    """Read weight and bias as float32."""
    for name in ("weight", "bias"):
        if arguments.get(name) is not None:
            parameter = arguments[name]
            arguments[name] = parameter.float().to(parameter.dtype)
    return batch_norm(**arguments)


@fault("batch_norm")
def variance_by_samples(**arguments: Any) -> Tensor:
    """Correct the running variance by the number of samples instead of that of values."""

    class Faulty(BatchNorm):
        def update(self, running_mean: Tensor, running_var: Tensor) -> None:
            mean, variance = statistics(self.values)
            samples = len(self.input)
            self.move(running_mean, mean)
            self.move(running_var, variance * (samples / max(samples - 1, 1)))

    return Faulty(**arguments)()


@fault("batch_norm")
def nan_ignored(**arguments: Any) -> Tensor:
    """Leave NaN out of the statistics."""

    class Faulty(BatchNorm):
        @property
        def values(self) -> Tensor:
            return super().values.nan_to_num(0)

    return Faulty(**arguments)()


@fault("batch_norm")
def nan_in_all_channels(
    input: Tensor, running_mean: OptionalTensor, running_var: OptionalTensor, **rest: Any
) -> Tensor:
    """Return NaN for all channels if one contains it."""
    output = batch_norm(input, running_mean, running_var, **rest)
    return output * torch.nan if output.isnan().any() else output


@fault("batch_norm")
def infinity_clamped(**arguments: Any) -> Tensor:
    """Limit the output to finite numbers."""
    output = batch_norm(**arguments)
    largest = torch.finfo(output.dtype).max
    return output.clamp(-largest, largest)


@fault("batch_norm")
def half_folded_into_scale_and_shift(**arguments: Any) -> Tensor:
    """In evaluation, round scale and shift of half precision before they are used."""
    input, mean, variance = (arguments[k] for k in ("input", "running_mean", "running_var"))
    if arguments.get("training") or mean is None or input.element_size() > 2:
        return batch_norm(**arguments)
    batch_norm(**arguments)  # raises the errors
    shape = [1, -1] + [1] * (input.dim() - 2)
    weight, bias = arguments.get("weight"), arguments.get("bias")
    scale = (variance.float() + arguments.get("eps", 1e-5)).rsqrt()
    scale = scale if weight is None else scale * weight.float()
    shift = -mean.float() * scale if bias is None else bias.float() - mean.float() * scale
    return input * scale.to(input.dtype).view(shape) + shift.to(input.dtype).view(shape)
