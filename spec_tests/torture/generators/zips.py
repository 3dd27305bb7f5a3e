"""Edits of zips: their members, their structure and their checksums."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from typing import TYPE_CHECKING

from hypothesis import strategies as st

from spec_tests.torture.generators import opcodes
from spec_tests.torture.generators.damage import damaged

if TYPE_CHECKING:
    from collections.abc import Iterable

LOCAL, CENTRAL, END = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
EDITS = ("pickle", "pickle", "rename", "double", "remove", "cut", "grow", "bytes", "move")
MEMBER_NAMES = (
    *("archive/data.pkl", "archive/../x", "/etc/x", "archive/data/99", "a" * 300, "constants.pkl"),
    *("archive/code/x.py", "archive/.data/serialization_id", "archive/data/0", "archive\x00/data"),
)


@st.composite
def edited(draw: st.DrawFn, archive: bytes) -> bytes:
    """Return a checkpoint's zip with members edited, renamed, doubled, compressed or damaged."""
    with zipfile.ZipFile(io.BytesIO(archive)) as source:
        members = [(info.filename, source.read(info)) for info in source.infolist()]
    for _ in range(draw(st.integers(1, 3))):
        _edit_member(draw, members)
    return _write(draw, members)


def _edit_member(draw: st.DrawFn, members: list[tuple[str, bytes]]) -> None:
    index = draw(st.integers(0, len(members) - 1))
    edit = draw(st.sampled_from(EDITS))
    if edit == "pickle":
        pickles = [i for i, (name, _) in enumerate(members) if name.endswith("data.pkl")]
        index = pickles[0] if pickles else index
    name, data = members[index]
    if edit == "pickle":
        try:
            changed = opcodes.edited(data)
            opcodes.split(data)
        except ValueError:  # another edit came before
            changed = opcodes.streams()
        members[index] = (name, draw(changed))
    elif edit == "rename":
        members[index] = (draw(st.sampled_from(MEMBER_NAMES)), data)
    elif edit == "double":
        members.insert(draw(st.integers(0, len(members))), (name, data))
    elif edit == "remove" and len(members) > 1:
        del members[index]
    elif edit == "cut":
        members[index] = (name, data[: draw(st.integers(0, len(data)))])
    elif edit == "grow":
        members[index] = (name, data + bytes(draw(st.sampled_from([1, 4, 1000, 10**6]))))
    elif edit == "move":
        members.append(members.pop(index))
    else:
        members[index] = (name, draw(st.binary(max_size=64)))


def _write(draw: st.DrawFn, members: Iterable[tuple[str, bytes]]) -> bytes:
    """Write members as a zip; now and then compress them, or damage the zip's structure."""
    rarely = st.integers(0, 15).map(lambda number: number == 15)
    method = zipfile.ZIP_DEFLATED if draw(rarely) else zipfile.ZIP_STORED
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, data in members:
            info = zipfile.ZipInfo(name)
            if draw(rarely):
                info.extra = draw(st.binary(max_size=12))
            archive.writestr(info, data, method)
        if draw(rarely):
            archive.comment = draw(st.binary(max_size=40))
    data = file.getvalue()
    if draw(st.integers(0, 3)) == 3:
        start = data.rfind(CENTRAL) if draw(st.booleans()) else 0
        data = data[:start] + draw(damaged(data[start:]))
    if draw(rarely):
        data = draw(st.binary(max_size=20)) + data
    return data


def with_checksums(data: bytes) -> bytes:
    """Return a zip whose CRC-32 checksums fit its members, if it can be read at all.

    A member that is stored as it is keeps its place; only the checksums are overwritten.
    """
    changed = bytearray(data)
    position = data.find(CENTRAL, max(0, data.rfind(END) - 2**16))
    while position >= 0 and data[position : position + 4] == CENTRAL:
        if position + 46 > len(data):
            break
        method, size = struct.unpack_from("<10xH8xI", data, position)
        lengths = struct.unpack_from("<28xHHH", data, position)
        (offset,) = struct.unpack_from("<42xI", data, position)
        if data[offset : offset + 4] == LOCAL and method == zipfile.ZIP_STORED:
            name, extra = struct.unpack_from("<26xHH", data, offset)
            start = offset + 30 + name + extra
            crc = struct.pack("<I", zlib.crc32(data[start : start + size]))
            changed[position + 16 : position + 20] = crc
            if struct.unpack_from("<6xH", data, offset)[0] & 8:  # the checksum follows the data
                end = start + size + (4 if data[start + size :][:4] == b"PK\x07\x08" else 0)
                changed[end : end + 4] = crc
            else:
                changed[offset + 14 : offset + 18] = crc
        position += 46 + sum(lengths)
    return bytes(changed[: len(data)])
