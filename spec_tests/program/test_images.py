"""Image files from strangers: the formats, the limits of pixels, memory and time, and rotation."""

import os
import struct
import sys
import zlib
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageFile, ImageOps

from reference.data import image_process
from reference.data.image_folders import by_folder
from reference.data.image_process import ImageProcess
from reference.data.images import FORMATS, read_image, read_upright, suffixes
from reference.errors import InputError

SIZE = (32, 32)
# Colours that differ at each corner, wider than high.
PICTURE = Image.fromarray(
    np.stack(
        np.broadcast_arrays(
            np.arange(48) * 5, np.arange(32)[:, None] * 7, np.arange(48) // 24 * 200
        ),
        axis=2,
    ).astype(np.uint8)
)
Image.init()
BY_FORMAT = {name: suffix for suffix, name in Image.registered_extensions().items()}


def encode(image: Image.Image, name: str, **options: object) -> bytes:
    stream = BytesIO()
    image.save(stream, name, **options)
    return stream.getvalue()


def png(width: int, height: int, bits: int = 8, colour: int = 0, more: bytes = b"") -> bytes:
    """Return a black PNG; `more` are chunks before the pixels."""
    channels = {0: 1, 2: 3, 3: 1, 6: 4}[colour]
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    rows = bytes(height * (1 + (width * bits * channels + 7) // 8))
    return b"".join([
        b"\x89PNG\r\n\x1a\n",
        chunk(b"IHDR", header),
        more,
        chunk(b"IDAT", zlib.compress(rows)),
        chunk(b"IEND", b""),
    ])  # fmt: skip


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def progressive(scans: int) -> bytes:
    """Return a progressive JPEG with its last scan repeated."""
    content = encode(PICTURE.convert("L"), "JPEG", progressive=True)
    last, end = content.rindex(b"\xff\xda"), content.rindex(b"\xff\xd9")
    return content[:end] + content[last:end] * scans + content[end:]


def read_apart(path: Path) -> Image.Image:
    with ImageProcess(SIZE) as process:
        return process.read(path)


@pytest.mark.parametrize("name", sorted(FORMATS & Image.SAVE.keys() | {"MPO"}))
def test_format_is_read_and_listed(tmp_path: Path, name: str) -> None:
    image = PICTURE
    if name in {"BLP", "GIF", "XBM", "MSP"}:
        image = image.convert("1" if name in {"XBM", "MSP"} else "P")
    path = tmp_path / f"image{BY_FORMAT[name]}"
    path.write_bytes(encode(image, name))
    assert by_folder(tmp_path) == [(path, tmp_path.name)]
    assert read_image(path).mode == "RGB"
    assert read_apart(path).size == SIZE


def test_formats_that_are_not_read(tmp_path: Path) -> None:
    assert suffixes() >= {".png", ".jpg", ".jpeg", ".webp", ".tif", ".ico", ".tga", ".mpo"}
    assert (".avif" in suffixes()) == ("AVIF" in Image.OPEN)
    assert suffixes().isdisjoint({".eps", ".ps", ".pdf", ".wmf", ".emf", ".iim", ".mpg", ".h5"})
    # TGA has no signature: almost any file could be taken for one
    for suffix in (".png", ""):
        path = tmp_path / f"image{suffix}"
        path.write_bytes(encode(PICTURE, "TGA"))
        with pytest.raises(InputError, match="is not an image"):
            read_image(path)


def test_small_file_of_many_pixels_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    path = tmp_path / "bomb.png"
    path.write_bytes(png(9460, 9460, bits=1))
    with pytest.raises(InputError, match=r"it has 9460 x 9460 pixels, more than 89478485$"):
        read_apart(path)


def test_large_jpeg_is_read_at_half_its_size(tmp_path: Path) -> None:
    path = tmp_path / "large.jpg"
    Image.new("RGB", (12_000, 9_000), (200, 10, 30)).save(path)
    assert np.abs(np.subtract(read_apart(path).getpixel((5, 5)), (200, 10, 30))).max() <= 2
    with pytest.raises(InputError, match="it has 12000 x 9000 pixels"):
        read_image(path)


@pytest.mark.skipif(sys.platform != "linux", reason="the system does not limit a process's memory")
def test_memory_is_limited(tmp_path: Path) -> None:
    """To scale a row of 85 million pixels Pillow needs 16 bytes for each."""
    (tmp_path / "wide.png").write_bytes(png(85_000_000, 1, bits=1))
    PICTURE.save(tmp_path / "next.png")
    with ImageProcess(SIZE) as process:
        with pytest.raises(InputError, match=r"wide\.png needs too much memory to be read"):
            process.read(tmp_path / "wide.png")
        assert process.read(tmp_path / "next.png").size == SIZE


def test_time_is_limited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    PICTURE.save(tmp_path / "image.png")
    with ImageProcess(SIZE) as process:
        monkeypatch.setattr(image_process, "SECONDS", 0.01)
        with pytest.raises(InputError, match=r"it takes longer than 0\.01 seconds"):
            process.read(tmp_path / "image.png")
        monkeypatch.undo()
        assert process.read(tmp_path / "image.png").size == SIZE


def test_crash_is_an_error_of_one_image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    PICTURE.save(tmp_path / "image.png")
    for program in ("raise SystemExit", "input(); print('{', end='')", "import os; os._exit(9)"):
        with ImageProcess(SIZE) as process:
            monkeypatch.setattr(image_process, "PROGRAM", program)
            with pytest.raises(InputError, match="its decoder crashed"):
                process.read(tmp_path / "image.png")
            monkeypatch.undo()
            assert process.read(tmp_path / "image.png").size == SIZE


def test_process_takes_no_module_from_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit")
    PICTURE.save(tmp_path / "image.png")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry])
    with ImageProcess(SIZE) as process:
        assert process.read("image.png").size == SIZE


