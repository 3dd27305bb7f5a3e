"""Pickles of arrays: nothing in them is called, and they cannot allocate more than their size."""

import io
import os
import pickle
import pickletools
import tracemalloc
from typing import Any

import numpy as np
import pytest

from reference.data.pickled_arrays import MAX_BYTES, MAX_OPCODES, load_arrays


def load(data: bytes) -> dict[str, Any]:
    return load_arrays(io.BytesIO(data))


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize(
    "array",
    [
        np.arange(12, dtype=np.uint8).reshape(2, 6),
        np.asfortranarray(np.arange(6, dtype=np.float32).reshape(2, 3)),
        np.array([[1, -2]], dtype=">i4"),
        np.array([], dtype=np.int64),
        np.array(7, dtype=np.int16),
    ],
    ids=["images", "fortran", "big-endian", "empty", "scalar"],
)
def test_arrays_come_back(array: np.ndarray[Any, Any], protocol: int) -> None:
    found = load(pickle.dumps({"data": array}, protocol))["data"]
    assert (found.dtype, found.shape) == (array.dtype, array.shape)
    assert found.tolist() == array.tolist()


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_plain_values_come_back(protocol: int) -> None:
    content = {"names": ["a", "b"], "n": 10_000, "x": 0.5, "raw": b"\xff", "none": (None, True)}
    assert load(pickle.dumps(content, protocol)) == content


def test_the_pickle_of_python_2_is_read() -> None:
    """The form of the official files: strings of bytes, and numpy.core."""
    data = (
        b"\x80\x02}q\x01U\x04dataq\x02cnumpy.core.multiarray\n_reconstruct\nq\x03cnumpy\nndarray\n"
        b"q\x04K\x00\x85U\x01b\x87Rq\x05(K\x01K\x01K\x03\x86cnumpy\ndtype\nq\x06U\x02u1K\x00K\x01"
        b"\x87Rq\x07(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89U\x03\x01\x02\xfftbs."
    )
    assert load(data)["data"].tolist() == [[1, 2, 255]]


def _array(
    dtype: bytes = b"U\x02u1",
    state: bytes = b"(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00t",
    shape: bytes = b"K\x03\x85",
    data: bytes = b"U\x03abc",
) -> bytes:
    """Return the pickle of {"a": array}, with some parts replaced."""
    return (
        b"\x80\x02}U\x01acnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"
        b"(K\x01" + shape + b"cnumpy\ndtype\n" + dtype + b"K\x00K\x01\x87R" + state + b"b\x89"
        + data + b"tbs."
    )  # fmt: skip


def test_unchanged_array_is_read() -> None:
    assert load(_array())["a"].tolist() == [97, 98, 99]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (_array(dtype=b"U\x02O8"), "array of dtype 'O8'"),
        (_array(dtype=b"U\x02V3"), "array of dtype 'V3'"),
        (_array(dtype=b"U\x05u1,u1"), "array of dtype 'u1,u1'"),
        (_array(state=b"(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x3ft"), "sets a state"),
        (_array(state=b"(K\x04U\x01|NNNK\x08K\x01K\x1bN" + b"t"), "sets a state"),
        (_array(shape=b"J\x00\x00\x00\x10J\x00\x00\x00\x10\x86"), "more or fewer elements"),
        (_array(shape=b"J\xff\xff\xff\xff\x85"), "invalid shape"),
        (_array(shape=b"G?\xf0\x00\x00\x00\x00\x00\x00\x85"), "invalid shape"),
        (_array(shape=b"(" + b"K\x01" * 40 + b"t"), "invalid shape"),
        (_array(data=b"]"), "sets a state"),
        (b"\x80\x02}U\x01acnumpy\nndarray\nJ\x00\x00\x00\x01\x85Rs.", "calls a function"),
        (b"\x80\x02}U\x01acos\nsystem\nU\x02id\x85Rs.", "refers to os.system"),
        (b"\x80\x04}\x8c\x01a\x8c\x02os\x8c\x06system\x93\x8c\x02id\x85Rs.", "refers to os.system"),
        (b"\x80\x02}U\x01acnumpy\nload\nU\x01x\x85Rs.", "refers to numpy.load"),
        (b"\x80\x02}(U\x01aios\nsystem\ns.", "opcode INST"),
        (b"\x80\x02}U\x01aU\x01bQs.", "opcode BINPERSID"),
        (b"\x80\x02}))\x81s.", "opcode NEWOBJ"),
        (b"\x80\x02}U\x01a\x82\x01s.", "opcode EXT1"),
        (b"\x80\x02]2e.", "opcode DUP"),
        (b"\x80\x02}K\x01K\x02s.", "keys are not strings"),
        (b"\x80\x02]q\x00.", "not contain a dictionary"),
        (b"\x80\x02}s.", "stack is too short"),
        (b"\x80\x02}u.", "no mark"),
        (b"\x80\x02}(U\x01au.", "keys are not strings"),
        (b"\x80\x02]}U\x01aK\x01sR.", "calls a function"),
        (b"\x80\x02}U\x01acnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87Rs.",
         "without elements"),
    ],
)  # fmt: skip
def test_anything_else_is_refused(data: bytes, words: str) -> None:
    with pytest.raises(pickle.UnpicklingError, match=words):
        load(data)


