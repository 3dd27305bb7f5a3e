"""Folders of images, labelled in the three ways of the course (P6-P7).

ants = LabelledImages(by_folder("train/ants"))
bees = LabelledImages(by_text_file("train/bees_image", "train/bees_label"))
pets = LabelledImages(by_name("pets", lambda name: name.split(".")[0]))
both = ants + bees
"""

from __future__ import annotations

import operator
import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, UnidentifiedImageError
from torch.utils.data import Dataset

from reference.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    Sample = tuple[Path, Any]

SUFFIXES = frozenset(
    {".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"}
)
FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")  # others may start programs
MAX_LISTED = 5  # of the names in a list that may be long


class LabelledImages(Dataset[tuple[Any, Any]]):
    """Image files and their labels; each file is opened when it is asked for.

    Args:
        samples: the files and their labels, as `by_folder`, `by_text_file` or `by_name` list them.
        transform: applied to each image, a PIL image.
        target_transform: applied to each label.
        keep_mode: leave each image in its file's mode (L, P, RGBA, ...) rather than make it RGB.

    Source: P6, P7.
    """

    def __init__(
        self,
        samples: Sequence[Sample],
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[Any], Any] | None = None,
        *,
        keep_mode: bool = False,
    ) -> None:
        self.samples = samples
        self.transform = transform
        self.target_transform = target_transform
        self.keep_mode = keep_mode

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        """Open one image.

        Args:
            index: its place, from 0; a negative one counts from the end.

        Returns:
            The image and its label, transformed.

        Raises:
            InputError: the file is gone, damaged or no image.
            IndexError: there is no such image.
            TypeError: the index is a slice, or no whole number.
        """
        try:
            path, label = self.samples[operator.index(index)]
        except TypeError as error:
            raise TypeError(f"{error}: for a slice take torch.utils.data.Subset") from error
        image = read_image(path, keep_mode=self.keep_mode)
        return (
            image if self.transform is None else self.transform(image),
            label if self.target_transform is None else self.target_transform(label),
        )


def by_folder(folder: str | Path) -> list[Sample]:
    """Label each image with the name of its folder.

    Args:
        folder: such as "train/ants".

    Returns:
        The image files, sorted by name, each with the label "ants".

    Raises:
        InputError: there is no such folder, or no image in it.

    Source: P6, the first way.
    """
    label = Path(folder).absolute().name
    return [(path, label) for path in list_images(folder)]


def by_text_file(image_folder: str | Path, label_folder: str | Path) -> list[Sample]:
    """Label each image with the text of the file of the same stem in a second folder.

    Args:
        image_folder: such as "train/ants_image", which holds 0013035.jpg.
        label_folder: such as "train/ants_label", which holds 0013035.txt: one line of UTF-8.

    Returns:
        The image files, sorted by name, each with the line of its text file.

    Raises:
        InputError: a folder is missing, an image or a text file has no partner or two, or a text
            file does not hold one line.

    Source: P6, the second way.
    """
    images = _by_stem(list_images(image_folder))
    texts = _by_stem(_list_files(label_folder, {".txt"}))
    for lonely, folder, suffix in (
        (images.keys() - texts.keys(), label_folder, ".txt"),
        (texts.keys() - images.keys(), image_folder, " and the suffix of an image"),
    ):
        if lonely:
            raise InputError(f"{folder} has no file{suffix} for {_some(sorted(lonely))}")
    return [(path, _read_label(texts[stem])) for stem, path in images.items()]


def by_name(folder: str | Path, label_of: Callable[[str], Any]) -> list[Sample]:
    """Label each image with what its own name says.

    Args:
        folder: such as "pets", which holds cat.17.jpg.
        label_of: reads the label from a file's name.

    Returns:
        The image files, sorted by name, each with its label.

    Raises:
        InputError: there is no such folder, or no image in it, or a name gives no label.

    Source: P6, the third way.
    """
    samples = []
    for path in list_images(folder):
        try:
            samples.append((path, label_of(path.name)))
        except Exception as error:  # whatever a function of the user raises
            raise InputError(f"{path}: its name gives no label: {error}") from error
    return samples


def list_images(folder: str | Path) -> list[Path]:
    """List the images of a folder, known by their suffix, in the order of their names.

    Raises:
        InputError: there is no such folder, or no image in it.
    """
    paths = _list_files(folder, SUFFIXES)
    if not paths:
        raise InputError(
            f"{folder} holds no image: give the folder that holds the files themselves"
        )
    return paths


def _list_files(folder: str | Path, suffixes: Iterable[str]) -> list[Path]:
    """List the files with one of these suffixes that are not hidden."""
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in entries if entry.is_file()]
    except FileNotFoundError as error:
        raise InputError(f"{folder}: no such folder (write / between the names)") from error
    except OSError as error:
        raise InputError(f"{folder} cannot be listed: {error.strerror}") from error
    wanted = tuple(suffixes)
    return [
        Path(folder, name)
        for name in sorted(names)
        if name.lower().endswith(wanted) and not name.startswith(".")
    ]


def _by_stem(paths: Iterable[Path]) -> dict[str, Path]:
    stems: dict[str, Path] = {}
    for path in paths:
        if path.stem in stems:
            raise InputError(
                f"{stems[path.stem]} and {path.name} share one label: rename or delete one"
            )
        stems[path.stem] = path
    return stems


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - MAX_LISTED} more" if len(names) > MAX_LISTED else ""
    return ", ".join(names[:MAX_LISTED]) + more


def _read_label(path: Path) -> str:
    """Read the one line of a text file, be there a byte order mark and empty lines around it."""
    try:
        lines = [line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines()]
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8: save it as UTF-8") from error
    labels = [line for line in lines if line]
    if len(labels) != 1:
        raise InputError(f"{path} holds {len(labels)} lines of text: write the label, in one line")
    return labels[0]


def read_image(path: str | Path, *, keep_mode: bool = False) -> Image.Image:
    """Read an image file whole.

    Args:
        path: a JPEG, a PNG or another file of `FORMATS`; what it holds counts, not its suffix.
        keep_mode: leave it in the file's mode rather than make it RGB.

    Returns:
        The image. As RGB, it has lost what was transparent, and 16 bits a pixel are scaled to 8.

    Raises:
        InputError: there is no such file, or it is no image, or a damaged one.

    Source: P6, P32.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's remarks on what surrounds the pixels
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path, formats=FORMATS) as image:
                image.load()
                return image if keep_mode else _to_rgb(image)
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file") from error
    except UnidentifiedImageError as error:
        raise InputError(f"{path} is no image: give a PNG or JPEG file") from error
    except Exception as error:  # Pillow's readers raise whatever a damaged file makes them raise
        raise InputError(f"{path} cannot be read as an image: {error}") from error


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):  # 16 bits a pixel, which convert() would clip to 255
        image = Image.fromarray((np.asarray(image) // 257).clip(0, 255).astype(np.uint8))
    return image.convert("RGB")
