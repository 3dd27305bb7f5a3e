"""Reading image files, which may be damaged or made by a stranger.

Limits are checked before anything is decoded: the format, the number of pixels, and the scans of a
JPEG. A decoder that nevertheless takes too much time or memory, or crashes, can be stopped only
from another process: `reference.data.image_process`.
"""

from __future__ import annotations

import re
import warnings
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from reference.errors import InputError, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

# The readers of Pillow that may be used, if this Pillow has them. A reader that a later version
# adds must be reviewed first. Left out are EPS, which runs Ghostscript; WMF, which Windows draws;
# IPTC, which opens what it contains in any format; BUFR, GRIB, HDF5 and MPEG, which Pillow cannot
# decode itself; IM, which Pillow will drop; and FITS, IMT, MCIDAS, SPIDER and XVTHUMB, which hold
# measurements or thumbnails.
FORMATS = frozenset({
    "AVIF", "BLP", "BMP", "CUR", "DCX", "DDS", "DIB", "FLI", "FTEX", "GBR", "GIF", "ICNS", "ICO",
    "JPEG", "JPEG2000", "MSP", "PCD", "PCX", "PIXAR", "PNG", "PPM", "PSD", "QOI", "SGI",
    "SUN", "TGA", "TIFF", "WEBP", "XBM", "XPM",
})  # fmt: skip
MAX_SCANS = 100  # of a JPEG; usual ones have at most 20, and each costs as much time as the image
TOO_LARGE = "needs too much memory to be read: give a smaller image"

# A marker in a JPEG file: neither a byte of the coded pixels (FF00) nor one without a length.
JPEG_MARKER = re.compile(rb"\xff[\x02-\xcf\xd8-\xfe]")
START_OF_SCAN, END_OF_IMAGE = 0xDA, 0xD9


@cache
def suffixes() -> frozenset[str]:
    """Return the suffixes of the files that can be read, such as ".png"."""
    Image.init()
    readable = (FORMATS & Image.OPEN.keys()) | {"MPO"}  # a JPEG with more images behind the first
    return frozenset(s for s, name in Image.registered_extensions().items() if name in readable)


def read_image(path: str | Path, *, keep_mode: bool = False) -> Image.Image:
    """Return the image in a file, fully read, so that the file is closed again.

    Of several frames or pages it is the first. It is not rotated as its EXIF data say, because the
    course's `Image.open` does not do so either; `read_upright` does.

    Args:
        path: a file in one of `FORMATS`. Its content decides which, not its suffix, except for
            formats without a signature, such as TGA.
        keep_mode: keep the file's mode instead of converting to RGB.

    Returns:
        The image. The conversion to RGB drops transparency and scales 16-bit values to 8 bits.

    Raises:
        InputError: there is no such file, or it is not an image, is damaged or has too many pixels.

    Source: P6, P32.
    """
    with _open(path) as image:
        image.load()
        return image if keep_mode else _to_rgb(image)


def read_upright(path: str | Path) -> Image.Image:
    """Return the image in a file in RGB, rotated as its EXIF data say.

    A camera that is held upright stores the picture as it lies on the sensor, and how to rotate it.
    A JPEG with too many pixels is read at half its width and height.

    Args:
        path: a file that `read_image` reads.

    Raises:
        InputError: as for `read_image`.
    """
    with _open(path, halve=True) as image:
        image.load()
        orientation = _orientation(image)
        upright = _to_rgb(image)
        del image  # at most two copies of the pixels exist at once
    upright.info = {}  # the other EXIF data may be damaged
    upright.getexif()[ExifTags.Base.Orientation] = orientation
    ImageOps.exif_transpose(upright, in_place=True)
    return upright


@contextmanager
def _open(path: str | Path, *, halve: bool = False) -> Iterator[Image.Image]:
    """Open an image file and check its size; what goes wrong, also in the block, becomes one line.

    Args:
        path: the file.
        halve: halve the width and height of a JPEG with too many pixels instead of refusing it.
    """
    name = shown(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of odd metadata, which is not used
            with Image.open(_file(path), formats=_formats(Path(path))) as image:
                warnings.simplefilter("error", Image.DecompressionBombWarning)
                if image.format in {"JPEG", "MPO"}:
                    _check_scans(Path(path).read_bytes())
                _check_pixels(image, halve=halve)
                yield image
    except InputError:
        raise
    except FileNotFoundError as error:
        raise InputError(f"{name}: no such file") from error
    except UnidentifiedImageError as error:
        raise InputError(f"{name} is not an image: give a PNG or JPEG file") from error
    except MemoryError as error:
        raise InputError(
            f"{name} needs too much memory to be read: give a smaller image"
        ) from error
    except Exception as error:  # a damaged file can make Pillow raise almost anything
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        reason = shown(reason) or "it is damaged"  # an assertion of Pillow has no text
        raise InputError(f"{name} cannot be read as an image: {reason}") from error


def _file(path: str | Path) -> str | Path:
    """Return the path, unless it is that of a folder or of a pipe, which could be waited for."""
    if Path(path).exists() and not Path(path).is_file():
        raise InputError(f"{shown(path)} is not a file: give a PNG or JPEG file")
    return path


def _formats(path: Path) -> list[str]:
    """Return the formats that a file may have: without a signature only the one of its suffix."""
    Image.init()
    readable = sorted(FORMATS & Image.OPEN.keys())
    own = Image.registered_extensions().get(path.suffix.lower())
    signed = [name for name in readable if Image.OPEN[name][1]]
    return [*signed, own] if own in readable and own not in signed else signed


def _check_pixels(image: Image.Image, *, halve: bool) -> None:
    """Refuse an image with more pixels than those of which Pillow warns, or halve its sides."""
    limit = Image.MAX_IMAGE_PIXELS
    if limit and halve and image.width * image.height > limit:
        image.draft("", (image.width // 2, image.height // 2))  # does nothing but to a JPEG
    if limit and image.width * image.height > limit:
        raise ValueError(f"it has {image.width} x {image.height} pixels, more than {limit}")


def _check_scans(content: bytes) -> None:
    """Refuse a JPEG that is coded in very many scans: each of a few bytes costs a full decoding."""
    scans, position = 0, 2
    while (found := JPEG_MARKER.search(content, position)) and scans <= MAX_SCANS:
        marker, end = content[found.end() - 1], found.end()
        if marker == END_OF_IMAGE:
            return
        scans += marker == START_OF_SCAN
        position = end + int.from_bytes(content[end : end + 2], "big")
    if scans > MAX_SCANS:
        raise ValueError(f"it is coded in more than {MAX_SCANS} scans: save it again")


def _orientation(image: Image.Image) -> object:
    """Return the EXIF tag that says how to rotate an image; 1, not at all, if it cannot be read."""
    try:
        return image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # noqa: BLE001 - Pillow can raise almost anything, and the pixels are intact
        return 1


def _to_rgb(image: Image.Image) -> Image.Image:
    image.info.pop("transparency", None)  # it is dropped, so it need not be valid
    if image.mode == "F":
        raise ValueError("its values are floating-point: save it with 8 bits for each channel")
    if image.mode.startswith("I"):
        # 16 bits per pixel, which convert() would clip to 255; the fraction is cut off
        image = image.convert("I").point(lambda value: value / 257).convert("L")
    return image.convert("RGB")
