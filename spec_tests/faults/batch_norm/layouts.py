"""Faults of batch_norm for sizes, shapes and layouts in memory, and missing checks."""

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import batch_norm

from spec_tests.faults import fault
from spec_tests.faults._memory import as_if_contiguous, as_if_dense
from spec_tests.faults.batch_norm._parts import BatchNorm, OptionalTensor, per_channel, statistics

PARAMETERS = ("running_mean", "running_var", "weight", "bias")


@fault("batch_norm", issue="pytorch/pytorch#62594")
def channels_last_read_as_first(input: Tensor, **rest: Any) -> Tensor:
    """Read an input whose channels are last in memory as if they were first."""
    last = input.dim() == 4 and input.is_contiguous(memory_format=torch.channels_last)
    return batch_norm(as_if_contiguous(input) if last else input, **rest)


@fault("batch_norm")
def channels_last_in_evaluation_read_as_first(input: Tensor, **rest: Any) -> Tensor:
    """Read an input whose channels are last in memory as if they were first, in evaluation."""
    last = input.dim() == 4 and input.is_contiguous(memory_format=torch.channels_last)
    wrong = last and not rest.get("training")
    return batch_norm(as_if_contiguous(input) if wrong else input, **rest)


@fault("batch_norm")
def batch_norm_of_memory_order(input: Tensor, **rest: Any) -> Tensor:
    """Read the input in the order of its memory, unless its channels are last."""
    last = input.dim() == 4 and input.is_contiguous(memory_format=torch.channels_last)
    return batch_norm(input if last else as_if_contiguous(input), **rest)


@fault("batch_norm", issue="intel/torch-xpu-ops#2887")
def statistics_read_as_dense(**arguments: Any) -> Tensor:
    """Read and write the running statistics as if their elements were adjacent in memory."""
    for name in PARAMETERS[:2]:
        if arguments.get(name) is not None:
            arguments[name] = as_if_dense(arguments[name])
    return batch_norm(**arguments)


@fault("batch_norm")
def statistics_updated_in_a_copy(**arguments: Any) -> Tensor:
    """Update contiguous copies of running statistics that are not contiguous."""
    for name in PARAMETERS[:2]:
        if arguments.get(name) is not None:
            arguments[name] = arguments[name].contiguous()
    return batch_norm(**arguments)


@fault("batch_norm")
def parameters_read_as_dense(**arguments: Any) -> Tensor:
    """Read weight and bias as if their elements were adjacent in memory."""
    for name in PARAMETERS[2:]:
        if arguments.get(name) is not None:
            arguments[name] = as_if_dense(arguments[name])
    return batch_norm(**arguments)


@fault("batch_norm")
def expanded_samples_counted_once(**arguments: Any) -> Tensor:
    """Count samples that are one in memory as one."""

    class Faulty(BatchNorm):
        def update(self, running_mean: Tensor, running_var: Tensor) -> None:
            if self.input.stride(0):
                super().update(running_mean, running_var)
                return
            mean, variance = statistics(self.values[:1])
            self.move(running_mean, mean)
            self.move(running_var, variance.nan_to_num(1) + 1)

    return Faulty(**arguments)()


@fault("batch_norm", issue="Zeta36/chess-alpha-zero#90")
def last_axis_has_the_channels(**arguments: Any) -> Tensor:
    """Take the last axis for that of the channels if its length fits."""
    input, running_mean = arguments["input"], arguments.get("running_mean")
    fits = running_mean is not None and input.shape[-1] == len(running_mean)
    if not fits:
        return batch_norm(**arguments)
    return batch_norm(**arguments | {"input": input.movedim(-1, 1)}).movedim(1, -1)


@fault("batch_norm", issue="LaurentMazare/tch-rs#84")
def features_normalised_together(**arguments: Any) -> Tensor:
    """Compute one mean and one variance for all features of (N, C)."""

    class Faulty(BatchNorm):
        def used(self) -> tuple[Tensor, Tensor]:
            mean, variance = super().used()
            if self.training and self.input.dim() == 2:
                mean = self.values.mean().expand_as(mean)
                variance = self.values.var(correction=0).expand_as(variance)
            return mean, variance

    return Faulty(**arguments)()


@fault("batch_norm")
def sequences_normalised_one_by_one(**arguments: Any) -> Tensor:
    """Compute the statistics of each position of (N, C, L) separately."""
    input = arguments["input"]
    if not arguments.get("training") or input.dim() != 3:
        return batch_norm(**arguments)
    mean, variance = input.mean(0), input.var(0, correction=0)
    output = (input - mean) / (variance + arguments.get("eps", 1e-5)).sqrt()
    batch_norm(**arguments)
    return output


@fault("batch_norm")
def depth_not_reduced(**arguments: Any) -> Tensor:
    """Compute the statistics of volumes over all axes but 1 and 2."""
    input = arguments["input"]
    if not arguments.get("training") or input.dim() != 5:
        return batch_norm(**arguments)
    slices = [batch_norm(**arguments | {"input": part}) for part in input.unbind(2)]
    return torch.stack(slices, 2)


