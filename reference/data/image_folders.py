"""Folders of images, labelled in the course's three ways (P6-P7).

ants = LabelledImages(by_folder("train/ants"))
bees = LabelledImages(by_text_file("train/bees_image", "train/bees_label"))
pets = LabelledImages(by_name("pets", lambda name: name.split(".")[0]))
both = ants + bees
"""

from __future__ import annotations

import operator
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch.utils.data import Dataset

from reference.data.images import read_image, suffixes
from reference.errors import InputError, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    Sample = tuple[Path, Any]

MAX_LISTED = 5  # names that an error message lists


class LabelledImages(Dataset[tuple[Any, Any]]):
    """Image files and their labels; each file is opened when it is indexed.

    Args:
        samples: files and labels, from `by_folder`, `by_text_file` or `by_name`.
        transform: applied to each image, a PIL image.
        target_transform: applied to each label.
        keep_mode: keep the mode of each file (L, P, RGBA, ...) instead of converting to RGB.

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
        """Return one image, read from its file, and its label.

        Args:
            index: from 0; a negative index counts from the end.

        Returns:
            The image and its label, transformed.

        Raises:
            InputError: the file is missing, damaged or not an image.
            IndexError: there is no such image.
            TypeError: the index is a slice or not an integer.
        """
        try:
            path, label = self.samples[operator.index(index)]
        except TypeError as error:
            raise TypeError(f"{error}: for a slice use torch.utils.data.Subset") from error
        image = read_image(path, keep_mode=self.keep_mode)
        return (
            image if self.transform is None else self.transform(image),
            label if self.target_transform is None else self.target_transform(label),
        )


def by_folder(folder: str | Path) -> list[Sample]:
    """Return the images of a folder, each labelled with the folder's name.

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
    """Return the images of a folder, each labelled with the text of its file in a second folder.

    Args:
        image_folder: such as "train/ants_image", with an image 0013035.jpg.
        label_folder: such as "train/ants_label", with a file 0013035.txt: one line of UTF-8.

    Returns:
        The image files, sorted by name, each with the line of the text file of the same stem.

    Raises:
        InputError: a folder is missing; an image has no text file, a text file has no image, or
            either has two; or a text file is not one line.

    Source: P6, the second way.
    """
    images = _by_stem(list_images(image_folder))
    texts = _by_stem(_list_files(label_folder, {".txt"}))
    if unlabelled := sorted(images.keys() - texts.keys()):
        missing = _shorten([f"{stem}.txt" for stem in unlabelled])
        raise InputError(
            f"no label file {missing} in {label_folder}: write one for each image of {image_folder}"
        )
    if unused := sorted(texts.keys() - images.keys()):
        names = _shorten([texts[stem].name for stem in unused])
        raise InputError(
            f"no image for {names} in {image_folder}: add one for each label file of {label_folder}"
        )
    return [(path, _read_label(texts[stem])) for stem, path in images.items()]


def by_name(folder: str | Path, label_of: Callable[[str], Any]) -> list[Sample]:
    """Return the images of a folder, each labelled by a function of its file's name.

    Args:
        folder: such as "pets", with an image cat.17.jpg.
        label_of: returns the label for a file's name.

    Returns:
        The image files, sorted by name, each with its label.

    Raises:
        InputError: there is no such folder, or no image in it, or `label_of` raises.

    Source: P6, the third way.
    """
    samples = []
    for path in list_images(folder):
        try:
            samples.append((path, label_of(path.name)))
        except Exception as error:  # label_of is the user's function
            raise InputError(
                f"{shown(path)}: cannot get a label from its name: {shown(error)}"
            ) from error
    return samples


def list_images(folder: str | Path) -> list[Path]:
    """Return the image files of a folder, recognized by their suffix and sorted by name.

    Raises:
        InputError: there is no such folder, or no image in it.
    """
    paths = _list_files(folder, suffixes())
    if not paths:
        raise InputError(f"{folder} has no images: give the folder that directly contains them")
    return paths


def _list_files(folder: str | Path, suffixes: Iterable[str]) -> list[Path]:
    """Return the files with one of these suffixes, sorted by name, without hidden ones."""
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in entries if entry.is_file()]
    except FileNotFoundError as error:
        raise InputError(f"{folder}: no such folder (write / between the names)") from error
    except OSError as error:
        raise InputError(f"{folder} cannot be listed: {error.strerror}") from error
    endings = tuple(suffixes)
    return [
        Path(folder, name)
        for name in sorted(names)
        if name.lower().endswith(endings) and not name.startswith(".")
    ]


def _by_stem(paths: Iterable[Path]) -> dict[str, Path]:
    by_stem: dict[str, Path] = {}
    for path in paths:
        if path.stem in by_stem:
            raise InputError(
                f"{shown(by_stem[path.stem])} and {shown(path.name)} share one label: "
                "rename or delete one"
            )
        by_stem[path.stem] = path
    return by_stem


def _shorten(names: Sequence[str]) -> str:
    """Return the names as a list that is cut after MAX_LISTED."""
    more = f" and {len(names) - MAX_LISTED} more" if len(names) > MAX_LISTED else ""
    return ", ".join(map(shown, names[:MAX_LISTED])) + more


def _read_label(path: Path) -> str:
    """Return the one line of a text file, without a byte order mark or surrounding empty lines."""
    try:
        lines = [line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines()]
    except OSError as error:
        raise InputError(f"{shown(path)} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{shown(path)} is not UTF-8: save it as UTF-8") from error
    labels = [line for line in lines if line]
    if len(labels) != 1:
        raise InputError(
            f"{shown(path)} has {len(labels)} lines of text: write the label in one line"
        )
    return labels[0]