def test_the_name_in_a_message_is_cut_and_escaped() -> None:
    name = b"a\x1b[31m" + b"b" * 900
    with pytest.raises(pickle.UnpicklingError) as caught:
        load(b"\x80\x02}c" + name + b"\nx\n.")
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 120


def test_deeply_nested_tuples_cannot_be_keys() -> None:
    """Hashing a million of them overflows the C stack."""
    with pytest.raises(pickle.UnpicklingError, match=r"keys are not strings|opcodes"):
        load(b"\x80\x02})" + b"\x85" * 400_000 + b"K\x01s.")


@pytest.mark.parametrize(
    "data",
    [
        b"\x80\x02}r\xff\xff\xff\x7f.",  # an index in the memo, which the C unpickler allocates
        b"\x80\x02}T\xff\xff\xff\x7fab.",
        b"\x80\x04}\x8e\xff\xff\xff\xff\xff\xff\x00\x00ab.",
        b"\x80\x04}\x96\xff\xff\xff\xff\xff\xff\x00\x00ab.",
        b"\x80\x04\x95\xff\xff\xff\xff\xff\xff\x00\x00}.",
        b"\x80\x02}\x8b\xff\xff\xff\x7fab.",
    ],
)
def test_a_declared_size_allocates_nothing(data: bytes) -> None:
    tracemalloc.start()
    try:
        load(data)
    except (pickle.UnpicklingError, ValueError):
        pass
    finally:
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < 1_000_000


def test_repeated_copies_are_refused() -> None:
    encode = b"c_codecs\nencode\nq\x01"
    text = b"X" + (10_000).to_bytes(4, "little") + b"a" * 10_000 + b"q\x02U\x06latin1q\x03\x86R"
    again = b"h\x01h\x02h\x03\x86R"
    with pytest.raises(pickle.UnpicklingError, match="copies its data"):
        load(b"\x80\x02}U\x01a(" + encode + text + again * 50 + b"ts.")


def test_opcodes_are_limited() -> None:
    with pytest.raises(pickle.UnpicklingError, match=f"more than {MAX_OPCODES} opcodes"):
        load(b"\x80\x02}(" + b"K\x00" * MAX_OPCODES + b"t.")


def test_bytes_are_limited() -> None:
    file = io.BytesIO()
    file.seek = lambda _offset, whence=0: MAX_BYTES + 1 if whence == os.SEEK_END else 0  # type: ignore[method-assign]
    with pytest.raises(pickle.UnpicklingError, match=f"more than {MAX_BYTES}"):
        load_arrays(file)


@pytest.mark.parametrize("opcode", pickletools.opcodes, ids=lambda opcode: opcode.name)
def test_every_opcode_is_run_or_refused(opcode: pickletools.OpcodeInfo) -> None:
    """Whatever the stack, no opcode ends in an error that the caller does not expect."""
    argument = b"\x01\n\x00\x00\x00\n"
    for stack in (b"", b"}", b"(", b"}(", b"}U\x01aK\x01", b"}]K\x01K\x02"):
        data = b"\x80\x02" + stack + opcode.code.encode("latin-1") + argument
        try:
            found = load(data + b".")
        except (pickle.UnpicklingError, ValueError, KeyError, IndexError):
            continue
        assert isinstance(found, dict)