@pytest.mark.parametrize("scans", [200, 20_000])
def test_jpeg_of_many_scans_is_refused(tmp_path: Path, scans: int) -> None:
    (tmp_path / "scans.jpg").write_bytes(progressive(scans))
    with pytest.raises(InputError, match="it is coded in more than 100 scans"):
        read_image(tmp_path / "scans.jpg")


def test_scans_are_counted_only_where_they_are_decoded(tmp_path: Path) -> None:
    """A film may follow the picture, and a preview precede it."""
    path = tmp_path / "phone.jpg"
    exif = Image.Exif()
    exif[0x010E] = "\xda" * 9
    content = encode(PICTURE, "JPEG", progressive=True, exif=exif.tobytes() + b"\xff\xda" * 300)
    path.write_bytes(content + b"\0\2" + b"\xff\xda\0\2" * 300)
    assert read_image(path).size == PICTURE.size
    assert read_upright(path).size == PICTURE.size


def test_only_the_first_frame_is_read(tmp_path: Path) -> None:
    for name in ("GIF", "TIFF", "WEBP", "PNG"):
        path = tmp_path / f"frames.{name.lower()}"
        frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "lime", "blue")]
        path.write_bytes(encode(frames[0], name, save_all=True, append_images=frames[1:]))
        red, green, blue = read_apart(path).getpixel((9, 9))
        assert red > 250
        assert max(green, blue) < 5


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("name", ["PNG", "TIFF"])
def test_picture_is_turned_upright(tmp_path: Path, name: str, orientation: int) -> None:
    """All eight ways to store one picture give the same pixels."""
    # An image that is stored as the camera saw it, for each tag: the inverse of what the tag says
    exif = Image.Exif()
    exif[0x0112] = {6: 8, 8: 6}.get(orientation, orientation)
    turned = PICTURE.copy()
    turned.getexif()[0x0112] = exif[0x0112]
    turned = ImageOps.exif_transpose(turned)
    exif[0x0112] = orientation
    path = tmp_path / f"image.{name.lower()}"
    path.write_bytes(encode(turned, name, exif=exif))
    assert read_upright(path).tobytes() == PICTURE.tobytes()
    if name == "PNG":  # Pillow itself rotates TIFF
        assert read_image(path).tobytes() == turned.tobytes()  # as the course reads it


