"""The linear layer, flatten and dropout."""

from math import prod

import numpy as np

from spec_tests.implementations._numpy.dtypes import check_same, exact, is_floating

RANDOM = np.random.default_rng(0)


def linear(input: np.ndarray, weight: np.ndarray, bias: np.ndarray | None = None) -> np.ndarray:
    """Return input @ weight.T + bias."""
    _check_linear(input, weight, bias)
    output = exact(input) @ exact(weight).T
    output = output if bias is None else output + exact(bias)
    return np.asarray(output, input.dtype)


def linear_gradients(
    grad_output: np.ndarray,
    input: np.ndarray,
    weight: np.ndarray,
    bias: np.ndarray | None = None,
) -> dict[str, np.ndarray]:
    """Return the gradients of input, weight and bias."""
    # A vector of weights is a matrix with one row, of an output without its last axis.
    matrix = exact(weight).reshape(-1, input.shape[-1])
    grads = exact(grad_output).reshape(*input.shape[:-1], len(matrix))
    rows = grads.reshape(prod(input.shape[:-1]), len(matrix))  # (N, out_features)
    inputs = exact(input).reshape(prod(input.shape[:-1]), input.shape[-1])  # (N, in_features)
    biases = rows.sum(0)
    return {
        "input": grads @ matrix,
        "weight": (rows.T @ inputs).reshape(weight.shape),
        "bias": biases if bias is None or bias.size == biases.size else biases.sum(),
    }


def _check_linear(input: np.ndarray, weight: np.ndarray, bias: np.ndarray | None) -> None:
    shapes = f"input {input.shape}, weight {weight.shape}"
    if not input.ndim or weight.ndim not in (1, 2) or input.shape[-1] != weight.shape[-1]:
        raise RuntimeError(
            "weight must be (out_features, in_features) with in_features the last dimension of "
            f"input: {shapes}: flatten input or change in_features"
        )
    if bias is not None and bias.shape not in (weight.shape[:-1], (), (1,)):
        raise RuntimeError(f"bias must be (out_features,), got bias {bias.shape}: {shapes}")
    check_same(input, weight=weight, bias=bias)


def flatten(input: np.ndarray, *, start_dim: int = 0, end_dim: int = -1) -> np.ndarray:
    """Return the input with the dimensions from start_dim to end_dim joined into one."""
    shape = input.shape or (1,)
    start, end = (
        _dimension(name, dim, shape)
        for name, dim in (("start_dim", start_dim), ("end_dim", end_dim))
    )
    if start > end:
        raise RuntimeError(
            f"start_dim={start_dim} must not come after end_dim={end_dim} for input {input.shape}"
        )
    return input.reshape(*shape[:start], prod(shape[start : end + 1]), *shape[end + 1 :]).copy()


def _dimension(name: str, dim: int, shape: tuple[int, ...]) -> int:
    """Return the number of a dimension from the front."""
    if not -len(shape) <= dim < len(shape):
        raise IndexError(f"{name}={dim} must be from {-len(shape)} to {len(shape) - 1}")
    return dim % len(shape)


def flatten_gradients(
    grad_output: np.ndarray, input: np.ndarray, **_: object
) -> dict[str, np.ndarray]:
    """Return the gradient of the input, whose elements have the same order."""
    return {"input": grad_output.reshape(input.shape)}


def dropout(
    input: np.ndarray, *, p: float = 0.5, training: bool = True, inplace: bool = False
) -> np.ndarray:
    """Set each element to zero with probability p and multiply the others by 1 / (1 - p)."""
    output = (exact(input) * _factors(input, p, training=training)).astype(input.dtype)
    if inplace:
        input[...] = output
    return output


def dropout_gradients(
    grad_output: np.ndarray,
    input: np.ndarray,
    *,
    p: float = 0.5,
    training: bool = True,
    **_: object,
) -> dict[str, np.ndarray]:
    """Return the gradient of the input, with elements dropped at random."""
    return {"input": exact(grad_output) * _factors(input, p, training=training)}


def _factors(input: np.ndarray, p: float, *, training: bool) -> np.ndarray:
    """Return 0 for the elements that are dropped, and 1 / (1 - p) for the others."""
    if not 0 <= p <= 1:
        raise ValueError(f"p must be a probability from 0 to 1, got p={p}")
    if not training or p == 0:
        return np.array(1)
    if not is_floating(input):
        raise RuntimeError(f"input must be floating point, got {input.dtype}: use astype(float32)")
    kept = RANDOM.random(input.shape) >= p
    return kept / (1 - p) if p < 1 else kept  # at p = 1 all are 0, and 0 / 0 would be NaN
