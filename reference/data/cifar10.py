"""CIFAR-10 from disk, checked file by file before it is read (P14)."""

from __future__ import annotations

import codecs
import hashlib
import pickle
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from PIL import Image
from torch.utils.data import Dataset

from reference.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    Images = np.ndarray[tuple[int, int, int, int], np.dtype[np.uint8]]
    Labels = np.ndarray[tuple[int], np.dtype[np.int64]]

CHECKSUMS = "md5sums"
TRAIN_FILES = tuple(f"data_batch_{number}" for number in range(1, 6))
TEST_FILES = ("test_batch",)
META = "batches.meta"
OFFICIAL = {  # the MD5 sums, as torchvision has them
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
    """CIFAR-10 as torchvision's class gives it, with errors that name the file and say what to do.

    The files of the asked-for split are held against the list `md5sums` that lies beside them, or,
    where there is none, against torchvision's own checksums. Nothing is downloaded, and nothing in
    a file is run. torchvision itself is not imported: that takes seconds and 160 MB.

    Args:
        root: the folder that holds `cifar-10-batches-py/`.
        train: the 50,000 training images, or the 10,000 test images.
        transform: applied to each image, a PIL image of 32 x 32.
        target_transform: applied to each label, an int from 0 to 9.

    Attributes:
        data: all images, uint8 of shape (N, 32, 32, 3).
        targets: all labels.
        train_list, test_list, meta: the files and their checksums, as torchvision lists them.

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
            _check_sum(self.folder / name, sums.get(name))
        self.classes = _read_classes(self.folder / META)
        self.class_to_idx = {name: index for index, name in enumerate(self.classes)}
        self.data = np.empty((0, 32, 32, 3), np.uint8)
        self.targets: list[int] = []
        for name in names:
            images, labels = _read_batch(self.folder / name)
            self.targets += labels.tolist()
            self.data.resize((len(self.targets), 32, 32, 3), refcheck=False)  # in place
            self.data[-len(images) :] = images

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        """Return one image, a PIL image, and its label, both transformed."""
        image: Any = Image.fromarray(self.data[index])
        target: Any = self.targets[index]
        if self.transform is not None:
            image = self.transform(image)
        if self.target_transform is not None:
            target = self.target_transform(target)
        return image, target


def _no_folder(root: Path, folder: Path) -> str:
    """Say what is wrong where `root` has no folder of batches."""
    if not root.is_dir():
        return f"{root}: no such folder: give the one that holds {folder.name}/"
    if (archive := root / CIFAR10.filename).is_file():
        return f"{archive} is not unpacked: run: tar -xzf {archive} -C {root}"
    if root.name == folder.name:
        return f"{root}: give the folder that holds it: {root.parent}"
    return (
        f"{root} holds no {folder.name}/: unpack {CIFAR10.filename} there, "
        f"or draw the stand-in with: course data {root}"
    )


def _mend(folder: Path) -> str:
    return f"delete {folder} and unpack or draw it again"


def _read_checksums(path: Path) -> dict[str, str]:
    """Read a list as the program md5sum writes it: the sum, two spaces or ' *', the name."""
    try:
        lines = filter(str.strip, path.read_text(encoding="utf-8-sig").splitlines())
        pairs = (line.split(" ", 1) for line in lines)
        return {name.lstrip(" *").removeprefix("./"): md5.lower() for md5, name in pairs}
    except ValueError as error:
        raise InputError(f"{path} is not a list of md5sum: {_mend(path.parent)}") from error


def _check_sum(path: Path, md5: str | None) -> None:
    if not path.is_file():
        raise InputError(f"{path} is missing: {_mend(path.parent)}")
    if md5 is None:
        raise InputError(f"{path} is not listed in {CHECKSUMS}: {_mend(path.parent)}")
    with path.open("rb") as file:
        found = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False))
    if found.hexdigest() != md5:
        raise InputError(f"{path} is damaged (wrong MD5 checksum): {_mend(path.parent)}")


class _PlainUnpickler(pickle.Unpickler):
    """Builds NumPy arrays and plain values, and nothing that could run code."""

    rebuild_array = np.empty(0).__reduce__()[0]
    allowed: ClassVar = {
        ("_codecs", "encode"): codecs.encode,
        ("numpy", "dtype"): np.dtype,
        ("numpy", "ndarray"): np.ndarray,
        ("numpy.core.multiarray", "_reconstruct"): rebuild_array,
        ("numpy._core.multiarray", "_reconstruct"): rebuild_array,
    }

    def find_class(self, module: str, name: str) -> Any:  # noqa: ANN401 - whatever the file names
        if (module, name) not in self.allowed:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}")
        return self.allowed[module, name]


def _read_classes(path: Path) -> list[str]:
    names: list[str] = _read(path, "label_names")["label_names"].tolist()
    if names != list(CLASSES):
        raise InputError(f"{path} does not hold CIFAR-10's class names: {_mend(path.parent)}")
    return names


def _read_batch(path: Path) -> tuple[Images, Labels]:
    """Read one file: images, uint8 of shape (N, 32, 32, 3), and labels of shape (N,)."""
    content = _read(path, "data", "labels")
    rows, labels = content["data"], content["labels"]
    plausible = rows.dtype == np.uint8 and rows.shape == (len(labels), 3072)
    plausible = plausible and labels.dtype.kind == "i" and labels.size > 0
    if not (plausible and 0 <= labels.min() <= labels.max() < len(CLASSES)):
        raise InputError(f"{path} does not hold CIFAR-10's images and labels: {_mend(path.parent)}")
    planes = rows.reshape(-1, 3, 32, 32)  # red, green, blue
    return planes.transpose(0, 2, 3, 1), labels


def _read(path: Path, *keys: str) -> dict[str, np.ndarray[Any, Any]]:
    """Read arrays by their names from a file, without running code that is in it.

    A list of checksums beside the files vouches only for their being unchanged.
    """
    try:
        with path.open("rb") as file:
            content = _PlainUnpickler(file, encoding="latin1").load()
        return {key: np.atleast_1d(content[key]) for key in keys}
    except Exception as error:
        raise InputError(
            f"{path} is no file of CIFAR-10 ({error}): {_mend(path.parent)}"
        ) from error
