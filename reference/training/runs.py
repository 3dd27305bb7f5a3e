"""A run's folder: its options, its log, its checkpoints, and how it goes on after it was killed."""

from __future__ import annotations

import contextlib
import importlib.metadata
import json
import os
import platform
import re
from dataclasses import asdict, dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Self

import torch
from filelock import FileLock, Timeout

from reference.checkpoints.files import atomic_write, save_checkpoint
from reference.errors import InputError
from reference.models.registry import check_trainable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path
    from types import UnionType

CHANGEABLE = {"data", "epochs", "device", "eager"}  # what may differ when a run is resumed
KINDS: dict[str, type | UnionType] = {
    "str": str,
    "str | None": str | None,
    "int": int,
    "int | None": int | None,
    "float": int | float,
    "bool": bool,
}
LARGEST_LR = 3e38  # of float32


@dataclass(frozen=True, kw_only=True)
class Config:
    """What determines a run.

    Args:
        data: the folder that holds `cifar-10-batches-py/`.
        epochs: how often the training images are seen, at least 1.
        batch_size: images in a step, at least 1.
        lr: the learning rate of SGD, above 0.
        device: `auto` or a device of torch.
        seed: of the weights and of the order.
        shuffle: whether each epoch takes the images in a new order, not as the files have them.
        precision: `fp32`, or `bf16` for autocast.
        compile: whether torch.compile compiles the network.
        eager: on CUDA, whether each operation is launched by itself, not the step as a CUDA graph.
        max_steps: end the run after so many steps; the epoch thus cut short is tested and saved.
        model: the network, by its name in `networks`.
        weights: the file that VGG16 starts from; None for random weights.
        freeze_features: whether the last layer of VGG16 alone learns.

    Raises:
        InputError: a value is out of its range, or the network cannot be trained.
    """

    data: str
    epochs: int = 10
    batch_size: int = 64
    lr: float = 0.01
    device: str = "auto"
    seed: int = 0
    shuffle: bool = False
    precision: str = "fp32"
    compile: bool = False
    eager: bool = False
    max_steps: int | None = None
    model: str = "tudui"
    weights: str | None = None
    freeze_features: bool = False

    def __post_init__(self) -> None:
        for field in fields(self):
            value, kind = getattr(self, field.name), KINDS[str(field.type)]
            if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
                raise InputError(f"{_option(field.name)} {value!r}: must be {field.type}")
        for name in ("epochs", "batch_size", "max_steps"):
            value = getattr(self, name)
            if value is not None and not 1 <= value < 2**63:
                raise InputError(f"{_option(name)} {value}: must be from 1 to 2**63 - 1")
        if not 0 < self.lr < LARGEST_LR:
            raise InputError(f"--lr {self.lr}: must be a positive number, such as 0.01")
        if not 0 <= self.seed < 2**63:
            raise InputError(f"--seed {self.seed}: must be from 0 to 2**63 - 1")
        if self.precision not in ("fp32", "bf16"):
            raise InputError(f"--precision {self.precision}: must be fp32 or bf16")
        if self.model == "tudui" and (self.weights or self.freeze_features):
            option = "--weights" if self.weights else "--freeze-features"
            raise InputError(f"{option}: only VGG16 starts from weights: add --model vgg16")
        check_trainable(self.model)


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


