"""Linear and flatten (P21), dropout and batch norm (P20, P25)."""

import math

import torch
from torch import Tensor

from reference.functional._checks import check_dtypes


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return input @ weight.T + bias.

    Args:
        input: (..., in_features).
        weight: (out_features, in_features), or (in_features,) for an output of shape (...).
        bias: (out_features,) or a single number.

    Returns:
        (..., out_features).

    Raises:
        RuntimeError: shapes or dtypes do not match.

    Source: P21.
    """
    shapes = f"input {tuple(input.shape)}, weight {tuple(weight.shape)}"
    if not input.ndim or weight.ndim not in (1, 2) or input.shape[-1] != weight.shape[-1]:
        raise RuntimeError(
            f"weight must be (out_features, in_features) with in_features the last dimension of "
            f"input: {shapes}: flatten input or change in_features"
        )
    check_dtypes(input, weight=weight, bias=bias)
    # (..., in_features) with (in_features, out_features) -> (..., out_features)
    output = input @ weight.transpose(0, -1)
    if bias is None:
        return output
    if bias.shape not in (weight.shape[:-1], (), (1,)):
        raise RuntimeError(f"bias must be (out_features,), got bias {tuple(bias.shape)}: {shapes}")
    return output + bias


def flatten(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Return the input with several adjacent dimensions joined into one.

    Args:
        input: any shape.
        start_dim: the first dimension to join.
        end_dim: the last dimension to join, inclusive.

    Returns:
        The same elements in the same order; a scalar becomes (1,).

    Raises:
        IndexError: there is no such dimension.
        RuntimeError: `start_dim` comes after `end_dim`.

    Source: P21.
    """
    shape = input.shape or (1,)
    ndim = len(shape)
    for name, dim in (("start_dim", start_dim), ("end_dim", end_dim)):
        if not -ndim <= dim < ndim:
            raise IndexError(
                f"{name}={dim} must be from {-ndim} to {ndim - 1} for input {tuple(input.shape)}"
            )
    start, end = start_dim % ndim, end_dim % ndim
    if start > end:
        raise RuntimeError(
            f"start_dim={start_dim} must not come after end_dim={end_dim} for input "
            f"{tuple(input.shape)}"
        )
    # (..., d_start, ..., d_end, ...) -> (..., d_start * ... * d_end, ...)
    return input.reshape(*shape[:start], math.prod(shape[start : end + 1]), *shape[end + 1 :])


def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Set each element to zero with probability p and multiply the others by 1 / (1 - p).

    Args:
        input: any shape, floating point.
        p: the probability that an element is dropped, from 0 to 1.
        training: whether to drop elements; otherwise `input` is returned.
        inplace: whether to overwrite `input` and return it.

    Returns:
        The input's shape and dtype; its expected value is the input.

    Raises:
        ValueError: `p` is not a probability.
        RuntimeError: the input is not floating point, or `inplace` on a leaf that requires
            gradients.

    Source: P25, VGG16; Srivastava et al., JMLR 15 (2014), rescaled in training.
    """
    if not 0 <= p <= 1:
        raise ValueError(f"p must be a probability from 0 to 1, got p={p}")
    if not training or p == 0:
        return input
    if not input.is_floating_point():
        raise RuntimeError(f"input must be floating point, got {input.dtype}: use input.float()")
    # bernoulli_, as torch's own CPU implementation: one seed then drops the same elements.
    factor = torch.empty_like(input).bernoulli_(1 - p)
    if p < 1:  # at p = 1 all factors are 0, and 0 / 0 would be NaN
        factor /= 1 - p
    return input.mul_(factor) if inplace else input * factor


def batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Normalize each channel to mean 0 and variance 1, then scale and shift it.

    Args:
        input: (N, C, ...), floating point.
        running_mean: (C,), updated in place in training.
        running_var: (C,), updated in place in training.
        weight: (C,), the scale.
        bias: (C,), the shift.
        training: whether to normalize with the batch's mean and biased variance, and to move the
            running statistics towards its mean and unbiased variance; otherwise the running
            statistics are used.
        momentum: how far the running statistics move, from 0 to 1.
        eps: added to the variance.

    Returns:
        The input's shape and dtype. float16 and bfloat16 are computed in float32.

    Raises:
        ValueError: training with one value per channel, or with only one of the running
            statistics, or `eps` is out of range.
        RuntimeError: shapes or dtypes do not match, or a running statistic is missing outside
            training.

    Source: Ioffe and Szegedy, arXiv 1502.03167; named in P20.
    """
    per_channel = {"running_mean": running_mean, "running_var": running_var}
    count = math.prod(input.shape[:1] + input.shape[2:])
    _check_batch_norm(
        input, per_channel | {"weight": weight, "bias": bias}, eps, count if training else None
    )
    values = input.float() if input.dtype.itemsize < 4 else input
    dims = [dim for dim in range(input.ndim) if dim != 1]
    channels = (-1, *[1] * (input.ndim - 2))  # (C,) viewed as (C, 1, ...) broadcasts to (N, C, ...)
    if training:
        mean = values.mean(dims)  # (N, C, ...) -> (C,)
        var = (values - mean.view(channels)).square().mean(dims)  # (N, C, ...) -> (C,)
        # Without images (count 0), mean and var are NaN and would spoil the running statistics.
        if running_mean is not None and running_var is not None and count:
            unbiased = var.detach() * count / (count - 1)
            for running, batch in ((running_mean, mean.detach()), (running_var, unbiased)):
                running.copy_((1 - momentum) * running.to(batch.dtype) + momentum * batch)
    elif running_mean is None or running_var is None:
        missing = next(name for name, tensor in per_channel.items() if tensor is None)
        raise RuntimeError(f"{missing} must be given outside training")
    else:
        mean, var = running_mean.to(values.dtype), running_var.to(values.dtype)
    output = (values - mean.view(channels)) / (var.view(channels) + eps).sqrt()
    if weight is not None:
        output = output * weight.view(channels)
    output = output if bias is None else output + bias.view(channels)
    return output.to(input.dtype)


def _check_batch_norm(
    input: Tensor, per_channel: dict[str, Tensor | None], eps: float, count: int | None
) -> None:
    """Check the arguments; `count` is the number of values per channel, None outside training."""
    training = count is not None
    shape = tuple(input.shape)
    if input.ndim < 2:
        raise RuntimeError(f"input must be (N, C, ...), got input {shape}")
    if count == 1:
        raise ValueError(
            f"input {shape} has one value per channel, and its variance is 0: train on more than "
            "one, or set training=False (module.eval())"
        )
    if training and (per_channel["running_mean"] is None) != (per_channel["running_var"] is None):
        raise ValueError("running_mean and running_var must both be given, or both be None")
    if eps < 0 or (training and eps == 0):
        raise ValueError(f"eps must be positive (or 0 outside training), got eps={eps}")
    for name, tensor in per_channel.items():
        if tensor is not None and tensor.shape != input.shape[1:2]:
            raise RuntimeError(
                f"{name} must be (C,) = ({shape[1]},), got {tuple(tensor.shape)} for input {shape}"
            )
    check_dtypes(input, **per_channel)
