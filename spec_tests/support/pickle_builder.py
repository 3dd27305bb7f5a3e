"""Build pickles and files of torch.save by hand, so that tests can make invalid ones.

A *value* is the opcodes that push one object, without the PROTO and STOP around a whole pickle. The
opcodes are those of pickle protocol 2, as torch.save writes it; pickletools documents each letter.
"""

import io
import pickle
import struct
import zipfile
from collections.abc import Callable

import torch

from reference.models.course import Tudui

MAGIC = 0x1950A86A20F9469CFC6C  # the first pickle of a file written by torch before 1.6


def text(value: str) -> bytes:
    """Return the value of a str."""
    return pickle.BINUNICODE + struct.pack("<I", len(value.encode())) + value.encode()


def number(value: int) -> bytes:
    """Return the value of an int."""
    return pickle.dumps(value, protocol=2)[2:-1]  # without PROTO and STOP


def call(module: str, name: str, argument: str) -> bytes:
    """Return the value that is the result of calling a function with one argument."""
    return f"c{module}\n{name}\n".encode() + text(argument) + b"\x85R"


def pickle_of(value: bytes) -> bytes:
    """Return a whole pickle of a value: with PROTO and STOP around it."""
    return b"\x80\x02" + value + b"."


def entry(key: str, value: bytes) -> bytes:
    """Return the value of the dict {key: value}."""
    return b"}" + text(key) + value + b"s"


def zipped(
    pickled: bytes, members: dict[str, bytes] | None = None, compression: int = zipfile.ZIP_STORED
) -> bytes:
    """Return a zip of torch.save with a pickle in it, and more members or other ones."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as archive:
        written = {"archive/data.pkl": pickled, "archive/version": b"3\n"}
        for name, data in (written | (members or {})).items():
            archive.writestr(zipfile.ZipInfo(name), data, compression)
    return stream.getvalue()


def legacy(pickled: bytes, keys: bytes = b"]", rest: bytes = b"", magic: int = MAGIC) -> bytes:
    """Return a file in the format of torch before 1.6.

    Args:
        pickled: the pickle of the saved object.
        keys: the value of the list of the storages' keys.
        rest: the storages' data.
        magic: the magic number.
    """
    head = (magic, 1001, {"little_endian": True})
    return (
        b"".join(pickle.dumps(part, protocol=2) for part in head) + pickled + pickle_of(keys) + rest
    )


def storage(numel: int, kind: str = "FloatStorage", key: str = "0", end: bytes = b"") -> bytes:
    """Return the value of a storage; `end` is b"N" in the format of torch before 1.6."""
    pid = f"ctorch\n{kind}\n".encode() + text(key) + text("cpu") + number(numel) + end
    return b"(" + text("storage") + pid + b"tQ"


def tensor(stored: bytes, offset: int, size: tuple[int, ...], stride: tuple[int, ...]) -> bytes:
    """Return the value of a tensor, which is a view of a storage."""
    shape = b"".join(b"(" + b"".join(map(number, numbers)) + b"t" for numbers in (size, stride))
    hooks = b"ccollections\nOrderedDict\n)R"
    start = b"ctorch._utils\n_rebuild_tensor_v2\n("
    return start + stored + number(offset) + shape + b"\x89" + hooks + b"tR"


def zip_of_tensor(value: bytes, floats: int = 4) -> bytes:
    """Return a zip of {"a": tensor}, with data for this many float32 in storage 0."""
    return zipped(pickle_of(entry("a", value)), {"archive/data/0": bytes(4 * floats)})


def saved(content: object, *, zipped: bool = True) -> bytes:
    """Return the file that torch.save writes, as a zip or in the format before 1.6."""
    stream = io.BytesIO()
    torch.save(content, stream, _use_new_zipfile_serialization=zipped)
    return stream.getvalue()


def network(state: bytes, name: str = "__main__\nTudui") -> bytes:
    r"""Return the value of a whole network with this state, of the class `module\nname`."""
    return b"c" + name.encode() + b"\n)\x81" + state + b"b"


def rezipped(change: Callable[[dict[str, bytes]], None]) -> bytes:
    """Return the zip of a valid state_dict after a change of its members."""
    with zipfile.ZipFile(io.BytesIO(saved(Tudui().state_dict()))) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    change(members)
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return stream.getvalue()


def with_member(name: str, data: bytes = b"print('run')") -> bytes:
    """Return the zip of a valid state_dict with one member added or replaced."""
    return rezipped(lambda members: members.update({name: data}))
