"""P6-P7: errors name the damaged file and the damage; no image gets another's label."""

import os
import re
import shutil
import struct
import zlib
from collections.abc import Iterator
from functools import cache
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageChops

from reference.data.image_folders import (
    LabelledImages,
    by_folder,
    by_name,
    by_text_file,
    read_image,
)
from reference.errors import InputError

FORMATS = {
    "bmp": "BMP", "gif": "GIF", "jpg": "JPEG", "png": "PNG", "ppm": "PPM", "tif": "TIFF",
}  # fmt: skip
POSITIONS = range(12)  # in twelfths of a file
STEMS = [
    "蚂蚁", "蚂蚁 1（副本）", "two words", " ", "trailing ", "-rf", "a.b.c", "100%", "a#b?c&d",
    "'quoted'", "[1]*", "$HOME", "é", "e\u0301", "\N{ANT}", "x" * 200, "a,b", "~", "__init__", "0",
]  # fmt: skip


@cache
def intact(suffix: str) -> bytes:
    """Return the bytes of an intact file: a ramp of colours, 20 x 16."""
    y, x = np.mgrid[:16, :20]
    pixels = np.stack([12 * x, 15 * y, 6 * x + 7 * y], axis=2).astype(np.uint8)
    stream = BytesIO()
    Image.fromarray(pixels).save(stream, FORMATS[suffix])
    return stream.getvalue()


def read(path: Path, content: bytes) -> Image.Image | None:
    """Return an image read through a dataset, or None if an error names the file in one line."""
    path.write_bytes(content)
    dataset = LabelledImages(by_folder(path.parent))
    try:
        image, _ = dataset[0]
    except InputError as error:
        message = str(error)
    else:
        assert image.mode == "RGB"
        return image
    assert message.startswith(str(path))
    assert "\n" not in message
    return None


def same(image: Image.Image, expected: Image.Image) -> bool:
    return image.size == expected.size and ImageChops.difference(image, expected).getbbox() is None


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("position", [*POSITIONS, -1])
def test_truncated_file(tmp_path: Path, suffix: str, position: int) -> None:
    """The rest is not an image or, if only the end marker is missing, the right one."""
    content = intact(suffix)
    path = tmp_path / f"cut.{suffix}"
    expected = read(path, content)
    end = len(content) * position // len(POSITIONS) if position >= 0 else -1
    image = read(path, content[:end])
    assert image is None or (position in {-1, 10, 11} and same(image, expected))


@pytest.mark.parametrize("position", POSITIONS)
@pytest.mark.parametrize("suffix", FORMATS)
def test_flipped_bit(tmp_path: Path, suffix: str, position: int) -> None:
    content = bytearray(intact(suffix))
    content[len(content) * position // len(POSITIONS)] ^= 1 << position % 8
    image = read(tmp_path / f"flipped.{suffix}", bytes(content))
    if suffix == "png" and image is not None:  # PNG has checksums
        assert same(image, read(tmp_path / f"flipped.{suffix}", intact(suffix)))


@pytest.mark.parametrize("suffix", FORMATS)
def test_wrong_suffix(tmp_path: Path, suffix: str) -> None:
    others = [other for other in FORMATS if other != suffix]
    expected = read(tmp_path / "image.png", intact(suffix))
    for other in others:
        image = read(tmp_path / f"image.{other}", intact(suffix))
        assert image is not None
        assert same(image, expected)
        (tmp_path / f"image.{other}").unlink()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0",
        b"\0" * 5000,
        b"no image\n",
        "不是图片".encode(),
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n{} loop\n",
        b"\x89PNG\r\n\x1a\n",
        b"\xff\xd8\xff\xe0",
        b"GIF89a",
        b"BM",
        b"P6\n",
        b"P6 3 -3 255\n",
        b"II*\0\x08\0\0\0",
        b"II*\0\x08\0\0\0\x00\x00\x08\0\0\0",
        b"PK\x03\x04",
    ],
)
@pytest.mark.parametrize("suffix", ["jpg", "png"])
def test_file_that_is_not_an_image(tmp_path: Path, suffix: str, content: bytes) -> None:
    assert read(tmp_path / f"none.{suffix}", content) is None


