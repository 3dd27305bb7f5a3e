"""Helpers for the adapters of libraries with their own array type."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from spec_tests.implementations import Operator


def require(condition: object, missing: str) -> None:
    """Raise NotImplementedError with what the library is missing, unless the condition is true."""
    if not condition:
        raise NotImplementedError(missing)


def pair(value: int | tuple[int, int]) -> tuple[int, int]:
    """Return (rows, columns); one number is used for both. What is no pair, the library refuses."""
    return (value, value) if isinstance(value, int) else value


def on_arrays(
    function: Operator, from_numpy: Callable[[np.ndarray], Any], to_numpy: Callable[[Any], Any]
) -> Operator:
    """Return a function of NumPy arrays that calls a function of a library's arrays.

    Args:
        function: called by keyword; returns an array or a tuple of them.
        from_numpy: converts a NumPy array to the library's.
        to_numpy: converts the library's array to NumPy.
    """

    def call(**arguments: Any) -> np.ndarray | tuple[np.ndarray, ...]:
        arrays = {k: from_numpy(v) for k, v in arguments.items() if isinstance(v, np.ndarray)}
        result = function(**arguments | arrays)
        return tuple(map(to_numpy, result)) if isinstance(result, tuple) else to_numpy(result)

    return call


def parameter_history(
    grads: Iterable[np.ndarray], step: Callable[[int, np.ndarray], Any]
) -> np.ndarray:
    """Return the parameters after each step, (steps, n).

    Args:
        grads: one gradient per step, (steps, n).
        step: called with the number of the step and its gradient; returns the parameters, (n,).
    """
    return np.stack([np.array(step(number, grad)) for number, grad in enumerate(grads)])
