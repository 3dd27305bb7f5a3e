"""What the adapters share of libraries that have arrays of their own."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

Operator = Callable[..., Any]


def need(there: object, what: str) -> None:
    """Say that a library lacks something."""
    if not there:
        raise NotImplementedError(what)


def pair(value: int | tuple[int, int]) -> tuple[int, int]:
    """Return (rows, columns) where one number may stand for both."""
    return (value, value) if isinstance(value, int) else tuple(value)


def over(function: Operator, own: Operator, numpy: Operator) -> Operator:
    """Let a function of a library's own arrays take and return NumPy's.

    Args:
        function: called by keyword; returns an array or a tuple of them.
        own: makes a library's array of NumPy's.
        numpy: makes NumPy's of a library's.
    """

    def call(**arguments: Any) -> np.ndarray | tuple[np.ndarray, ...]:
        arrays = {k: own(v) for k, v in arguments.items() if isinstance(v, np.ndarray)}
        result = function(**arguments | arrays)
        return tuple(map(numpy, result)) if isinstance(result, tuple) else numpy(result)

    return call


def history(grads: Iterable[np.ndarray], step: Callable[[int, np.ndarray], Any]) -> np.ndarray:
    """Stack the parameters that `step` returns for its number and a gradient."""
    return np.stack([np.array(step(number, grad)) for number, grad in enumerate(grads)])
