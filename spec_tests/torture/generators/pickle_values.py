"""A grammar of well-formed pickles with unexpected contents: calls, classes, arrays, tensors."""

from __future__ import annotations

import pickle

from hypothesis import strategies as st

from spec_tests.support.pickle_builder import number, pickle_of, storage, tensor, text
from spec_tests.torture.generators.opcodes import LIMITS, NAMES, WORDS

SIZES = st.sampled_from([0, 1, 2, 4, 5, -1, 2**20, 2**31, 2**40, 2**62, 2**63])
SHAPES = st.lists(SIZES, max_size=3).map(tuple)
KINDS = ("FloatStorage", "LongStorage", "BoolStorage", "ComplexFloatStorage", "QUInt8Storage")


def _plain(value: object) -> bytes:
    return pickle.dumps(value, protocol=2)[2:-1]  # without PROTO and STOP


def _nested(levels: int) -> bytes:
    return b"]" * levels + b"a" * (levels - 1)


def plain_values() -> st.SearchStrategy[bytes]:
    """Return a strategy for the values of numbers, texts and empty containers."""
    numbers = st.sampled_from(LIMITS) | st.integers() | st.just(10**600)
    floats = st.floats().map(_plain)
    words = (st.sampled_from(WORDS) | st.text(max_size=8)).map(_plain_text)
    empty = st.sampled_from([b"N", b"\x88", b"\x89", b")", b"]", b"}", b"\x8f"])
    deep = st.sampled_from([10, 100, 5000]).map(_nested)
    return st.one_of(empty, numbers.map(number), floats, words, deep)


def _plain_text(value: str) -> bytes:
    return text(value.encode("utf-8", "replace").decode())


def tensors() -> st.SearchStrategy[bytes]:
    """Return a strategy for tensors whose shape, strides and storage need not fit."""
    stored = st.builds(
        storage,
        SIZES,
        st.sampled_from(KINDS),
        st.sampled_from(["0", "1", "../0", ""]),
        st.sampled_from([b"", b"N"]),
    )
    return st.builds(tensor, stored, SIZES, SHAPES, SHAPES)


def calls(canary: str) -> st.SearchStrategy[bytes]:
    """Return a strategy for calls of functions, and objects of classes with a state.

    Args:
        canary: the path of a file that some of the calls would create.
    """
    names = st.sampled_from(NAMES).map(lambda name: b"c" + name.replace(" ", "\n").encode() + b"\n")
    run = st.sampled_from([f"touch {canary}", f"open({canary!r}, 'w')", canary]).map(text)
    argument = run | plain_values() | names | tensors()
    arguments = st.lists(argument, max_size=4).map(lambda values: b"(" + b"".join(values) + b"t")
    called = st.builds(
        lambda name, values, opcode: name + values + opcode,
        names,
        arguments,
        st.sampled_from([b"R", b"\x81", b"}\x92"]),
    )
    state = st.builds(lambda key, value: b"}" + key + value + b"sb", plain_values(), argument)
    return called | st.builds(bytes.__add__, called, state)


def values(canary: str, others: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    """Return a strategy for values of any kind, nested, and for other ones."""
    leaves = others | plain_values() | calls(canary)

    def extend(inner: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
        lists = st.lists(inner, max_size=4).map(lambda each: b"](" + b"".join(each) + b"e")
        pairs = st.lists(st.tuples(plain_values() | inner, inner), max_size=4)
        dicts = pairs.map(lambda each: b"}(" + b"".join(k + v for k, v in each) + b"u")
        shared = inner.map(lambda value: b"](" + value + b"q\x05" + b"h\x05" * 300 + b"e")
        return lists | dicts | shared

    return st.recursive(leaves, extend, max_leaves=8)


def pickles(
    canary: str, keys: tuple[str, ...], others: st.SearchStrategy[bytes]
) -> st.SearchStrategy[bytes]:
    """Return a strategy for pickles of a dictionary with some of these keys, or of any value.

    Args:
        canary: the path of a file that some of the pickles would create.
        keys: of the dictionary.
        others: a strategy for the values of what the file is expected to have.
    """
    anything = values(canary, others)
    pairs = st.lists(st.tuples(st.sampled_from(keys), others | anything), max_size=len(keys))
    entries = pairs.map(lambda each: b"}(" + b"".join(text(k) + v for k, v in each) + b"u")
    return (entries | anything).map(pickle_of)
