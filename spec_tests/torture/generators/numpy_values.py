"""A grammar of pickled NumPy arrays whose types, shapes and data need not fit."""

from __future__ import annotations

import pickle

from hypothesis import strategies as st

from spec_tests.support.pickle_builder import number, text

SIZES = st.sampled_from([0, 1, 2, 3, 8, 10, 3072, -1, 2**20, 2**31, 2**40, 2**62, 2**63])
SHAPES = st.lists(SIZES, max_size=3)
DTYPES = (
    "u1",
    "i8",
    "f8",
    "b1",
    "O",
    "O8",
    "V8",
    "S0",
    "U4",
    "M8",
    "c16",
    "i8,u1",
    "uint8",
    "object",
)
ARRAY_MODULES = ("numpy.core.multiarray", "numpy._core.multiarray")
FLAGS = st.sampled_from([0, 1, 2, 16, 27, 63, 64, 255, -1, 2**31, 2**63])


def _name(module: str, name: str) -> bytes:
    return f"c{module}\n{name}\n".encode()


def _tuple(*values: bytes) -> bytes:
    return b"(" + b"".join(values) + b"t"


def _shape(sizes: list[int]) -> bytes:
    return _tuple(*map(number, sizes))


def _bytes(data: bytes) -> bytes:
    return pickle.BINBYTES + len(data).to_bytes(4, "little") + data


def dtypes() -> st.SearchStrategy[bytes]:
    """Return a strategy for dtypes, most of them with a state as NumPy pickles it."""

    def build(kind: str, byte_order: str, sizes: tuple[int, int], flags: int) -> bytes:
        called = _name("numpy", "dtype") + _tuple(text(kind), b"\x89", b"\x88") + b"R"
        state = _tuple(number(3), text(byte_order), b"NNN", *map(number, sizes), number(flags))
        return called + state + b"b"

    plain = st.sampled_from(DTYPES)
    orders = st.sampled_from(["|", "<", ">", "=", "", "xx"])
    sizes = st.tuples(*[st.sampled_from([-1, 0, 1, 8, 2**31 - 1])] * 2)
    return plain.map(text) | st.builds(build, plain, orders, sizes, FLAGS)


def arrays() -> st.SearchStrategy[bytes]:
    """Return a strategy for arrays, made by ndarray itself or as NumPy pickles them."""
    content = st.one_of(
        st.binary(max_size=64),
        SIZES.map(lambda size: bytes(min(abs(size), 30_000))),
        st.just(b"\x41" * 64),  # as addresses, these cannot be read
    ).map(_bytes)

    def called(shape: list[int], dtype: bytes, data: bytes, rest: list[int]) -> bytes:
        arguments = _tuple(_shape(shape), dtype, data, *map(number, rest))
        return _name("numpy", "ndarray") + arguments + b"R"

    def rebuilt(module: str, shape: list[int], dtype: bytes, data: bytes, order: bytes) -> bytes:
        start = _tuple(_name("numpy", "ndarray"), _shape([0]), _bytes(b"b"))
        state = _tuple(number(1), _shape(shape), dtype, order, data)
        return _name(module, "_reconstruct") + start + b"R" + state + b"b"

    def scalar(module: str, dtype: bytes, data: bytes) -> bytes:
        return _name(module, "scalar") + _tuple(dtype, data) + b"R"

    modules = st.sampled_from(ARRAY_MODULES)
    lists = SHAPES.map(lambda sizes: b"](" + b"".join(map(number, sizes)) + b"e")
    items = content | lists
    orders = st.sampled_from([b"\x89", b"\x88", b"N"])
    return st.one_of(
        st.builds(called, SHAPES, dtypes(), content, st.lists(SIZES, max_size=2)),
        st.builds(rebuilt, modules, SHAPES, dtypes(), items, orders),
        st.builds(scalar, modules, dtypes(), content),
    )
