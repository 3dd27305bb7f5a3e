"""The messages of the protocol by which an engine in any language answers: JSON, one a line.

docs/PROTOCOL.md describes it, `fixtures/protocol.schema.json` is its schema. This module turns
arrays into the tensors of messages and back.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from spec_tests.harness import tensors

VERSION = 1
MAX_EXACT = 2**53  # JSON numbers are doubles in most languages: larger integers are texts


def message_tensor(array: np.ndarray) -> dict[str, Any]:
    """Return an array as the tensor of a message: its elements in row-major order."""
    values = array if array.dtype.kind == "i" else array.astype("float64")
    tensor = {
        "dtype": array.dtype.name,
        "shape": list(array.shape),
        "data": [_json_number(value) for value in values.ravel().tolist()],
    }
    if not array.flags.c_contiguous:
        tensor["strides"] = [step // array.itemsize for step in array.strides]
    return tensor


def message_tensors(arrays: Mapping[str, np.ndarray]) -> dict[str, dict[str, Any]]:
    """Return arrays by name; one that is the same as another names it in `shares`."""
    names: dict[int, str] = {}
    messages = {}
    for name, array in arrays.items():
        first = names.setdefault(id(array), name)
        messages[name] = message_tensor(array) | ({"shares": first} if first != name else {})
    return messages


def message_array(tensor: Mapping[str, Any]) -> np.ndarray:
    """Return the tensor of a message as a new array, in the layout that it names.

    Raises:
        ValueError: the data does not fit the shape, or is not numbers.
        MissingDtypeError: NumPy has no arrays of its dtype here.
    """
    dtype = tensors.dtype_of(tensor["dtype"])
    parse = int if dtype.kind == "i" else float
    flat = np.array([parse(value) for value in tensor["data"]], "int64" if parse is int else None)
    values = flat.astype(dtype).reshape(tensor["shape"])
    return tensors.with_strides(values, tensor["strides"]) if "strides" in tensor else values


def message_arrays(messages: Mapping[str, Mapping[str, Any]]) -> dict[str, np.ndarray]:
    """Return the tensors of a message; one that shares another's memory is the same array."""
    own = {name: message_array(each) for name, each in messages.items() if "shares" not in each}
    return {name: own[each.get("shares", name)] for name, each in messages.items()}


def _json_number(value: float) -> float | str:
    if isinstance(value, int):
        return value if abs(value) <= MAX_EXACT else str(value)
    return value if math.isfinite(value) else str(value)  # nan, inf, -inf
