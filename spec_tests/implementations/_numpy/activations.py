"""ReLU and the sigmoid."""

import numpy as np

from spec_tests.implementations._numpy.dtypes import exact, is_floating


def relu(input: np.ndarray, *, inplace: bool = False) -> np.ndarray:
    """Return max(0, x) for each element x. NaN stays NaN."""
    output = np.maximum(input, 0)
    if inplace:
        input[...] = output
    return output


def relu_gradients(
    grad_output: np.ndarray, input: np.ndarray, **_: object
) -> dict[str, np.ndarray]:
    """Return the gradient of the input: 0 where it is 0 or below."""
    return {"input": np.where(input <= 0, 0, grad_output)}


def sigmoid(input: np.ndarray) -> np.ndarray:
    """Return 1 / (1 + e^-x) for each element x; integers give float32."""
    floating = input if is_floating(input) else input.astype(np.float32)
    return _sigmoid(exact(floating)).astype(floating.dtype)


def sigmoid_gradients(grad_output: np.ndarray, input: np.ndarray) -> dict[str, np.ndarray]:
    """Return the gradient of the input, s (1 - s)."""
    output = _sigmoid(exact(input))
    return {"input": exact(grad_output) * output * (1 - output)}


def _sigmoid(x: np.ndarray) -> np.ndarray:
    # For negative x multiplied by e^x / e^x: no exponent is above 0, so that nothing overflows.
    power = np.exp(-abs(x))
    return np.where(x >= 0, 1, power) / (1 + power)
