"""P6-P7: what is wrong with a file is said and the file named; nothing is paired wrongly."""

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
PLACES = range(12)


@cache
def whole(suffix: str) -> bytes:
    """A sound file: a ramp of colours, of 20 x 16."""
    y, x = np.mgrid[:16, :20]
    pixels = np.stack([12 * x, 15 * y, 6 * x + 7 * y], axis=2).astype(np.uint8)
    stream = BytesIO()
    Image.fromarray(pixels).save(stream, FORMATS[suffix])
    return stream.getvalue()


def read(path: Path, content: bytes) -> Image.Image | None:
    """Read an image through a dataset; give None where an error names the file in one line."""
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


def same(image: Image.Image, sound: Image.Image) -> bool:
    return image.size == sound.size and ImageChops.difference(image, sound).getbbox() is None


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("place", [*PLACES, -1])
def test_datasets_damaged_cut(tmp_path: Path, suffix: str, place: int) -> None:
    """What is left gives no image, or, where only the end mark is gone, the right one."""
    content = whole(suffix)
    path = tmp_path / f"cut.{suffix}"
    sound = read(path, content)
    image = read(path, content[: len(content) * place // len(PLACES) if place >= 0 else -1])
    assert image is None or (place in {-1, 10, 11} and same(image, sound))


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("suffix", FORMATS)
def test_datasets_damaged_flipped(tmp_path: Path, suffix: str, place: int) -> None:
    content = bytearray(whole(suffix))
    content[len(content) * place // len(PLACES)] ^= 1 << place % 8
    image = read(tmp_path / f"flipped.{suffix}", bytes(content))
    if suffix == "png" and image is not None:  # it has checksums
        assert same(image, read(tmp_path / f"flipped.{suffix}", whole(suffix)))


@pytest.mark.parametrize("suffix", FORMATS)
def test_datasets_damaged_wrong_suffix(tmp_path: Path, suffix: str) -> None:
    others = [other for other in FORMATS if other != suffix]
    sound = read(tmp_path / "image.png", whole(suffix))
    for other in others:
        image = read(tmp_path / f"image.{other}", whole(suffix))
        assert image is not None
        assert same(image, sound)
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
def test_datasets_damaged_no_image(tmp_path: Path, suffix: str, content: bytes) -> None:
    assert read(tmp_path / f"none.{suffix}", content) is None


def png(width: int, height: int) -> bytes:
    """A PNG of a few bytes that says it has this many grey pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        chunk(kind, data)
        for kind, data in ((b"IHDR", head), (b"IDAT", zlib.compress(b"\0")), (b"IEND", b""))
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
def test_datasets_damaged_dimensions(tmp_path: Path, content: bytes) -> None:
    assert read(tmp_path / "huge.png", content) is None


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    """The folder of one image, and an empty one for its label file."""
    folders = tmp_path / "ants_image", tmp_path / "ants_label"
    for folder in folders:
        folder.mkdir()
    (folders[0] / "1.png").write_bytes(whole("png"))
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
def test_datasets_damaged_label_file_read(
    pair: tuple[Path, Path], content: bytes, label: str
) -> None:
    (pair[1] / "1.txt").write_bytes(content)
    assert by_text_file(*pair) == [(pair[0] / "1.png", label)]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "holds 0 lines of text"),
        (b"\n", "holds 0 lines of text"),
        (b"\xef\xbb\xbf", "holds 0 lines of text"),
        (b" \r\n\t\r\n", "holds 0 lines of text"),
        (b"ants\nbees\n", "holds 2 lines of text: write the label, in one line"),
        (b"ants\r\nbees", "holds 2 lines of text"),
        (b"ants\rbees", "holds 2 lines of text"),
        ("蚂蚁".encode("gbk"), "is not UTF-8: save it as UTF-8"),
        ("ants".encode("utf-16"), "is not UTF-8"),
        (b"\xff\xd8\xff\xe0", "is not UTF-8"),
        (b"ants\xe8", "is not UTF-8"),
    ],
)
def test_datasets_damaged_label_file_named(
    pair: tuple[Path, Path], content: bytes, complaint: str
) -> None:
    path = pair[1] / "1.txt"
    path.write_bytes(content)
    with pytest.raises(InputError, match=f"^{re.escape(str(path))} {complaint}"):
        by_text_file(*pair)


@pytest.mark.parametrize(
    "stem",
    [
        "蚂蚁",
        "蚂蚁 1（副本）",
        "two words",
        " ",
        "trailing ",
        "-rf",
        "a.b.c",
        "100%",
        "a#b?c&d",
        "'quoted'",
        "[1]*",
        "$HOME",
        "é",
        "e\u0301",
        "\N{ANT}",
        "x" * 200,
        "a,b",
        "~",
        "__init__",
        "0",
    ],
)
def test_datasets_damaged_names_pair_by_stem(pair: tuple[Path, Path], stem: str) -> None:
    """Beside a neighbour that sorts next to it, each keeps its own label."""
    image_folder, label_folder = pair
    for name in (stem, f"{stem}1"):
        (image_folder / f"{name}.png").write_bytes(whole("png"))
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
    ("images", "texts", "complaint"),
    [
        (["1", "2"], ["1"], "label has no file.txt for 2$"),
        (["1"], ["1", "2"], "image has no file and the suffix of an image for 2$"),
        (["1", "a"], ["1", "A"], "label has no file.txt for a$"),
        (["1", "a b"], ["1", "a_b"], "label has no file.txt for a b$"),
        (["1", "a"], ["1", "a.png"], "label has no file.txt for a$"),
        (["1", "01"], ["1", "001"], "label has no file.txt for 01$"),
        (["1", "a"], ["1", "a "], "label has no file.txt for a$"),
        (["1", "蚂蚁"], ["1", "蜜蜂"], "label has no file.txt for 蚂蚁$"),
        (["1"], [], "label has no file.txt for 1$"),
    ],
)
def test_datasets_damaged_pairs_are_refused(
    pair: tuple[Path, Path], images: list[str], texts: list[str], complaint: str
) -> None:
    for name in images:
        (pair[0] / f"{name}.png").write_bytes(whole("png"))
    for name in texts:
        (pair[1] / f"{name}.txt").write_text("ants")
    with pytest.raises(InputError, match=complaint):
        by_text_file(*pair)


@pytest.fixture
def crowd(tmp_path: Path) -> Iterator[Path]:
    """A folder of 100,000 names, all of one empty file; gone after the test."""
    folder = tmp_path / "crowd"
    folder.mkdir()
    names = [f"{folder}/{number * 7919 % 100_000:05}.jpg" for number in range(100_000)]
    for number, name in enumerate(names):
        if number % 10_000 == 0:  # a file has so many names, and no more
            first = name
            Path(first).touch()
        else:
            os.link(first, name)
    yield folder
    shutil.rmtree(folder)


def test_datasets_damaged_hundred_thousand_names(crowd: Path) -> None:
    dataset = LabelledImages(by_name(crowd, lambda name: int(name[:5])))
    assert len(dataset) == 100_000
    assert [label for _, label in dataset.samples] == list(range(100_000))
    with pytest.raises(InputError, match=r"99999\.jpg is no image"):
        dataset[-1]