def png(width: int, height: int) -> bytes:
    """Return a PNG of a few bytes whose header declares this many grey pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        chunk(kind, data)
        for kind, data in ((b"IHDR", header), (b"IDAT", zlib.compress(b"\0")), (b"IEND", b""))
    )


@pytest.mark.parametrize(
    "content",
    [
        png(2**31 - 1, 2**31 - 1),
        png(2**31 - 1, 1),
        png(60_000, 60_000),
        png(13_000, 13_000),
        png(0, 0),
        b"GIF89a\xff\xff\xff\xff\0\0\0,\0\0\0\0\xff\xff\xff\xff\0\x08\0;",
        b"P5 99999 99999 255\n\0",
        b"P5 99999999999999999999 1 255\n\0",
        b"BM"
        + struct.pack("<IIIIiiHHIIIIII", 58, 0, 54, 40, 2**31 - 1, 2**31 - 1, 1, 24, *[0] * 6),
    ],
    ids=["png", "png wide", "png 3.6 G", "png 169 M", "png 0", "gif", "pgm", "pgm 66 bit", "bmp"],
)
def test_wrong_dimensions(tmp_path: Path, content: bytes) -> None:
    assert read(tmp_path / "huge.png", content) is None


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    """A folder with one image, and an empty one for its label file."""
    folders = tmp_path / "ants_image", tmp_path / "ants_label"
    for folder in folders:
        folder.mkdir()
    (folders[0] / "1.png").write_bytes(intact("png"))
    return folders


@pytest.mark.parametrize(
    ("content", "label"),
    [
        (b"ants", "ants"),
        (b"ants\n", "ants"),
        (b"ants\r\n", "ants"),
        (b"ants\r", "ants"),
        (b"\xef\xbb\xbfants", "ants"),
        (b"\xef\xbb\xbfants\r\n", "ants"),
        (b"\xef\xbb\xbf\r\n\r\nants\r\n\r\n", "ants"),
        (b"\n\n\nants", "ants"),
        (b"ants\n\n\n", "ants"),
        (b"  ants \t\n", "ants"),
        (b"red ants", "red ants"),
        (b"0", "0"),
        ("蚂蚁".encode(), "蚂蚁"),
        ("\ufeff蚂蚁\r\n".encode(), "蚂蚁"),
        ("\u3000蚂蚁\u3000\n".encode(), "蚂蚁"),
        (b"x" * 100_000, "x" * 100_000),
    ],
)
def test_label_file_is_read(pair: tuple[Path, Path], content: bytes, label: str) -> None:
    (pair[1] / "1.txt").write_bytes(content)
    assert by_text_file(*pair) == [(pair[0] / "1.png", label)]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "has 0 lines of text"),
        (b"\n", "has 0 lines of text"),
        (b"\xef\xbb\xbf", "has 0 lines of text"),
        (b" \r\n\t\r\n", "has 0 lines of text"),
        (b"ants\nbees\n", "has 2 lines of text: write the label in one line"),
        (b"ants\r\nbees", "has 2 lines of text"),
        (b"ants\rbees", "has 2 lines of text"),
        ("蚂蚁".encode("gbk"), "is not UTF-8: save it as UTF-8"),
        ("ants".encode("utf-16"), "is not UTF-8"),
        (b"\xff\xd8\xff\xe0", "is not UTF-8"),
        (b"ants\xe8", "is not UTF-8"),
    ],
)
def test_damaged_label_file_is_named(pair: tuple[Path, Path], content: bytes, message: str) -> None:
    path = pair[1] / "1.txt"
    path.write_bytes(content)
    with pytest.raises(InputError, match=f"^{re.escape(str(path))} {message}"):
        by_text_file(*pair)


@pytest.mark.parametrize("stem", STEMS)
def test_names_pair_by_stem(pair: tuple[Path, Path], stem: str) -> None:
    """Each image gets its own label, not that of the name that sorts next to it."""
    image_folder, label_folder = pair
    for name in (stem, f"{stem}1"):
        (image_folder / f"{name}.png").write_bytes(intact("png"))
        (label_folder / f"{name}.txt").write_text(f"label of {name}.", encoding="utf-8")
    (label_folder / "1.txt").write_text("label of 1.")
    samples = by_text_file(*pair)
    assert len(samples) == len({stem, f"{stem}1", "1"})
    assert all(label == f"label of {path.stem}." for path, label in samples)
    assert LabelledImages(samples)[-1][0].size == (20, 16)
    damaged = image_folder / f"{stem}.png"
    damaged.write_bytes(b"")
    with pytest.raises(InputError, match=re.escape(str(damaged))):
        read_image(damaged)


@pytest.mark.parametrize(
    ("images", "texts", "message"),
    [
        (
            ["1", "2"],
            ["1"],
            "no label file 2.txt in {labels}: write one for each image of {images}",
        ),
        (
            ["1"],
            ["1", "2"],
            "no image for 2.txt in {images}: add one for each label file of {labels}",
        ),
        (["1", "a"], ["1", "A"], "no label file a.txt in {labels}: "),
        (["1", "a b"], ["1", "a_b"], "no label file a b.txt in {labels}: "),
        (["1", "a"], ["1", "a.png"], "no label file a.txt in {labels}: "),
        (["1", "01"], ["1", "001"], "no label file 01.txt in {labels}: "),
        (["1", "a"], ["1", "a "], "no label file a.txt in {labels}: "),
        (["1", "蚂蚁"], ["1", "蜜蜂"], "no label file 蚂蚁.txt in {labels}: "),
        (["1"], [], "no label file 1.txt in {labels}: "),
    ],
)
def test_incomplete_pairs_are_refused(
    pair: tuple[Path, Path], images: list[str], texts: list[str], message: str
) -> None:
    for name in images:
        (pair[0] / f"{name}.png").write_bytes(intact("png"))
    for name in texts:
        (pair[1] / f"{name}.txt").write_text("ants")
    message = message.format(images=pair[0], labels=pair[1])
    with pytest.raises(InputError, match=f"^{re.escape(message)}"):
        by_text_file(*pair)


@pytest.fixture
def crowd(tmp_path: Path) -> Iterator[Path]:
    """A folder of 100,000 names for ten empty files, removed after the test."""
    folder = tmp_path / "crowd"
    folder.mkdir()
    names = [f"{folder}/{number * 7919 % 100_000:05}.jpg" for number in range(100_000)]
    for number, name in enumerate(names):
        if number % 10_000 == 0:  # file systems limit the hard links of one file
            first = name
            Path(first).touch()
        else:
            os.link(first, name)
    yield folder
    shutil.rmtree(folder)


def test_hundred_thousand_names(crowd: Path) -> None:
    dataset = LabelledImages(by_name(crowd, lambda name: int(name[:5])))
    assert len(dataset) == 100_000
    assert [label for _, label in dataset.samples] == list(range(100_000))
    with pytest.raises(InputError, match=r"99999\.jpg is not an image"):
        dataset[-1]
