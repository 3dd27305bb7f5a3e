"""Images with enormous dimensions, many frames or damaged parts."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

from hypothesis import strategies as st

from spec_tests.torture.generators.damage import damaged

if TYPE_CHECKING:
    from collections.abc import Mapping

SIDES = st.sampled_from([0, 1, 2, 31, 1000, 9000, 9459, 20_000, 65_535, 2**31 - 1, 2**32 - 1])
REPEATS = st.sampled_from([1, 2, 100, 3000])


def _chunk(name: bytes, data: bytes) -> bytes:
    checksum = struct.pack(">I", zlib.crc32(name + data))
    return struct.pack(">I", len(data)) + name + data + checksum


def _png(width: int, height: int, kind: tuple[int, int], rows: int, extra: bytes) -> bytes:
    depth, colour = kind
    head = struct.pack(">IIBBBBB", width % 2**31, height % 2**31, depth, colour, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", head)
        + extra
        + _chunk(b"IDAT", zlib.compress(bytes(min(rows, 300) * 10_000)))
        + _chunk(b"IEND", b"")
    )


def pngs() -> st.SearchStrategy[bytes]:
    """Return a strategy for PNG files: a few bytes may declare a huge image."""
    kinds = st.sampled_from([(1, 0), (8, 2), (16, 6), (8, 3), (16, 0), (7, 9)])
    texts = st.sampled_from(
        [
            b"",
            _chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(3 * 10**7))),
            _chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(3 * 10**7))),
            _chunk(b"acTL", struct.pack(">II", 2**31 - 1, 0)),
            _chunk(b"eXIf", b"MM\0*\0\0\0\x08" + b"\xff\xff" * 20),
            _chunk(b"tEXt", b"a\0b") * 5000,
        ]
    )
    return st.builds(_png, SIDES, SIDES, kinds, REPEATS, texts)


def bmps() -> st.SearchStrategy[bytes]:
    """Return a strategy for BMP files."""

    def build(width: int, height: int, bits: int, compression: int, data: int) -> bytes:
        sizes = struct.pack("<IIIHHIIIIII", 40, width, height, 1, bits, compression, 0, 0, 0, 0, 0)
        return b"BM" + struct.pack("<IHHI", 54, 0, 0, 54) + sizes + bytes(data)

    bits = st.sampled_from([0, 1, 4, 8, 16, 24, 32, 33])
    return st.builds(build, SIDES, SIDES, bits, st.integers(0, 4), REPEATS)


def gifs() -> st.SearchStrategy[bytes]:
    """Return a strategy for GIF files with many frames, each of any size."""

    def build(screen: tuple[int, int], frame: tuple[int, int], count: int) -> bytes:
        head = b"GIF89a" + struct.pack("<HH", *(side % 2**16 for side in screen)) + b"\x80\0\0"
        image = b",\0\0\0\0" + struct.pack("<HH", *(side % 2**16 for side in frame)) + b"\0"
        return head + bytes(6) + (image + b"\x02\x02\x44\x01\0") * count + b";"

    return st.builds(build, st.tuples(SIDES, SIDES), st.tuples(SIDES, SIDES), REPEATS)


def ppms() -> st.SearchStrategy[bytes]:
    """Return a strategy for PPM files, whose header is text."""
    numbers = SIDES | st.integers(-1, 10**20)
    kinds = st.sampled_from(["P1", "P2", "P3", "P4", "P5", "P6", "Pf", "P7", "Py"])
    return st.builds(
        lambda kind, width, height, top, count: (
            f"{kind} {width} {height} {top}\n".encode() + b"1 " * count
        ),
        kinds,
        numbers,
        numbers,
        numbers,
        REPEATS,
    )


def tiffs() -> st.SearchStrategy[bytes]:
    """Return a strategy for TIFF files of random tags, several directories, and cycles of them."""
    tags = st.sampled_from([256, 257, 258, 259, 262, 273, 277, 278, 279, 284, 317, 322, 330, 34665])
    tag = st.tuples(tags, st.integers(0, 13), SIDES, SIDES)
    start = {256: 1, 257: 1, 258: 8, 259: 1, 262: 1, 273: 8, 277: 1, 278: 1, 279: 1}

    def build(
        width: int, height: int, changes: list[tuple[int, int, int, int]], last: int
    ) -> bytes:
        entries = {number: (number, 4, 1, value) for number, value in start.items()}
        entries[256], entries[257] = (256, 4, 1, width), (257, 4, 1, height)
        entries |= {change[0]: change for change in changes}
        body = b"".join(struct.pack("<HHII", *entry) for _, entry in sorted(entries.items()))
        directory = struct.pack("<H", len(entries)) + body + struct.pack("<I", last)
        return b"II*\0" + struct.pack("<I", 8) + directory + bytes(64)

    lists = st.lists(tag, max_size=4)
    return st.builds(build, SIDES, SIDES, lists, st.sampled_from([0, 8, 10**6]))


def jpegs(sound: bytes) -> st.SearchStrategy[bytes]:
    """Return a strategy for JPEG files with other dimensions, and with scans repeated."""
    frame = sound.find(b"\xff\xc0")
    scan = sound.find(b"\xff\xda")

    def build(width: int, height: int, marker: int, count: int, *, crop: bool) -> bytes:
        head = bytearray(sound[:scan])
        head[frame + 1] = marker
        struct.pack_into(">HH", head, frame + 5, height % 2**16, width % 2**16)
        body = sound[scan:-2] * count
        return bytes(head) + body[: len(body) // (2 if crop else 1)] + b"\xff\xd9"

    markers = st.sampled_from([0xC0, 0xC1, 0xC2, 0xC3, 0xC9])
    return st.builds(build, SIDES, SIDES, markers, REPEATS, crop=st.booleans())


def images(sound: Mapping[str, bytes]) -> st.SearchStrategy[bytes]:
    """Return a strategy for images of all kinds, and sound ones with damage.

    Args:
        sound: files by name; one must end with .jpg.
    """
    jpeg = next(data for name, data in sound.items() if name.endswith(".jpg"))
    real = st.sampled_from(sorted(sound)).flatmap(lambda name: damaged(sound[name]))
    made = st.one_of(pngs(), bmps(), gifs(), ppms(), tiffs(), jpegs(jpeg))
    return real | made | made.flatmap(damaged) | st.binary(max_size=50)
