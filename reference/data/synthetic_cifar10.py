"""The stand-in: a synthetic CIFAR-10, ten drawn classes in the real file format (P14).

It is for use where the real data set is not available. Each image is a silhouette on a noisy
background. Position, size, mirroring and both colours vary from image to image, so that the class
depends on the shape only. Everything is computed in integers from Python's own generator: one seed
gives the same bytes on every machine (with Pillow 11.1 or newer, which fills some polygons
differently from older versions).
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import logging
import pickle
import random
import re
import secrets
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageDraw

from reference.data.cifar10 import CHECKSUMS, CIFAR10, CLASSES, META
from reference.errors import InputError
from reference.locks import lock

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

LOGGER = logging.getLogger(__name__)
SIDE = 32
TEMPORARY = ".standin-"  # the prefix of a folder that is being written
LOCK = ".standin.lock"
QUIET_SECONDS = 2  # of waiting for another process, before a line says so
MAX_SECONDS = 120  # of waiting altogether; drawing takes about 10
CONTRAST = 240  # least difference of the two colours, summed over red, green and blue
IMAGES_PER_FILE = {f"data_batch_{number}": 4_000 for number in range(1, 6)} | {"test_batch": 2_000}

# A silhouette is a list of parts, drawn on a grid of 16 x 16: a box (left, top, right, bottom),
# an ellipse in such a box, or a polygon (x, y, x, y, ...).
BOX, ELLIPSE, POLYGON = "rectangle", "ellipse", "polygon"
SILHOUETTES: dict[str, list[tuple[str, tuple[int, ...]]]] = {
    "airplane": [
        (ELLIPSE, (7, 0, 9, 16)),
        (POLYGON, (8, 4, 16, 10, 16, 12, 8, 8, 0, 12, 0, 10)),
        (POLYGON, (8, 12, 12, 15, 12, 16, 4, 16, 4, 15)),
    ],
    "automobile": [
        (BOX, (0, 8, 16, 12)),
        (POLYGON, (3, 8, 5, 4, 11, 4, 13, 8)),
        (ELLIPSE, (2, 10, 6, 14)),
        (ELLIPSE, (10, 10, 14, 14)),
    ],
    "bird": [
        (POLYGON, (8, 11, 0, 3, 5, 4, 8, 8, 11, 4, 16, 3)),
        (ELLIPSE, (6, 7, 10, 13)),
    ],
    "cat": [
        (ELLIPSE, (2, 4, 14, 16)),
        (POLYGON, (2, 9, 2, 0, 7, 5)),
        (POLYGON, (14, 9, 14, 0, 9, 5)),
    ],
    "deer": [
        (POLYGON, (5, 8, 11, 8, 8, 16)),
        (POLYGON, (7, 9, 2, 4, 1, 0, 4, 3, 5, 0, 6, 5)),
        (POLYGON, (9, 9, 14, 4, 15, 0, 12, 3, 11, 0, 10, 5)),
    ],
    "dog": [
        (ELLIPSE, (4, 2, 12, 15)),
        (ELLIPSE, (0, 3, 4, 13)),
        (ELLIPSE, (12, 3, 16, 13)),
    ],
    "frog": [
        (ELLIPSE, (1, 6, 15, 13)),
        (ELLIPSE, (2, 3, 6, 8)),
        (ELLIPSE, (10, 3, 14, 8)),
        (BOX, (0, 12, 4, 14)),
        (BOX, (12, 12, 16, 14)),
    ],
    "horse": [
        (BOX, (3, 6, 13, 10)),
        (BOX, (3, 10, 5, 16)),
        (BOX, (11, 10, 13, 16)),
        (POLYGON, (11, 7, 12, 0, 16, 3, 14, 8)),
    ],
    "ship": [
        (POLYGON, (0, 11, 16, 11, 13, 15, 3, 15)),
        (BOX, (7, 1, 8, 11)),
        (POLYGON, (9, 1, 15, 9, 9, 9)),
    ],
    "truck": [
        (BOX, (0, 2, 10, 12)),
        (BOX, (11, 6, 16, 12)),
        (ELLIPSE, (1, 11, 5, 15)),
        (ELLIPSE, (10, 11, 14, 15)),
    ],
}


def draw(name: str, rng: random.Random) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Return the pixels of a new image of a class.

    Args:
        name: the class, one of `CLASSES`.
        rng: the source of position, size, mirroring, colours and noise.

    Returns:
        uint8 of shape (32, 32, 3).
    """
    background, foreground = _draw_colours(rng)
    size = rng.randrange(20, 31)
    left, top = (rng.randrange(SIDE - size + 1) for _ in "xy")
    mask = Image.new("L", (SIDE, SIDE))
    canvas = ImageDraw.Draw(mask)
    for part, points in SILHOUETTES[name]:
        # Even indices are x, odd ones y. Pillow includes the right and bottom edge of a box,
        # which are the indices 2 and 3, hence the - 1.
        xy = [
            (left, top)[index % 2] + point * size // 16 - (part != POLYGON and index > 1)
            for index, point in enumerate(points)
        ]
        getattr(canvas, part)(xy, fill=255)
    shape = np.asarray(mask)
    if rng.randrange(2):
        shape = shape[:, ::-1]
    noise = np.frombuffer(rng.randbytes(SIDE * SIDE * 3), np.uint8).reshape(SIDE, SIDE, 3)
    # (32, 32) -> (32, 32, 1), to choose between two colours of shape (3,)
    plain = np.where(shape[..., None] > 0, np.array(foreground), np.array(background))
    return (plain + noise % 49 - 24).clip(0, 255).astype(np.uint8)


