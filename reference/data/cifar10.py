"""CIFAR-10 read from disk, each file checked first (P14)."""

from __future__ import annotations

import hashlib
from pathlib import Path
from pickle import UnpicklingError
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image
from torch.utils.data import Dataset

from reference.data.pickled_arrays import MAX_BYTES, load_arrays
from reference.errors import InputError
from reference.files import check_regular, read_regular

if TYPE_CHECKING:
    from collections.abc import Callable

    Images = np.ndarray[tuple[int, int, int, int], np.dtype[np.uint8]]
    Labels = np.ndarray[tuple[int], np.dtype[np.int64]]

CHECKSUMS = "md5sums"
MAX_CHECKSUMS = 100_000  # bytes; a list of CIFAR-10's eight files has 400
TRAIN_FILES = tuple(f"data_batch_{number}" for number in range(1, 6))
TEST_FILES = ("test_batch",)
META = "batches.meta"
OFFICIAL = {  # MD5 checksums, the same as in torchvision.datasets.CIFAR10
    "data_batch_1": "c99cafc152244af753f735de768cd75f",
    "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
    "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
    "data_batch_4": "634d18415352ddfa80567beed471001a",
    "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
    "test_batch": "40351d587109b95175f43aff81a1287e",
    "batches.meta": "5ff9c542aee3614f3951f8cda6e48888",
}
CLASSES = (  # in the order of their labels
    "airplane", "automobile", "bird", "cat", "deer",
    "dog", "frog", "horse", "ship", "truck",
)  # fmt: skip


class CIFAR10(Dataset[tuple[Any, Any]]):
    """CIFAR-10 with the interface of torchvision's class, and errors that say what to do.

    The files of the split are checked against the list `md5sums` in their folder or, without one,
    against torchvision's checksums. Nothing is downloaded, and no code in a file is run.
    torchvision itself is not imported: that takes seconds and 160 MB.

    Args:
        root: the folder that contains `cifar-10-batches-py/`.
        train: the 50,000 training images, or the 10,000 test images.
        transform: applied to each image, a PIL image of 32 x 32.
        target_transform: applied to each label, an int from 0 to 9.

    Attributes:
        data: all images, uint8 of shape (N, 32, 32, 3).
        targets: all labels.
        train_list, test_list, meta: the files and their checksums, in torchvision's form.

    Raises:
        InputError: the folder or a file is missing or damaged.

    Source: P14; Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009.
    """

    base_folder = "cifar-10-batches-py"
    filename = "cifar-10-python.tar.gz"

    def __init__(
        self,
        root: str | Path,
        train: bool = True,  # noqa: FBT001, FBT002 - torchvision's own signature
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[Any], Any] | None = None,
    ) -> None:
        self.folder = Path(root) / self.base_folder
        if not self.folder.is_dir():
            raise InputError(_no_folder(Path(root), self.folder))
        sums = OFFICIAL
        if (self.folder / CHECKSUMS).is_file():
            sums = _read_checksums(self.folder / CHECKSUMS)
        self.train_list: list[list[Any]] = [[name, sums.get(name)] for name in TRAIN_FILES]
        self.test_list: list[list[Any]] = [[name, sums.get(name)] for name in TEST_FILES]
        self.meta = {"filename": META, "key": "label_names", "md5": sums.get(META)}
        self.train = train
        self.transform = transform
        self.target_transform = target_transform
        names = TRAIN_FILES if train else TEST_FILES
        for name in (*names, META):
            _check_md5(self.folder / name, sums.get(name))
        self.classes = _read_classes(self.folder / META)
        self.class_to_idx = {name: index for index, name in enumerate(self.classes)}
        self.data = np.empty((0, 32, 32, 3), np.uint8)
        self.targets: list[int] = []
        for name in names:
            images, labels = _read_batch(self.folder / name)
            self.targets += labels.tolist()
            # Grown in place: concatenating at the end would need twice the memory.
            self.data.resize((len(self.targets), 32, 32, 3), refcheck=False)
            self.data[-len(images) :] = images

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        """Return one PIL image and its label, both transformed."""
        image: Any = Image.fromarray(self.data[index])
        target: Any = self.targets[index]
        if self.transform is not None:
            image = self.transform(image)
        if self.target_transform is not None:
            target = self.target_transform(target)
        return image, target