@pytest.mark.parametrize("value", [0, 9, 65535])
def test_damaged_exif_data_rotate_nothing(tmp_path: Path, value: object) -> None:
    exif = Image.Exif()
    exif[0x0112] = value
    PICTURE.save(tmp_path / "image.png", exif=exif)
    assert read_upright(tmp_path / "image.png").tobytes() == PICTURE.tobytes()
    content = png(8, 8, more=chunk(b"eXIf", b"II*\0\x08\0\0\0\xff\xff" + bytes(range(256))))
    (tmp_path / "damaged.png").write_bytes(content)
    assert read_upright(tmp_path / "damaged.png").size == (8, 8)


def test_16_bits_are_scaled_to_8(tmp_path: Path) -> None:
    values = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    for name, stored in (("image.png", values), ("image.tif", values.astype(">u2"))):
        Image.fromarray(stored).save(tmp_path / name)
        for channel in read_image(tmp_path / name).split():
            assert np.array_equal(np.asarray(channel), values // 257)


def test_lab_becomes_rgb_and_floating_point_is_refused(tmp_path: Path) -> None:
    srgb, lab = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    path = tmp_path / "image.tif"
    red = Image.new("RGB", (3, 3), (200, 30, 60))
    ImageCms.profileToProfile(red, srgb, lab, outputMode="LAB").save(path)
    assert np.abs(np.subtract(read_image(path).getpixel((1, 1)), (200, 30, 60))).max() <= 3
    Image.new("F", (3, 3), 0.5).save(path)
    with pytest.raises(InputError, match="its values are floating-point: save it with 8 bits"):
        read_image(path)
    assert read_image(path, keep_mode=True).getpixel((1, 1)) == 0.5


def test_damaged_palette_and_transparency(tmp_path: Path) -> None:
    path = tmp_path / "image.png"
    palette = chunk(b"PLTE", bytes([10, 20, 30]))
    for transparency in (b"", bytes(256), bytes(300), b"\x80"):
        path.write_bytes(png(4, 4, colour=3, more=palette + chunk(b"tRNS", transparency)))
        assert read_image(path).getpixel((1, 1)) == (10, 20, 30)
    path.write_bytes(png(4, 4, colour=3, more=chunk(b"tRNS", b"\0")))  # no palette
    assert read_image(path).getpixel((1, 1)) == (0, 0, 0)


def test_error_without_a_text_gets_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_image: Image.Image) -> None:
        raise AssertionError

    monkeypatch.setattr(ImageFile.ImageFile, "load", fail)
    PICTURE.save(tmp_path / "image.ppm")
    with pytest.raises(InputError, match=r"image\.ppm cannot be read as an image: it is damaged"):
        read_image(tmp_path / "image.ppm")


@pytest.mark.parametrize("size", [(1, 100_000), (100_000, 1), (1, 1)])
def test_extreme_shapes(tmp_path: Path, size: tuple[int, int]) -> None:
    (tmp_path / "image.png").write_bytes(png(*size))
    assert read_apart(tmp_path / "image.png").tobytes() == bytes(32 * 32 * 3)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no such pipes")
def test_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    for path in (tmp_path / "pipe.png", tmp_path):
        with pytest.raises(InputError, match="is not a file: give a PNG or JPEG file"):
            read_image(path)


def test_names_are_escaped_and_cut(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        read_apart(tmp_path / "\x1b[2J\n\u202e\udcff.png")
    assert str(caught.value).endswith("\\x1b[2J\\n\\u202e\\udcff.png: no such file")
    with pytest.raises(InputError) as caught:
        read_image("x" * 5000)
    assert len(str(caught.value)) < 500