def _draw_colours(rng: random.Random) -> tuple[list[int], list[int]]:
    """Return two colours that differ clearly; either may be the brighter one."""
    while True:
        background, foreground = ([rng.randrange(256) for _ in "rgb"] for _ in range(2))
        if sum(abs(a - b) for a, b in zip(background, foreground, strict=True)) > CONTRAST:
            return background, foreground


def write(
    root: str | Path, seed: int = 0, images_per_file: Mapping[str, int] = IMAGES_PER_FILE
) -> Path:
    """Draw the stand-in and write it in the files and the format of the real CIFAR-10.

    Args:
        root: the folder in which `cifar-10-batches-py/` is created; created if missing.
        seed: the same seed gives the same bytes.
        images_per_file: the files to write and the number of images in each.

    Returns:
        The folder of the batches, with each class equally often, the names of the classes, and the
        checksums in `md5sums`. It is written atomically.

    Raises:
        InputError: the folder exists already, it cannot be written, or another process has been
            writing it for a long time.
    """
    folder = Path(root, CIFAR10.base_folder)
    if folder.exists() or not _write_once(folder, seed, images_per_file):
        raise InputError(f"{folder} exists already: nothing written; delete it or choose another")
    return folder


def ensure(
    root: str | Path, seed: int = 0, images_per_file: Mapping[str, int] = IMAGES_PER_FILE
) -> None:
    """Write the stand-in if its folder is missing; wait if another process is writing it.

    The arguments are those of `write`.

    Raises:
        InputError: it cannot be written, or another process has been writing it for a long time.
    """
    folder = Path(root, CIFAR10.base_folder)
    if not folder.exists():
        _write_once(folder, seed, images_per_file)


def _write_once(folder: Path, seed: int, images_per_file: Mapping[str, int]) -> bool:
    """Write a missing folder, one process at a time; return whether this one has written it."""
    root = folder.parent
    try:
        root.mkdir(parents=True, exist_ok=True)
        with _only_one_process(root):
            if folder.exists():
                return False
            _remove_unfinished(root, images_per_file)
            # Written into a temporary folder and renamed: an incomplete data set is never read.
            part = root / f"{TEMPORARY}{secrets.token_hex(8)}"
            part.mkdir()
            try:
                rng = random.Random(seed)  # noqa: S311 - drawing, not secrets
                _write_files(part, images_per_file, rng)
                part.replace(folder)
            finally:
                shutil.rmtree(part, ignore_errors=True)
    except OSError as error:
        raise InputError(f"{folder} cannot be written: {error.strerror}") from error
    return True


@contextlib.contextmanager
def _only_one_process(root: Path) -> Iterator[None]:
    """Hold a lock file, and delete it in the end: the data set's folder has no room for it.

    A process that waited for the deleted file finds the folder of the batches, and does nothing.
    """
    path = root / LOCK
    held = lock(path, QUIET_SECONDS)
    if held is None:
        LOGGER.warning("%s: waiting for another process, which is drawing the stand-in", root)
        held = lock(path, MAX_SECONDS - QUIET_SECONDS)
    if held is None:
        raise InputError(
            f"{root}: another process has held {LOCK} for {MAX_SECONDS} s: end that process, or "
            "choose another folder"
        )
    try:
        yield
    finally:
        with contextlib.suppress(OSError):  # Windows does not delete an open file
            path.unlink()
        held.release()


def _remove_unfinished(root: Path, images_per_file: Mapping[str, int]) -> None:
    """Delete the folders of processes that were killed while they wrote, and no other files."""
    for folder in list(root.iterdir()):
        is_ours = re.fullmatch(re.escape(TEMPORARY) + r"[0-9a-f]{16}", folder.name)
        if is_ours and not folder.is_symlink():
            with contextlib.suppress(OSError):  # it contains something else
                for name in (*images_per_file, META, CHECKSUMS):
                    (folder / name).unlink(missing_ok=True)
                folder.rmdir()


def _write_files(folder: Path, images_per_file: Mapping[str, int], rng: random.Random) -> None:
    contents = {name: _batch(name, count, rng) for name, count in images_per_file.items()}
    contents[META] = {
        "num_cases_per_batch": images_per_file["data_batch_1"],
        "label_names": list(CLASSES),
        "num_vis": SIDE * SIDE * 3,
    }
    sums = []
    for name, content in contents.items():
        stream = io.BytesIO()
        _StablePickler(stream, protocol=4).dump(content)
        (folder / name).write_bytes(stream.getvalue())
        md5 = hashlib.md5(stream.getvalue(), usedforsecurity=False).hexdigest()
        sums.append(f"{md5}  {name}\n")
    (folder / CHECKSUMS).write_text("".join(sums), encoding="utf-8", newline="\n")


def _batch(name: str, count: int, rng: random.Random) -> dict[str, Any]:
    labels = [index % len(CLASSES) for index in range(count)]
    rng.shuffle(labels)
    images = np.stack([draw(CLASSES[label], rng) for label in labels])
    return {
        "batch_label": name,
        "labels": labels,
        "data": images.transpose(0, 3, 1, 2).reshape(count, -1),
        "filenames": [f"{CLASSES[label]}_{index:04}.png" for index, label in enumerate(labels)],
    }


class _StablePickler(pickle.Pickler):
    """A pickler that writes an array as its shape and bytes.

    NumPy's own form differs from version to version, and the bytes should not.
    """

    def reducer_override(self, value: object) -> Any:  # noqa: ANN401 - as pickle types it
        if isinstance(value, np.ndarray):
            return np.ndarray, (value.shape, str(value.dtype), value.tobytes())
        return NotImplemented