class Run:
    """A run's folder. Nothing is written before `open`.

    Args:
        folder: where it is or shall be.
        config: its options.
        data_sums: the checksums of the data's files, once they are known.

    Raises:
        InputError: (from `start` and `resume`) the folder is not what it should be.
    """

    def __init__(
        self, folder: Path, config: Config, data_sums: dict[str, str] | None = None
    ) -> None:
        self.folder = folder
        self.config = config
        self.data_sums = data_sums
        self.checkpoints = folder / "checkpoints"
        self.metrics = folder / "metrics.jsonl"
        self.records: list[dict[str, Any]] = []
        self._new = data_sums is None

    @classmethod
    def start(cls, folder: Path, config: Config) -> Self:
        """Prepare a new run, in a folder that is missing or empty."""
        if not str(folder).isprintable():  # nor can TensorBoard write to a name that is not UTF-8
            raise InputError(f"--out {str(folder)!r}: choose a name that can be printed")
        place = next(path for path in (folder, *folder.absolute().parents) if path.exists())
        if not (place.is_dir() and os.access(place, os.W_OK | os.X_OK)):
            raise InputError(f"--out {folder} cannot be written: choose another")
        if place == folder and any(folder.iterdir()):
            raise InputError(
                f"{folder} is not empty: choose another --out, or go on with its run: --resume"
            )
        return cls(folder, config)

    @classmethod
    def resume(cls, folder: Path, options: Mapping[str, Any]) -> Self:
        """Take up the run in a folder, with the options it was started with.

        Args:
            folder: the run's folder.
            options: those given anew. More `epochs`, another `device`, another place of the
                same `data` and `eager` are taken; others must be the run's own.
        """
        path = folder / "config.json"
        try:
            saved = json.loads(path.read_text(encoding="utf-8"))
            config = Config(**saved["options"])
            data_sums = dict(saved["data"])
        except (FileNotFoundError, NotADirectoryError) as error:
            raise InputError(f"{folder} holds no run: leave out --resume to start one") from error
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise InputError(f"{path} cannot be used ({error}): start in another --out") from error
        for name, value in options.items():
            if name not in CHANGEABLE and value != (own := getattr(config, name)):
                raise InputError(
                    f"{_option(name)} {value}: the run in {folder} was started with "
                    f"{own}: leave the option out, or choose another --out"
                )
        return cls(folder, replace(config, **options), data_sums)

    def check_data(self, sums: dict[str, str]) -> None:
        """Take note of the data's checksums, or refuse other data than the run was started with.

        Raises:
            InputError: the run was started with other images.
        """
        if self.data_sums not in (None, sums):
            raise InputError(
                f"{self.config.data} holds other images than the run in {self.folder} was started "
                "with: give their folder with --data, or choose another --out"
            )
        self.data_sums = sums

    @contextlib.contextmanager
    def open(self) -> Iterator[None]:
        """Hold the folder: make it where it is missing, and write config.json and the log.

        Raises:
            InputError: another process holds it, or was faster to start a run in it.
        """
        self.checkpoints.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.folder / ".lock")
        try:
            lock.acquire(blocking=False)
        except Timeout as error:
            raise InputError(
                f"{self.folder}: another process is at this run: await its end"
            ) from error
        try:
            if self._new and (self.folder / "config.json").exists():
                raise InputError(f"{self.folder} holds another run by now: choose another --out")
            self._write()
            yield
        finally:
            lock.release()

    def _write(self) -> None:
        versions = {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "torchvision": importlib.metadata.version("torchvision"),
        }
        content = {"options": asdict(self.config), "data": self.data_sums, "versions": versions}
        texts = {
            self.folder / "config.json": json.dumps(content, indent=2) + "\n",
            self.metrics: "".join(json.dumps(record) + "\n" for record in self.records),
        }
        for path, text in texts.items():
            with atomic_write(path) as part:
                part.write_text(text, encoding="utf-8")

    def record(self, record: dict[str, Any]) -> None:
        """Append a line to metrics.jsonl."""
        self.records.append(record)
        with self.metrics.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")

    def save(self, epoch: int, state: dict[str, Any]) -> Path:
        """Write the checkpoint of an epoch and return its path."""
        path = self.checkpoints / f"epoch-{epoch:03}.pt"
        save_checkpoint(path, {"epoch": epoch, "config": asdict(self.config), **state})
        return path

    def last_checkpoint(self) -> Path | None:
        """Return the newest checkpoint; None where the run was killed before its first."""
        found = [
            (int(match[1]), path)
            for path in self.checkpoints.glob("epoch-*.pt")
            if (match := re.fullmatch(r"epoch-(\d{3,})\.pt", path.name))
        ]
        return max(found)[1] if found else None

    def read_records(self, last_step: int) -> None:
        """Read the log up to a step; what was logged after it is written anew.

        Raises:
            InputError: a line is not as it was written.
        """
        text = self.metrics.read_bytes() if self.metrics.is_file() else b""
        # What follows the last end of a line was cut off when the run was killed.
        for number, line in enumerate(text.split(b"\n")[:-1], start=1):
            if (record := _parse(line)) is None:
                raise InputError(
                    f"{self.metrics}: line {number} is damaged: delete it and --resume again"
                )
            if record["step"] <= last_step:
                self.records.append(record)


def _parse(line: bytes) -> dict[str, Any] | None:
    """Read a line of metrics.jsonl; None where it is not as it was written."""
    try:
        record = json.loads(line)
        numbers = [record["step"], record["epoch"], record["train_loss"]]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return record if list(map(type, numbers)) == [int, int, float] else None
