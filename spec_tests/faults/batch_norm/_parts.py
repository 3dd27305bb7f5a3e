"""Batch norm by its definition, for faults that change one part of it."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

OptionalTensor = Tensor | None


def per_channel(vector: Tensor, input: Tensor) -> Tensor:
    """Return a view that broadcasts along the channels of input: (C) -> (1, C, 1, ...)."""
    return vector.reshape(1, -1, *[1] * (input.dim() - 2))


def statistics(input: Tensor, correction: int = 0) -> tuple[Tensor, Tensor]:
    """Return the mean and the variance of each channel: (N, C, *) -> (C), (C)."""
    axes = [axis for axis in range(input.dim()) if axis != 1]
    return input.mean(axes), input.var(axes, correction=correction)


@dataclass
class BatchNorm:
    """Batch norm; a fault is a subclass that overrides one of the methods."""

    input: Tensor
    running_mean: OptionalTensor = None
    running_var: OptionalTensor = None
    weight: OptionalTensor = None
    bias: OptionalTensor = None
    training: bool = False
    momentum: float = 0.1
    eps: float = 1e-5

    def __call__(self) -> Tensor:
        """Return the output, after the checks of PyTorch, and update the running statistics."""
        right = functional.batch_norm(
            self.input,
            *(None if x is None else x.clone() for x in (self.running_mean, self.running_var)),
            self.weight,
            self.bias,
            self.training,
            self.momentum,
            self.eps,
        )
        if not self.input.numel():
            return right
        output = self.transformed(self.normalized(*self.used()))
        if self.training and self.running_mean is not None and self.running_var is not None:
            with torch.no_grad():
                self.update(self.running_mean, self.running_var)
        return output.to(self.input.dtype)

    @property
    def values(self) -> Tensor:
        """The input, in float32 at least."""
        return self.input.float() if self.input.dtype.itemsize < 4 else self.input

    def used(self) -> tuple[Tensor, Tensor]:
        """Return the mean and the variance to normalise with."""
        if self.training:
            return statistics(self.values)
        assert self.running_mean is not None
        assert self.running_var is not None
        return self.running_mean.to(self.values.dtype), self.running_var.to(self.values.dtype)

    def normalized(self, mean: Tensor, variance: Tensor) -> Tensor:
        """Return (x - mean) / sqrt(variance + eps)."""
        deviation = (variance + self.eps).sqrt()
        return (self.values - per_channel(mean, self.input)) / per_channel(deviation, self.input)

    def transformed(self, normalized: Tensor) -> Tensor:
        """Return x * weight + bias."""
        if self.weight is not None:
            normalized = normalized * per_channel(self.weight, self.input)
        return normalized if self.bias is None else normalized + per_channel(self.bias, self.input)

    def update(self, running_mean: Tensor, running_var: Tensor) -> None:
        """Move the running statistics."""
        mean, variance = statistics(self.values, correction=1)
        for running, batch in ((running_mean, mean), (running_var, variance)):
            self.move(running, batch)

    def move(self, running: Tensor, batch: Tensor) -> None:
        """Move one of the running statistics."""
        running.copy_((1 - self.momentum) * running.to(batch.dtype) + self.momentum * batch)
