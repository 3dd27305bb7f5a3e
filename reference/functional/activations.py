"""Activations: ReLU and the sigmoid (P20)."""

from torch import Tensor


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """Replace what is negative by zero; the gradient at zero is zero.

    Args:
        input: any shape and real dtype. NaN stays NaN.
        inplace: whether to overwrite `input` and return it.

    Returns:
        The input's shape and dtype.

    Raises:
        RuntimeError: `inplace` on a leaf that requires gradients.

    Source: P20.
    """
    negative = input <= 0
    return input.masked_fill_(negative, 0) if inplace else input.masked_fill(negative, 0)


def sigmoid(input: Tensor) -> Tensor:
    """Squeeze numbers into (0, 1): e^x / (e^x + 1), both divided by e^max(x, 0) against overflow.

    Args:
        input: any shape and real dtype.

    Returns:
        The input's shape; integers give the default dtype.

    Source: P20.
    """
    power = input.masked_fill(input > 0, 0).exp()
    return power / (power + (-relu(input)).exp())
