"""Batch normalisations that are slightly wrong."""

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import batch_norm

from spec_tests.faults import fault

Running = Tensor | None


def _statistics(input: Tensor, correction: int) -> tuple[Tensor, Tensor]:
    axes = [axis for axis in range(input.dim()) if axis != 1]
    return input.mean(axes), input.var(axes, correction=correction)


def _shaped(vector: Tensor, input: Tensor) -> Tensor:
    return vector.reshape(1, -1, *[1] * (input.dim() - 2))


@fault("batch_norm")
def eps_outside_root(
    input: Tensor, running_mean: Running, running_var: Running, **rest: Any
) -> Tensor:
    """Eps is added to the standard deviation."""
    eps = rest.get("eps", 1e-5)
    mean, variance = _statistics(input, 0) if rest.get("training") else (running_mean, running_var)
    exact = batch_norm(input, running_mean, running_var, **rest)
    root = _shaped((variance + eps).sqrt() / (variance.sqrt() + eps), input)
    shift = 0 if rest.get("bias") is None else _shaped(rest["bias"], input)
    return (exact - shift) * root + shift + 0 * _shaped(mean, input)


@fault("batch_norm")
def eps_ignored(input: Tensor, running_mean: Running, running_var: Running, **rest: Any) -> Tensor:
    """Eps is left out."""
    return batch_norm(input, running_mean, running_var, **rest | {"eps": 1e-30})


@fault("batch_norm")
def normalises_with_unbiased_variance(
    input: Tensor, running_mean: Running, running_var: Running, **rest: Any
) -> Tensor:
    """The batch is divided by the root of the unbiased variance."""
    exact = batch_norm(input, running_mean, running_var, **rest)
    if not rest.get("training"):
        return exact
    eps = rest.get("eps", 1e-5)
    ratio = (_statistics(input, 0)[1] + eps) / (_statistics(input, 1)[1] + eps)
    return exact * _shaped(ratio.sqrt(), input)


@fault("batch_norm")
def runs_with_biased_variance(
    input: Tensor, running_mean: Running, running_var: Running, **rest: Any
) -> Tensor:
    """The running variance takes in the biased variance."""
    before = None if running_var is None else running_var.clone()
    output = batch_norm(input, running_mean, running_var, **rest)
    if rest.get("training") and before is not None:
        running_var.copy_(before.lerp(_statistics(input, 0)[1], rest.get("momentum", 0.1)))
    return output


@fault("batch_norm")
def momentum_reversed(
    input: Tensor, running_mean: Running, running_var: Running, **rest: Any
) -> Tensor:
    """Momentum is the share of the old statistics."""
    momentum = 1 - rest.pop("momentum", 0.1)
    return batch_norm(input, running_mean, running_var, momentum=momentum, **rest)


@fault("batch_norm")
def momentum_of_keras(
    input: Tensor, running_mean: Running, running_var: Running, **rest: Any
) -> Tensor:
    """The default momentum is 0.01."""
    return batch_norm(input, running_mean, running_var, **{"momentum": 0.01} | rest)


@fault("batch_norm")
def running_not_updated(
    input: Tensor, running_mean: Running, running_var: Running, **rest: Any
) -> Tensor:
    """The running statistics never change."""
    copies = (None if x is None else x.clone() for x in (running_mean, running_var))
    return batch_norm(input, *copies, **rest)


@fault("batch_norm")
def updated_in_evaluation(
    input: Tensor, running_mean: Running, running_var: Running, **rest: Any
) -> Tensor:
    """The running statistics change in evaluation, too."""
    output = batch_norm(input, running_mean.clone(), running_var.clone(), **rest)
    running_mean.lerp_(_statistics(input, 0)[0], 0.1)
    return output


@fault("batch_norm")
def batch_statistics_in_evaluation(
    input: Tensor, running_mean: Running, running_var: Running, **rest: Any
) -> Tensor:
    """In evaluation the batch is normalised with its own statistics."""
    if rest.get("training"):
        return batch_norm(input, running_mean, running_var, **rest)
    return batch_norm(input, None, None, **rest | {"training": True})


@fault("batch_norm")
def running_statistics_in_training(
    input: Tensor, running_mean: Running, running_var: Running, **rest: Any
) -> Tensor:
    """In training the batch is normalised with the running statistics."""
    if running_mean is None:
        return batch_norm(input, running_mean, running_var, **rest)
    before = running_mean.clone(), running_var.clone()
    batch_norm(input, running_mean, running_var, **rest)
    return batch_norm(input, *before, **rest | {"training": False})


@fault("batch_norm")
def each_sample_alone(
    input: Tensor, running_mean: Running, running_var: Running, **rest: Any
) -> Tensor:
    """The statistics are taken for each sample by itself."""
    output = batch_norm(input, running_mean, running_var, **rest)
    if not rest.get("training") or input.dim() < 4:
        return output
    return torch.cat([batch_norm(x[None], None, None, training=True) for x in input])


@fault("batch_norm")
def all_channels_together(
    input: Tensor, running_mean: Running, running_var: Running, **rest: Any
) -> Tensor:
    """The statistics are taken over the channels, too."""
    output = batch_norm(input, running_mean, running_var, **rest)
    if not rest.get("training"):
        return output
    return (input - input.mean()) / (input.var(correction=0) + rest.get("eps", 1e-5)).sqrt()


@fault("batch_norm")
def weight_ignored(
    input: Tensor, running_mean: Running, running_var: Running, weight: Running = None, **rest: Any
) -> Tensor:
    """The channels are not scaled."""
    ones = None if weight is None else torch.ones_like(weight)
    return batch_norm(input, running_mean, running_var, ones, **rest)


@fault("batch_norm")
def shifted_before_scaled(
    input: Tensor, running_mean: Running, running_var: Running, **rest: Any
) -> Tensor:
    """The bias is added first, and scaled as well."""
    weight, bias = rest.get("weight"), rest.get("bias")
    if weight is not None and bias is not None:
        rest["bias"] = weight * bias
    return batch_norm(input, running_mean, running_var, **rest)


@fault("batch_norm")
def single_value_accepted(
    input: Tensor, running_mean: Running, running_var: Running, **rest: Any
) -> Tensor:
    """One value a channel is normalised to 0 in training."""
    if rest.get("training") and input.numel() == input.shape[1]:
        return input * 0
    return batch_norm(input, running_mean, running_var, **rest)
