"""The tensors of a case as NumPy arrays: their values, their dtypes and their layout in memory.

`fixtures/vectors/vectors.schema.json` describes the fields of a tensor.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import as_strided

HALF = ("float16", "bfloat16")
GAP = 77  # the value between the elements of a strided array: no case expects it


class MissingDtypeError(NotImplementedError):
    """NumPy has no arrays of a dtype here."""


def dtype_of(name: str) -> np.dtype:
    """Return the dtype of a name; NumPy has bfloat16 with the package ml_dtypes only.

    Raises:
        MissingDtypeError: ml_dtypes is not installed.
    """
    if name == "bfloat16":
        try:
            from ml_dtypes import bfloat16  # noqa: PLC0415 - optional
        except ImportError:
            raise MissingDtypeError("bfloat16 needs the package ml_dtypes") from None
        return np.dtype(bfloat16)
    return np.dtype(name)


def largest_finite(dtype: str) -> float:
    """Return the largest finite number of a dtype; larger results overflow to infinity."""
    if dtype == "bfloat16":
        return (2 - 2.0**-7) * 2.0**127
    return float(np.iinfo(dtype).max if dtype == "int64" else np.finfo(dtype).max)


def array(tensor: Mapping[str, Any]) -> np.ndarray:
    """Return a tensor as a new array, whose memory is laid out as the tensor says.

    Its data may contain the words inf, -inf and nan.

    Raises:
        MissingDtypeError: NumPy has no arrays of its dtype here.
    """
    dtype = dtype_of(tensor["dtype"])
    if "fill" in tensor:
        values = np.full(tensor["shape"], float(tensor["fill"])).astype(dtype)
        for index, value in tensor.get("except", []):
            values[tuple(index)] = float(value)
    else:
        flat = np.array(tensor["data"], dtype=object).reshape(tensor["shape"])
        # Objects to bfloat16 only by way of float64; to int64 directly, which float64 would round.
        values = (flat if dtype.kind == "i" else flat.astype("float64")).astype(dtype)
    return LAYOUTS[tensor.get("layout", "contiguous")](values)


def arrays(tensors: Mapping[str, Mapping[str, Any]]) -> dict[str, np.ndarray]:
    """Return tensors as new arrays; one that shares another's memory is the same array."""
    own = {name: array(tensor) for name, tensor in tensors.items() if "shares" not in tensor}
    return {name: own[tensor.get("shares", name)] for name, tensor in tensors.items()}


def tensor(values: npt.ArrayLike, dtype: str) -> dict[str, Any]:
    """Return values as a tensor of a case."""
    converted = np.asarray(values).astype(dtype_of(dtype))
    return {"dtype": dtype, "shape": list(converted.shape), "data": converted.tolist()}


def _transposed(values: np.ndarray) -> np.ndarray:
    return values.T.copy().T


def _channels_last(values: np.ndarray) -> np.ndarray:
    # (N, C, ...) in memory as (N, ..., C)
    return np.moveaxis(np.moveaxis(values, 1, -1).copy(), -1, 1)


def _channel_slice(values: np.ndarray) -> np.ndarray:
    # As channels_last, of an array with twice as many channels: its strides have gaps.
    larger = np.full((values.shape[0], 2 * values.shape[1], *values.shape[2:]), GAP, values.dtype)
    larger[:, : values.shape[1]] = values
    return _channels_last(larger)[:, : values.shape[1]]


def _strided(values: np.ndarray) -> np.ndarray:
    # Every second element of a larger array, along each axis.
    larger = np.full([2 * length + 1 for length in values.shape], GAP, values.dtype)
    view = larger[(slice(1, None, 2),) * values.ndim]
    view[...] = values
    return view


def _reversed(values: np.ndarray) -> np.ndarray:
    return np.flip(np.flip(values).copy())


def _expanded(values: np.ndarray) -> np.ndarray:
    # One element of the first axis, repeated by a stride of 0. np.broadcast_to would be read-only,
    # of which torch.from_numpy warns.
    first = values[0].copy()
    # Of an axis of length 1, too, so that a column is one element, as an expanded scalar.
    strides = [
        0 if length == 1 else step for length, step in zip(first.shape, first.strides, strict=True)
    ]
    return as_strided(first, values.shape, (0, *strides))


def _expanded_last(values: np.ndarray) -> np.ndarray:
    # One element of the last axis, repeated by a stride of 0.
    first = values[..., 0].copy()
    return as_strided(first, values.shape, (*first.strides, 0))


LAYOUTS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "contiguous": lambda values: values,
    "transposed": _transposed,
    "channels_last": _channels_last,
    "channel_slice": _channel_slice,
    "strided": _strided,
    "reversed": _reversed,
    "expanded": _expanded,
    "expanded_last": _expanded_last,
}


def with_strides(values: np.ndarray, strides: Sequence[int]) -> np.ndarray:
    """Return values in new memory with these strides, counted in elements."""
    if not values.size:
        return values
    reach = [(length - 1) * step for length, step in zip(values.shape, strides, strict=True)]
    first = -sum(min(step, 0) for step in reach)
    memory = np.full(first + sum(max(step, 0) for step in reach) + 1, GAP, values.dtype)
    view = as_strided(memory[first:], values.shape, [s * memory.itemsize for s in strides])
    view[...] = values
    return view