def _no_folder(root: Path, folder: Path) -> str:
    """Return the error message for a `root` without a folder of batches."""
    if not root.is_dir():
        return f"{root}: no such folder: give the one that contains {folder.name}/"
    if (archive := root / CIFAR10.filename).is_file():
        return f"{archive} is not unpacked: run: tar -xzf {archive} -C {root}"
    if root.name == folder.name:
        return f"{root}: give the folder that contains it: {root.parent}"
    return (
        f"{root} has no {folder.name}/: unpack {CIFAR10.filename} there, "
        f"or draw the stand-in with: course data {root}"
    )


def _remedy(folder: Path) -> str:
    return f"delete {folder} and unpack or draw it again"


def _read_checksums(path: Path) -> dict[str, str]:
    """Return name -> MD5 from md5sum's output: the sum, two spaces or ' *', the name."""
    content = read_regular(path, MAX_CHECKSUMS)
    try:
        lines = filter(str.strip, content.decode("utf-8-sig").splitlines())
        pairs = (line.split(" ", 1) for line in lines)
        return {name.lstrip(" *").removeprefix("./"): md5.lower() for md5, name in pairs}
    except ValueError as error:
        raise InputError(f"{path} is not md5sum's output: {_remedy(path.parent)}") from error


def _check_md5(path: Path, md5: str | None) -> None:
    if not path.is_file():
        raise InputError(f"{path} is missing: {_remedy(path.parent)}")
    if md5 is None:
        raise InputError(f"{path} is not listed in {CHECKSUMS}: {_remedy(path.parent)}")
    check_regular(path, MAX_BYTES)  # before reading it all
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False))
    if digest.hexdigest() != md5:
        raise InputError(f"{path} is damaged (wrong MD5 checksum): {_remedy(path.parent)}")


def _read_classes(path: Path) -> list[str]:
    names: list[str] = _read(path, "label_names")["label_names"]
    if not isinstance(names, list) or names != list(CLASSES):
        raise InputError(f"{path} does not have CIFAR-10's class names: {_remedy(path.parent)}")
    return names


def _read_batch(path: Path) -> tuple[Images, Labels]:
    """Return the images, uint8 of shape (N, 32, 32, 3), and labels, (N,), of one file."""
    content = _read(path, "data", "labels")
    rows, labels = content["data"], _as_labels(content["labels"])
    plausible = labels is not None and isinstance(rows, np.ndarray) and rows.dtype == np.uint8
    if labels is None or not plausible or rows.shape != (len(labels), 3072):
        raise InputError(
            f"{path} does not have CIFAR-10's images and labels: {_remedy(path.parent)}"
        )
    # A row is the red plane, then the green and the blue one: (N, 3072) -> (N, 3, 32, 32)
    planes = rows.reshape(-1, 3, 32, 32)
    # (N, 3, 32, 32) -> (N, 32, 32, 3)
    return planes.transpose(0, 2, 3, 1), labels


def _as_labels(labels: object) -> Labels | None:
    """Return a list or an array of class indices as int64; None if it is something else."""
    if isinstance(labels, list) and all(type(label) is int for label in labels):
        if not all(0 <= label < len(CLASSES) for label in labels):
            return None
        labels = np.array(labels, np.int64)
    if not isinstance(labels, np.ndarray) or labels.dtype.kind != "i" or labels.ndim != 1:
        return None
    in_range = labels.size > 0 and 0 <= labels.min() <= labels.max() < len(CLASSES)
    return labels.astype(np.int64) if in_range else None


def _read(path: Path, *keys: str) -> dict[str, Any]:
    """Return entries of a pickled dictionary by their keys.

    The checksums do not make a file harmless: whoever writes the files can write `md5sums` too.
    """
    try:
        with path.open("rb") as file:
            content = load_arrays(file)
        return {key: content[key] for key in keys}
    except (UnpicklingError, ValueError, LookupError) as error:
        reason = f"no {error}" if isinstance(error, KeyError) else error
        raise InputError(
            f"{path} is not a file of CIFAR-10 ({reason}): {_remedy(path.parent)}"
        ) from error
