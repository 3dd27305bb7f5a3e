"""CIFAR-10 from disk, checked file by file before it is read (P14)."""

from __future__ import annotations

import codecs
import pickle
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torchvision
from torchvision.datasets.utils import calculate_md5

from reference.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

CHECKSUMS = "md5sums"
CLASSES = (  # in the order of their labels
    "airplane", "automobile", "bird", "cat", "deer",
    "dog", "frog", "horse", "ship", "truck",
)  # fmt: skip


class CIFAR10(torchvision.datasets.CIFAR10):  # type: ignore[misc] # torchvision is untyped
    """torchvision's CIFAR-10, with errors that name the file and say what to do.

    The files of the asked-for split are held against the list `md5sums` that lies beside them, or,
    where there is none, against torchvision's own checksums. Nothing is downloaded.

    Args:
        root: the folder that holds `cifar-10-batches-py/`.
        train: the 50,000 training images, or the 10,000 test images.
        transform: applied to each image, a PIL image of 32 x 32.
        target_transform: applied to each label, an int from 0 to 9.

    Raises:
        InputError: the folder or a file is missing or damaged.

    Source: P14; Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009.
    """

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
        if (self.folder / CHECKSUMS).is_file():
            sums = _read_checksums(self.folder / CHECKSUMS)
            self.train_list = [[name, sums.get(name)] for name, _ in super().train_list]
            self.test_list = [[name, sums.get(name)] for name, _ in super().test_list]
            self.meta = {**super().meta, "md5": sums.get(super().meta["filename"])}
        super().__init__(root, train, transform, target_transform)

    def _check_integrity(self) -> bool:
        """Check the split's files; torchvision calls this before it reads them."""
        batches = self.train_list if self.train else self.test_list
        for name, md5 in [*batches, (self.meta["filename"], self.meta["md5"])]:
            path = self.folder / name
            if not path.is_file():
                raise InputError(f"{path} is missing: {_mend(self.folder)}")
            if md5 is None:
                raise InputError(f"{path} is not listed in {CHECKSUMS}: {_mend(self.folder)}")
            if calculate_md5(path) != md5:
                raise InputError(f"{path} is damaged (wrong MD5 checksum): {_mend(self.folder)}")
            if (self.folder / CHECKSUMS).is_file():
                _check_content(path, self.meta["key"] if path.suffix == ".meta" else "labels")
        return True


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


def _check_content(path: Path, key: str) -> None:
    """Refuse a file that torchvision would fail on, or that would run code.

    torchvision's checksums vouch for the official files; a list beside the files vouches only for
    their being unchanged.
    """
    try:
        with path.open("rb") as file:
            content = _PlainUnpickler(file, encoding="latin1").load()
        values = np.array(content[key])
        if key == "labels":
            data = np.asarray(content["data"])
            plausible = data.dtype == np.uint8 and data.shape == (len(values), 3072)
            plausible = plausible and values.dtype.kind == "i" and values.size > 0
            plausible = plausible and 0 <= values.min() <= values.max() < len(CLASSES)
        else:
            plausible = values.tolist() == list(CLASSES)
    except Exception as error:
        raise InputError(
            f"{path} is no file of CIFAR-10 ({error}): {_mend(path.parent)}"
        ) from error
    if not plausible:
        wanted = "images and labels" if key == "labels" else "class names"
        raise InputError(f"{path} does not hold CIFAR-10's {wanted}: {_mend(path.parent)}")
