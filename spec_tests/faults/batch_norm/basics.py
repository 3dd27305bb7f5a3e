"""Faults of batch_norm: formula, running statistics and refusals."""

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import batch_norm

from spec_tests.faults import fault

OptionalTensor = Tensor | None


def _statistics(input: Tensor, correction: int) -> tuple[Tensor, Tensor]:
    """Return the mean and the variance of each channel: (N, C, *) -> (C), (C)."""
    axes = [axis for axis in range(input.dim()) if axis != 1]
    return input.mean(axes), input.var(axes, correction=correction)


def _per_channel(vector: Tensor, input: Tensor) -> Tensor:
    """Return a view that broadcasts along the channels of input: (C) -> (1, C, 1, ...)."""
    return vector.reshape(1, -1, *[1] * (input.dim() - 2))


@fault("batch_norm")
def eps_outside_root(
    input: Tensor, running_mean: OptionalTensor, running_var: OptionalTensor, **rest: Any
) -> Tensor:
    """Add eps to the standard deviation instead of the variance."""
    eps = rest.get("eps", 1e-5)
    variance = _statistics(input, 0)[1] if rest.get("training") else running_var
    output = batch_norm(input, running_mean, running_var, **rest)
    ratio = _per_channel((variance + eps).sqrt() / (variance.sqrt() + eps), input)
    shift = 0 if rest.get("bias") is None else _per_channel(rest["bias"], input)
    return (output - shift) * ratio + shift


@fault("batch_norm")
def eps_ignored(
    input: Tensor, running_mean: OptionalTensor, running_var: OptionalTensor, **rest: Any
) -> Tensor:
    """Omit eps."""
    return batch_norm(input, running_mean, running_var, **rest | {"eps": 1e-30})


@fault("batch_norm")
def normalised_by_unbiased_variance(
    input: Tensor, running_mean: OptionalTensor, running_var: OptionalTensor, **rest: Any
) -> Tensor:
    """Divide by the square root of the unbiased variance in training."""
    output = batch_norm(input, running_mean, running_var, **rest)
    if not rest.get("training"):
        return output
    eps = rest.get("eps", 1e-5)
    ratio = (_statistics(input, 0)[1] + eps) / (_statistics(input, 1)[1] + eps)
    return output * _per_channel(ratio.sqrt(), input)


@fault("batch_norm")
def running_variance_biased(
    input: Tensor, running_mean: OptionalTensor, running_var: OptionalTensor, **rest: Any
) -> Tensor:
    """Update the running variance with the biased variance."""
    before = None if running_var is None else running_var.clone()
    output = batch_norm(input, running_mean, running_var, **rest)
    if rest.get("training") and before is not None:
        running_var.copy_(before.lerp(_statistics(input, 0)[1], rest.get("momentum", 0.1)))
    return output


@fault("batch_norm")
def momentum_reversed(
    input: Tensor, running_mean: OptionalTensor, running_var: OptionalTensor, **rest: Any
) -> Tensor:
    """Treat momentum as the share of the old statistics."""
    momentum = 1 - rest.pop("momentum", 0.1)
    return batch_norm(input, running_mean, running_var, momentum=momentum, **rest)


@fault("batch_norm")
def default_momentum_of_keras(
    input: Tensor, running_mean: OptionalTensor, running_var: OptionalTensor, **rest: Any
) -> Tensor:
    """Use momentum=0.01 by default, as Keras does."""
    return batch_norm(input, running_mean, running_var, **{"momentum": 0.01} | rest)


@fault("batch_norm")
def running_statistics_not_updated(
    input: Tensor, running_mean: OptionalTensor, running_var: OptionalTensor, **rest: Any
) -> Tensor:
    """Never update the running statistics."""
    copies = (None if x is None else x.clone() for x in (running_mean, running_var))
    return batch_norm(input, *copies, **rest)


@fault("batch_norm")
def running_mean_updated_in_evaluation(
    input: Tensor, running_mean: OptionalTensor, running_var: OptionalTensor, **rest: Any
) -> Tensor:
    """Update the running mean in evaluation as well."""
    output = batch_norm(input, running_mean.clone(), running_var.clone(), **rest)
    running_mean.lerp_(_statistics(input, 0)[0], 0.1)
    return output


@fault("batch_norm")
def batch_statistics_in_evaluation(
    input: Tensor, running_mean: OptionalTensor, running_var: OptionalTensor, **rest: Any
) -> Tensor:
    """Normalise with the statistics of the batch in evaluation."""
    if rest.get("training"):
        return batch_norm(input, running_mean, running_var, **rest)
    return batch_norm(input, None, None, **rest | {"training": True})


@fault("batch_norm")
def running_statistics_in_training(
    input: Tensor, running_mean: OptionalTensor, running_var: OptionalTensor, **rest: Any
) -> Tensor:
    """Normalise with the running statistics in training."""
    if running_mean is None:
        return batch_norm(input, running_mean, running_var, **rest)
    before = running_mean.clone(), running_var.clone()
    batch_norm(input, running_mean, running_var, **rest)
    return batch_norm(input, *before, **rest | {"training": False})


@fault("batch_norm")
def statistics_per_sample(
    input: Tensor, running_mean: OptionalTensor, running_var: OptionalTensor, **rest: Any
) -> Tensor:
    """Compute the statistics of each sample separately."""
    output = batch_norm(input, running_mean, running_var, **rest)
    if not rest.get("training") or input.dim() < 4:
        return output
    return torch.cat([batch_norm(x[None], None, None, training=True) for x in input])


@fault("batch_norm")
def statistics_over_all_channels(
    input: Tensor, running_mean: OptionalTensor, running_var: OptionalTensor, **rest: Any
) -> Tensor:
    """Compute the statistics over all channels together."""
    output = batch_norm(input, running_mean, running_var, **rest)
    if not rest.get("training"):
        return output
    return (input - input.mean()) / (input.var(correction=0) + rest.get("eps", 1e-5)).sqrt()


@fault("batch_norm")
def weight_ignored(
    input: Tensor,
    running_mean: OptionalTensor,
    running_var: OptionalTensor,
    weight: OptionalTensor = None,
    **rest: Any,
) -> Tensor:
    """Do not multiply by the weight."""
    ones = None if weight is None else torch.ones_like(weight)
    return batch_norm(input, running_mean, running_var, ones, **rest)


@fault("batch_norm")
def shifted_before_scaled(
    input: Tensor, running_mean: OptionalTensor, running_var: OptionalTensor, **rest: Any
) -> Tensor:
    """Add the bias before multiplying by the weight."""
    weight, bias = rest.get("weight"), rest.get("bias")
    if weight is not None and bias is not None:
        rest["bias"] = weight * bias
    return batch_norm(input, running_mean, running_var, **rest)


@fault("batch_norm")
def single_value_accepted(
    input: Tensor, running_mean: OptionalTensor, running_var: OptionalTensor, **rest: Any
) -> Tensor:
    """Return 0 for one value per channel in training, instead of raising an error."""
    if rest.get("training") and input.numel() == input.shape[1]:
        return input * 0
    return batch_norm(input, running_mean, running_var, **rest)
