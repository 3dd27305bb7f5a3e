"""Activations: ReLU and the sigmoid (P20)."""

from torch import Tensor


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """Return max(0, x) for each element x; the gradient at 0 is 0.

    Args:
        input: any shape and real dtype. NaN stays NaN.
        inplace: whether to overwrite `input` and return it.

    Returns:
        The input's shape and dtype.

    Raises:
        RuntimeError: `inplace` on a leaf that requires gradients.

    Source: P20.
    """
    not_positive = input <= 0
    if inplace:
        return input.masked_fill_(not_positive, 0)
    return input.masked_fill(not_positive, 0)


def sigmoid(input: Tensor) -> Tensor:
    """Return 1 / (1 + e^-x) for each element x, without overflow.

    Args:
        input: any shape and real dtype.

    Returns:
        The input's shape; integers give the default dtype.

    Source: P20.
    """
    # e^x / (e^x + 1), with both terms divided by e^max(x, 0): no exponent is then above 0.
    numerator = input.masked_fill(input > 0, 0).exp()
    return numerator / (numerator + (-relu(input)).exp())
