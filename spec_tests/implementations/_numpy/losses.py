"""The L1 and the mean squared error loss."""

import warnings
from collections.abc import Callable

import numpy as np

from spec_tests.implementations._numpy.dtypes import common, exact, is_floating

REDUCTIONS = ("none", "mean", "sum")


def l1_loss(input: np.ndarray, target: np.ndarray, *, reduction: str = "mean") -> np.ndarray:
    """Return the absolute differences of input and target, reduced."""
    return _loss(np.abs, input, target, reduction)


def mse_loss(input: np.ndarray, target: np.ndarray, *, reduction: str = "mean") -> np.ndarray:
    """Return the squared differences of input and target, reduced."""
    return _loss(np.square, input, target, reduction)


def l1_loss_gradients(
    grad_output: np.ndarray, input: np.ndarray, target: np.ndarray, *, reduction: str = "mean"
) -> dict[str, np.ndarray]:
    """Return the gradients of input and target: the sign of the difference, 0 for none."""
    return _gradients(np.sign, grad_output, input, target, reduction)


def mse_loss_gradients(
    grad_output: np.ndarray, input: np.ndarray, target: np.ndarray, *, reduction: str = "mean"
) -> dict[str, np.ndarray]:
    """Return the gradients of input and target: twice the difference."""
    return _gradients(lambda difference: 2 * difference, grad_output, input, target, reduction)


def _loss(
    function: Callable[[np.ndarray], np.ndarray],
    input: np.ndarray,
    target: np.ndarray,
    reduction: str,
) -> np.ndarray:
    difference = _difference(input, target)
    check_reduction(difference, reduction)
    losses = function(difference)
    if reduction != "none":
        losses = losses.sum()
    if reduction == "mean":
        losses = losses / difference.size
    return np.asarray(losses, common(input, target))


def _gradients(
    derivative: Callable[[np.ndarray], np.ndarray],
    grad_output: np.ndarray,
    input: np.ndarray,
    target: np.ndarray,
    reduction: str,
) -> dict[str, np.ndarray]:
    difference = exact(input) - exact(target)
    grads = exact(grad_output) * derivative(difference)
    if reduction == "mean":
        grads = grads / difference.size
    return {"input": _unbroadcast(grads, input), "target": _unbroadcast(-grads, target)}


def _difference(input: np.ndarray, target: np.ndarray) -> np.ndarray:
    if input.shape != target.shape:
        sizes = f"a target size ({target.shape}) that is different to the input size"
        advice = f"({input.shape}): reshape one to the other's size"
        pairs = zip(reversed(input.shape), reversed(target.shape), strict=False)
        if not all(a == b or 1 in (a, b) for a, b in pairs):
            raise RuntimeError(f"Cannot use {sizes} {advice}")
        warnings.warn(f"Using {sizes} {advice} unless broadcasting is meant", stacklevel=3)
    return exact(input) - exact(target)


def _unbroadcast(grads: np.ndarray, array: np.ndarray) -> np.ndarray:
    """Return the gradients summed over the axes along which an array was broadcast."""
    grads = grads.sum(tuple(range(grads.ndim - array.ndim)))
    repeated = tuple(axis for axis, length in enumerate(array.shape) if length == 1)
    return grads.sum(repeated, keepdims=True)


def check_reduction(numbers: np.ndarray, reduction: str) -> None:
    """Refuse an unknown reduction, and the mean of integers."""
    if reduction not in REDUCTIONS:
        raise ValueError(f"reduction must be 'none', 'mean' or 'sum', got reduction={reduction!r}")
    if reduction == "mean" and not is_floating(numbers):
        raise NotImplementedError(
            f"reduction='mean' needs floating-point input or target, got {numbers.dtype}: use "
            "input.astype(float32)"
        )