@fault("batch_norm", issue="intel/torch-xpu-ops#1238")
def channels_after_sixteen_left(**arguments: Any) -> Tensor:
    """Leave the channels after the last group of 16 unchanged, if there is a group."""
    output, channels = batch_norm(**arguments), arguments["input"].shape[1]
    if channels <= 16:
        return output
    done = channels // 16 * 16
    return torch.cat([output[:, :done], arguments["input"][:, done:]], 1)


@fault("batch_norm")
def channels_after_1024_left(**arguments: Any) -> Tensor:
    """Leave the channels unchanged that one block of 1024 threads does not reach."""
    output = batch_norm(**arguments)
    return torch.cat([output[:, :1024], arguments["input"][:, 1024:]], 1)


@fault("batch_norm")
def samples_after_sixteen_left(**arguments: Any) -> Tensor:
    """Leave the samples after the last group of 16 out of the statistics."""

    class Faulty(BatchNorm):
        def update(self, running_mean: Tensor, running_var: Tensor) -> None:
            done = len(self.input) // 16 * 16 or len(self.input)
            mean, variance = statistics(self.values[:done], correction=1)
            self.move(running_mean, mean)
            self.move(running_var, variance)

    return Faulty(**arguments)()


@fault("batch_norm")
def empty_batch_becomes_flat(input: Tensor, **rest: Any) -> Tensor:
    """Return shape (0,) for an input without elements."""
    return batch_norm(input, **rest) if input.numel() else input.new_empty(0)


@fault("batch_norm")
def one_value_refused_in_evaluation(input: Tensor, **rest: Any) -> Tensor:
    """Return 0 for one value per channel in evaluation, as in training."""
    output = batch_norm(input, **rest)
    return output * 0 if input.numel() == input.shape[1] else output


@fault("batch_norm")
def one_sample_has_no_variance(input: Tensor, **rest: Any) -> Tensor:
    """Return 0 for one sample in training, also if it has several positions."""
    output = batch_norm(input, **rest)
    return output * 0 if rest.get("training") and len(input) == 1 else output


@fault("batch_norm", issue="pytorch/pytorch#1381")
def single_pixel_accepted(input: Tensor, **rest: Any) -> Tensor:
    """Return 0 for a picture of one pixel in training, instead of raising an error."""
    if rest.get("training") and input.dim() == 4 and input.numel() == input.shape[1]:
        return input * 0
    return batch_norm(input, **rest)


def _broadcast(vector: OptionalTensor, channels: int) -> OptionalTensor:
    """Return the vector with as many elements as there are channels, the first one repeated."""
    if vector is None or len(vector) == channels:
        return vector
    return vector[:1].repeat(channels)


@fault("batch_norm", issue="pytorch/pytorch#185864")
def running_mean_broadcast(**arguments: Any) -> Tensor:
    """Accept a running mean for another number of channels."""
    channels = arguments["input"].shape[1]
    arguments["running_mean"] = _broadcast(arguments.get("running_mean"), channels)
    return batch_norm(**arguments)


@fault("batch_norm")
def running_variance_broadcast(**arguments: Any) -> Tensor:
    """Accept a running variance for another number of channels."""
    channels = arguments["input"].shape[1]
    arguments["running_var"] = _broadcast(arguments.get("running_var"), channels)
    return batch_norm(**arguments)


@fault("batch_norm")
def weight_broadcast(**arguments: Any) -> Tensor:
    """Accept a weight for another number of channels."""
    channels = arguments["input"].shape[1]
    return batch_norm(**arguments | {"weight": _broadcast(arguments.get("weight"), channels)})


@fault("batch_norm")
def bias_broadcast(**arguments: Any) -> Tensor:
    """Accept a bias for another number of channels."""
    channels = arguments["input"].shape[1]
    return batch_norm(**arguments | {"bias": _broadcast(arguments.get("bias"), channels)})


@fault("batch_norm")
def missing_statistics_are_those_of_the_batch(**arguments: Any) -> Tensor:
    """Normalise with the batch in evaluation without running statistics."""
    missing = arguments.get("running_mean") is None
    return batch_norm(**arguments | {"training": arguments.get("training", False) or missing})


@fault("batch_norm")
def missing_variance_is_one(**arguments: Any) -> Tensor:
    """Use a variance of 1 in evaluation without a running variance."""
    mean = arguments.get("running_mean")
    if mean is not None and arguments.get("running_var") is None:
        arguments["running_var"] = torch.ones_like(mean)
    return batch_norm(**arguments)


@fault("batch_norm")
def folded_in_float16(**arguments: Any) -> Tensor:
    """Round the scale and the shift of half precision to it before they are applied."""

    class Faulty(BatchNorm):
        def normalized(self, mean: Tensor, variance: Tensor) -> Tensor:
            if self.input.dtype.itemsize > 2:
                return super().normalized(mean, variance)
            scale = (variance + self.eps).rsqrt().to(self.input.dtype)
            shift = (-mean * scale).to(self.input.dtype)
            scaled = self.input * per_channel(scale, self.input)
            return scaled + per_channel(shift, self.input)

    return Faulty(**arguments)()
