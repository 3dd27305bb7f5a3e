"""Parts of which pickles and the files of torch.save are made, so that a test can make bad ones."""

import io
import pickle
import struct
import zipfile
from collections.abc import Callable

import torch

from reference.models.course import Tudui

MAGIC = 0x1950A86A20F9469CFC6C


def text(value: str) -> bytes:
    return pickle.BINUNICODE + struct.pack("<I", len(value.encode())) + value.encode()


def number(value: int) -> bytes:
    return pickle.dumps(value, protocol=2)[2:-1]


def call(module: str, name: str, argument: str) -> bytes:
    return f"c{module}\n{name}\n".encode() + text(argument) + b"\x85R"


def whole(value: bytes) -> bytes:
    return b"\x80\x02" + value + b"."


def entry(key: str, value: bytes) -> bytes:
    """Return the pickle of {key: value}."""
    return b"}" + text(key) + value + b"s"


def zipped(
    pickled: bytes, members: dict[str, bytes] | None = None, compression: int = zipfile.ZIP_STORED
) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as archive:
        everything = {"archive/data.pkl": pickled, "archive/version": b"3\n"}
        for name, data in (everything | (members or {})).items():
            archive.writestr(zipfile.ZipInfo(name), data, compression)
    return stream.getvalue()


def legacy(pickled: bytes, keys: bytes = b"]", rest: bytes = b"", magic: int = MAGIC) -> bytes:
    head = (magic, 1001, {"little_endian": True})
    return b"".join(pickle.dumps(part, protocol=2) for part in head) + pickled + whole(keys) + rest


def storage(numel: int, kind: str = "FloatStorage", key: str = "0", end: bytes = b"") -> bytes:
    pid = f"ctorch\n{kind}\n".encode() + text(key) + text("cpu") + number(numel) + end
    return b"(" + text("storage") + pid + b"tQ"


def tensor(stored: bytes, offset: int, size: tuple[int, ...], stride: tuple[int, ...]) -> bytes:
    """Return the pickle of a view of a storage."""
    shape = b"".join(b"(" + b"".join(map(number, numbers)) + b"t" for numbers in (size, stride))
    hooks = b"ccollections\nOrderedDict\n)R"
    start = b"ctorch._utils\n_rebuild_tensor_v2\n("
    return start + stored + number(offset) + shape + b"\x89" + hooks + b"tR"


def of_tensor(value: bytes, floats: int = 4) -> bytes:
    return zipped(whole(entry("a", value)), {"archive/data/0": bytes(4 * floats)})


def saved(content: object, *, zipped: bool = True) -> bytes:
    stream = io.BytesIO()
    torch.save(content, stream, _use_new_zipfile_serialization=zipped)
    return stream.getvalue()


def network(state: bytes, name: str = "__main__\nTudui") -> bytes:
    """Return the pickle of a whole network with this state."""
    return b"c" + name.encode() + b"\n)\x81" + state + b"b"


def rezipped(change: Callable[[dict[str, bytes]], None]) -> bytes:
    """Return a good file's zip with other members."""
    with zipfile.ZipFile(io.BytesIO(saved(Tudui().state_dict()))) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    change(members)
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return stream.getvalue()


def with_member(name: str, data: bytes = b"print('run')") -> bytes:
    return rezipped(lambda members: members.update({name: data}))
