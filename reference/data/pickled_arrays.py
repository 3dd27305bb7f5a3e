"""Read a pickle of NumPy arrays and plain values as data (P14).

Nothing that a file names is imported or called: a checksum beside the file proves only that it is
unchanged, not that it is harmless. NumPy's own classes are no safer than other code here, since
`dtype.__setstate__` takes flags with which `ndarray` follows addresses that the file contains. So
the opcodes are interpreted one by one, and an array is built only from its bytes and its shape.
"""

from __future__ import annotations

import math
import pickletools
import re
from dataclasses import dataclass
from pickle import UnpicklingError
from typing import IO, Any

import numpy as np

MAX_OPCODES = 500_000  # a file of 10,000 images takes about 40,000
MAX_BYTES = 2**27  # the official files have 31 MB; a string can need four times its bytes
MAX_LINE = 1000  # of a global's name, which ends a line
MAX_NDIM = 4

CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
# Opcodes whose argument is the value; `pickletools` decodes a Python 2 string as latin-1.
VALUES = frozenset(
    {"BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT"}
    | {"SHORT_BINSTRING", "BINSTRING", "SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8"}
    | {"SHORT_BINBYTES", "BINBYTES", "BINBYTES8", "BYTEARRAY8"}
)
TUPLES = {"EMPTY_TUPLE": 0, "TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
GLOBALS = {
    "_codecs.encode": "encode",  # how protocol 2 writes bytes,
    "__builtin__.bytes": "bytes",  # and how it writes none
    "numpy.dtype": "dtype",
    "numpy.ndarray": "ndarray",
    "numpy.core.multiarray._reconstruct": "array",
    "numpy._core.multiarray._reconstruct": "array",  # since NumPy 2
    "numpy.core.numeric._frombuffer": "frombuffer",  # protocol 5
    "numpy._core.numeric._frombuffer": "frombuffer",
}


@dataclass(frozen=True)
class _Global:
    """A class or a function that the file names; `role` is one of `GLOBALS`."""

    role: str


@dataclass
class _Dtype:
    """A dtype: a letter for its kind and its size, as in u1, and its byte order."""

    code: str
    order: str = "|"


@dataclass
class _Array:
    """An array, whose elements come with a later opcode."""

    array: np.ndarray[Any, Any] | None = None


class _BoundedFile:
    """A file that refuses to read more than it has, so that a declared size allocates nothing."""

    def __init__(self, file: IO[bytes], size: int) -> None:
        self._file, self._size = file, size

    def read(self, count: int) -> bytes:
        if count > self._size - self._file.tell():
            raise UnpicklingError("it declares more bytes than it has")
        return self._file.read(count)

    def readline(self) -> bytes:
        return self._file.readline(MAX_LINE)

    def tell(self) -> int:
        return self._file.tell()


def load_arrays(file: IO[bytes]) -> dict[str, Any]:
    """Read a pickled dictionary.

    Args:
        file: a file at its beginning, of any protocol from 2 on.

    Returns:
        Its entries: arrays, strings, numbers, bytes, None, and lists, tuples and dictionaries of
        them.

    Raises:
        UnpicklingError: it refers to anything else, or for more than `MAX_BYTES` or `MAX_OPCODES`.
        ValueError: it is not a pickle.
    """
    size = file.seek(0, 2)
    file.seek(0)
    if size > MAX_BYTES:
        raise UnpicklingError(f"it has {size} bytes, more than {MAX_BYTES}")
    machine = _Machine(size)
    for number, (opcode, argument, _) in enumerate(pickletools.genops(_BoundedFile(file, size))):  # type: ignore[arg-type]
        if number >= MAX_OPCODES:
            raise UnpicklingError(f"it takes more than {MAX_OPCODES} opcodes")
        machine.run(opcode.name, argument)
    (content,) = machine.stack
    if not isinstance(content, dict):
        raise UnpicklingError("it does not contain a dictionary")
    return {key: _value(value) for key, value in content.items()}


def _value(value: object) -> object:
    """Return an entry of the dictionary; an array in place of its description."""
    if not isinstance(value, _Array):
        return value
    if value.array is None:
        raise UnpicklingError("it contains an array without elements")
    return value.array


class _Machine:
    """An interpreter of pickles that builds only plain values and arrays.

    Args:
        size: bytes of the file; decoded values may take at most as much again.
    """

    def __init__(self, size: int) -> None:
        self.stack: list[Any] = []
        self._marks: list[int] = []
        self._memo: dict[int, Any] = {}
        self._budget = size

    def run(self, name: str, argument: Any) -> None:  # noqa: ANN401, C901, PLR0912 - one case an opcode
        """Run one opcode, by its name in `pickletools`."""
        push = self.stack.append
        match name:
            case "PROTO" | "FRAME" | "STOP":
                pass
            case "MARK":
                self._marks.append(len(self.stack))
            case "EMPTY_LIST":
                push([])
            case "EMPTY_DICT":
                push({})
            case "TUPLE":
                push(tuple(self._since_mark()))
            case "APPEND" | "APPENDS":
                items = self._pop(1) if name == "APPEND" else self._since_mark()
                self._top(list).extend(items)
            case "SETITEM" | "SETITEMS":
                items = self._pop(2) if name == "SETITEM" else self._since_mark()
                self._set_items(self._top(dict), items)
            case "PUT" | "BINPUT" | "LONG_BINPUT":
                self._memo[argument] = self._top(object)
            case "MEMOIZE":
                self._memo[len(self._memo)] = self._top(object)
            case "GET" | "BINGET" | "LONG_BINGET":
                push(self._memo[argument])
            case "GLOBAL":
                push(_find_global(argument.replace(" ", ".")))
            case "STACK_GLOBAL":
                push(_find_global(".".join(map(str, self._pop(2)))))
            case "REDUCE":
                push(self._call(*self._pop(2)))
            case "BUILD":
                (state,) = self._pop(1)
                self._build(self._top(object), state)
            case _ if name in CONSTANTS:
                push(CONSTANTS[name])
            case _ if name in VALUES:
                push(argument)
            case _ if name in TUPLES:
                push(tuple(self._pop(TUPLES[name])))
            case _:
                raise UnpicklingError(f"it uses the opcode {name}")

    def _pop(self, count: int) -> list[Any]:
        start = len(self.stack) - count
        if start < (self._marks[-1] if self._marks else 0):
            raise UnpicklingError("its stack is too short")
        items = self.stack[start:]
        del self.stack[start:]
        return items

    def _since_mark(self) -> list[Any]:
        if not self._marks:
            raise UnpicklingError("it has no mark")
        items = self._pop(len(self.stack) - self._marks[-1])
        self._marks.pop()
        return items

    def _top(self, kind: type) -> Any:  # noqa: ANN401 - of the given kind
        if not self.stack or not isinstance(self.stack[-1], kind):
            raise UnpicklingError(f"its stack has no {kind.__name__} on top")
        return self.stack[-1]

    @staticmethod
    def _set_items(target: dict[str, Any], items: list[Any]) -> None:
        if len(items) % 2 or not all(isinstance(key, str) for key in items[::2]):
            # Python hashes a key recursively: deeply nested tuples overflow the C stack.
            raise UnpicklingError("it has a dictionary whose keys are not strings")
        target.update(zip(items[::2], items[1::2], strict=True))

    def _call(self, function: object, arguments: object) -> object:
        match function, arguments:
            case _Global("encode"), (str(text), "latin1" | "latin-1"):
                self._spend(len(text))
                return text.encode("latin-1")
            case _Global("bytes"), ():
                return b""
            case _Global("dtype"), (str(code), *_):
                return _Dtype(code)
            case _Global("ndarray"), (shape, "uint8", bytes(data)):  # as the stand-in writes it
                return _Array(_build_array(data, _Dtype("u1"), shape, "C"))
            case _Global("array"), (_Global("ndarray"), *_):
                return _Array()
            case _Global("frombuffer"), (
                bytes() | bytearray() as data,
                _Dtype() as dtype,
                shape,
                "C" | "F" as order,
            ):
                return _Array(_build_array(data, dtype, shape, order))
        raise UnpicklingError("it calls a function in a way that NumPy's pickles do not")

    def _build(self, target: object, state: object) -> None:
        match target, state:
            case _Dtype(), (3, "|" | "<" | ">" as order, None, None, None, -1, -1, 0):
                target.order = order
            case _Array(), (1, shape, _Dtype() as dtype, bool(fortran), bytes() | str() as data):
                if isinstance(data, str):  # as Python 2 wrote it
                    self._spend(len(data))
                    data = data.encode("latin-1")
                target.array = _build_array(data, dtype, shape, "F" if fortran else "C")
            case _:
                raise UnpicklingError("it sets a state that NumPy's pickles do not")

    def _spend(self, count: int) -> None:
        """Count bytes that are made of bytes of the file, which a memo could repeat endlessly."""
        self._budget -= count
        if self._budget < 0:
            raise UnpicklingError("it copies its data more than once")


def _find_global(name: str) -> _Global:
    if name not in GLOBALS:
        shown = ascii(name)[1:-1]
        raise UnpicklingError(f"it refers to {shown[:80]}{'…' if len(shown) > 80 else ''}")  # noqa: PLR2004
    return _Global(GLOBALS[name])


def _build_array(
    data: bytes | bytearray, dtype: _Dtype, shape: object, order: str
) -> np.ndarray[Any, Any]:
    """Return a view of bytes as an array of integers or floats."""
    if not re.fullmatch(r"[iuf][1248]", dtype.code) or dtype.code == "f1":
        raise UnpicklingError(f"it contains an array of dtype {ascii(dtype.code)[:20]}")
    kind = np.dtype(dtype.order.replace("|", "=") + dtype.code)
    sizes = shape if isinstance(shape, tuple) and len(shape) <= MAX_NDIM else (-1,)
    if not all(type(size) is int and size >= 0 for size in sizes):
        raise UnpicklingError("it contains an array with an invalid shape")
    if math.prod(sizes) * kind.itemsize != len(data):
        raise UnpicklingError("it contains an array with more or fewer elements than its shape")
    return np.frombuffer(data, kind).reshape(sizes, order="F" if order == "F" else "C")
