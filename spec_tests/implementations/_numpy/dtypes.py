"""The dtypes that torch computes and returns."""

import numpy as np

HALF = ("float16", "bfloat16")


def is_floating(array: np.ndarray) -> bool:
    """Return whether the elements are floating-point numbers."""
    return array.dtype.kind == "f" or array.dtype.name == "bfloat16"  # whose kind is V


def exact(array: np.ndarray) -> np.ndarray:
    """Return the array to compute with: float32 for half precision, so that sums are accurate."""
    return array.astype(np.float32) if array.dtype.name in HALF else array


def common(first: np.ndarray, second: np.ndarray) -> np.dtype:
    """Return the dtype of an operation on two arrays: the floating-point one, or the wider."""
    if is_floating(first) != is_floating(second):
        return first.dtype if is_floating(first) else second.dtype
    if first.dtype.itemsize == second.dtype.itemsize and first.dtype != second.dtype:
        return np.dtype(np.float32)  # of float16 and bfloat16
    return max(first.dtype, second.dtype, key=lambda dtype: dtype.itemsize)


def check_same(input: np.ndarray, **arrays: np.ndarray | None) -> None:
    """Raise a RuntimeError that names the first array whose dtype differs from the input's."""
    for name, array in arrays.items():
        if array is not None and array.dtype != input.dtype:
            raise RuntimeError(
                f"{name} must have input's dtype {input.dtype}, got {array.dtype}: convert one of "
                "them with astype(dtype)"
            )
