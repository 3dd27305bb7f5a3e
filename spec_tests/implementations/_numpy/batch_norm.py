"""Batch normalization."""

from collections.abc import Mapping
from math import prod

import numpy as np

from spec_tests.implementations._numpy.dtypes import check_same, exact


def batch_norm(
    input: np.ndarray,
    running_mean: np.ndarray | None,
    running_var: np.ndarray | None,
    *,
    weight: np.ndarray | None = None,
    bias: np.ndarray | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> np.ndarray:
    """Normalize each channel to mean 0 and variance 1, then scale and shift it.

    In training the batch's mean and variance are used, and the running ones move towards them.
    """
    per_channel = {"running_mean": running_mean, "running_var": running_var}
    per_channel |= {"weight": weight, "bias": bias}
    _check(input, per_channel, eps, training=training)
    mean, var = _statistics(input, running_mean, running_var, training=training)
    count = _count(input)
    if training and running_mean is not None and running_var is not None and count:
        _move(running_mean, mean, momentum)
        _move(running_var, var * count / (count - 1), momentum)  # the unbiased variance
    output = _normalized(input, mean, var, eps)
    if weight is not None:
        output = output * _view(weight, input)
    if bias is not None:
        output = output + _view(bias, input)
    return output.astype(input.dtype)


def batch_norm_gradients(
    grad_output: np.ndarray,
    input: np.ndarray,
    running_mean: np.ndarray | None,
    running_var: np.ndarray | None,
    *,
    weight: np.ndarray | None = None,
    training: bool = False,
    eps: float = 1e-5,
    **_: object,
) -> dict[str, np.ndarray]:
    """Return the gradients of input, weight and bias."""
    mean, var = _statistics(input, running_mean, running_var, training=training)
    normalized, grads, dims = _normalized(input, mean, var, eps), exact(grad_output), _dims(input)
    scaled = grads if weight is None else grads * _view(weight, input)
    if training:
        # The mean and the variance depend on the input, too: what moves all elements of a channel
        # by the same amount, or away from their mean in proportion, changes nothing.
        along = _view(_mean(scaled * normalized), input)
        scaled = scaled - _view(_mean(scaled), input) - normalized * along
    return {
        "input": scaled / np.sqrt(_view(var, input) + eps),
        "weight": (grads * normalized).sum(dims),
        "bias": grads.sum(dims),
    }


def _dims(input: np.ndarray) -> tuple[int, ...]:
    """Return all dimensions but that of the channels."""
    return (0, *range(2, input.ndim))


def _count(input: np.ndarray) -> int:
    """Return the number of values of each channel."""
    return prod(input.shape[:1] + input.shape[2:])


def _mean(array: np.ndarray) -> np.ndarray:
    """Return the mean of each channel, NaN without elements."""
    return array.sum(_dims(array)) / _count(array)


def _view(per_channel: np.ndarray, input: np.ndarray) -> np.ndarray:
    """Return an array of channels with dimensions that broadcast: (C,) -> (C, 1, ...)."""
    return exact(per_channel).reshape(-1, *[1] * (input.ndim - 2))


def _statistics(
    input: np.ndarray,
    running_mean: np.ndarray | None,
    running_var: np.ndarray | None,
    *,
    training: bool,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean and the biased variance of each channel, or the running ones."""
    if training:
        mean = _mean(exact(input))
        return mean, _mean((exact(input) - _view(mean, input)) ** 2)
    if running_mean is None or running_var is None:
        missing = "running_mean" if running_mean is None else "running_var"
        raise RuntimeError(f"{missing} must be given outside training")
    return exact(running_mean), exact(running_var)


def _normalized(input: np.ndarray, mean: np.ndarray, var: np.ndarray, eps: float) -> np.ndarray:
    return (exact(input) - _view(mean, input)) / np.sqrt(_view(var, input) + eps)


def _move(running: np.ndarray, batch: np.ndarray, momentum: float) -> None:
    """Move a running statistic towards the batch's, in place."""
    running[...] = (1 - momentum) * exact(running) + momentum * batch


def _check(
    input: np.ndarray,
    per_channel: Mapping[str, np.ndarray | None],
    eps: float,
    *,
    training: bool,
) -> None:
    if input.ndim < 2:
        raise RuntimeError(f"input must be (N, C, ...), got input {input.shape}")
    if training and _count(input) == 1:
        raise ValueError(
            f"input {input.shape} has one value per channel, and its variance is 0: train on more "
            "than one, or set training=False"
        )
    if training and (per_channel["running_mean"] is None) != (per_channel["running_var"] is None):
        raise ValueError("running_mean and running_var must both be given, or both be None")
    if eps < 0 or (training and eps == 0):
        raise ValueError(f"eps must be positive (or 0 outside training), got eps={eps}")
    for name, array in per_channel.items():
        if array is not None and array.shape != input.shape[1:2]:
            raise RuntimeError(
                f"{name} must be (C,) = ({input.shape[1]},), got {array.shape} for input "
                f"{input.shape}"
            )
    check_same(input, **per_channel)
