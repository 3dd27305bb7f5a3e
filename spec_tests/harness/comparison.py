"""Comparison of an array with the expected tensor of a case: dtype, shape, then values."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from spec_tests.harness import tensors


def difference(
    actual: object, expected: Mapping[str, Any], tolerance: Mapping[str, Any]
) -> tuple[str, str] | None:
    """Return how an array differs from a tensor, in a few words and in detail; None if it does not.

    Args:
        actual: what an implementation returned.
        expected: the tensor; where it has `zeros`, each element may be 0 instead.
        tolerance: rtol and atol.
    """
    if not isinstance(actual, np.ndarray):
        return f"not an array but {actual!r}", ""
    if actual.dtype.name != expected["dtype"]:
        return f"dtype is {actual.dtype.name}, not {expected['dtype']}", ""
    if actual.shape != tuple(expected["shape"]):
        return f"shape is {list(actual.shape)}, not {list(expected['shape'])}", ""
    if "zeros" in expected:
        least, most = expected["zeros"]
        if not least <= (zeros := int((actual == 0).sum())) <= most:
            return f"{zeros} zeros, not {least} to {most}", ""
    values, wrong = wrong_elements(actual, expected, tolerance)
    if not wrong.any():
        return None
    first = tuple(int(index) for index in np.argwhere(wrong)[0])
    worst = f"{wrong.sum()} of {wrong.size} elements differ, the first at index {list(first)}"
    limits = f"rtol={tolerance['rtol']}, atol={tolerance['atol']}"
    return "wrong values", f"got\n{actual}\nexpected\n{values}\n{worst} ({limits})"


def wrong_elements(
    actual: np.ndarray, expected: Mapping[str, Any], tolerance: Mapping[str, Any]
) -> tuple[np.ndarray, np.ndarray]:
    """Return the expected values, and where an array of the same dtype and shape has others."""
    values = tensors.array(expected)
    if "zeros" in expected:
        values = np.where(actual == 0, 0, values)
    limits = {name: tolerance[name] for name in ("rtol", "atol")}
    return values, ~_close(actual, values, **limits)


def _close(actual: np.ndarray, expected: np.ndarray, rtol: float, atol: float) -> np.ndarray:
    """Return where |actual - expected| <= atol + rtol |expected|; NaN equals NaN."""
    if actual.dtype.kind in "biu":
        return np.asarray(actual == expected)
    actual, expected = actual.astype("float64"), expected.astype("float64")
    with np.errstate(invalid="ignore", over="ignore"):  # differences of infinities
        near = np.abs(actual - expected) <= atol + rtol * np.abs(expected)
    same = (actual == expected) | (np.isnan(actual) & np.isnan(expected))
    return np.where(np.isfinite(expected), near, same)
