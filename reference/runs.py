"""A run's folder: its options, its log, its checkpoints, and how it goes on after it was killed."""

from __future__ import annotations

import json
import math
import platform
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Self

import torch
import torchvision

from reference.checkpoints import load_checkpoint, replacing, save_checkpoint
from reference.errors import InputError
from reference.networks import check_trainable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

CHANGEABLE = {"epochs", "device"}  # what may differ when a run is resumed


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
    max_steps: int | None = None
    model: str = "tudui"
    weights: str | None = None
    freeze_features: bool = False

    def __post_init__(self) -> None:
        counts = {"epochs": self.epochs, "batch-size": self.batch_size, "max-steps": self.max_steps}
        for option, value in counts.items():
            if value is not None and value < 1:
                raise InputError(f"--{option} {value}: must be at least 1")
        if not (math.isfinite(self.lr) and self.lr > 0):
            raise InputError(f"--lr {self.lr}: must be a positive number, such as 0.01")
        if not 0 <= self.seed < 2**63:
            raise InputError(f"--seed {self.seed}: must be from 0 to 2**63 - 1")
        if self.precision not in ("fp32", "bf16"):
            raise InputError(f"--precision {self.precision}: must be fp32 or bf16")
        if self.model == "tudui" and (self.weights or self.freeze_features):
            option = "--weights" if self.weights else "--freeze-features"
            raise InputError(f"{option}: only VGG16 starts from weights: add --model vgg16")
        check_trainable(self.model)


class Run:
    """A run's folder. Nothing is written before `open`.

    Args:
        folder: where it is or shall be.
        config: its options.

    Raises:
        InputError: (from `start` and `resume`) the folder is not what it should be.
    """

    def __init__(self, folder: Path, config: Config) -> None:
        self.folder = folder
        self.config = config
        self.checkpoints = folder / "checkpoints"
        self.metrics = folder / "metrics.jsonl"
        self.records: list[dict[str, Any]] = []

    @classmethod
    def start(cls, folder: Path, config: Config) -> Self:
        """Prepare a new run, in a folder that is missing or empty."""
        if folder.is_dir() and any(folder.iterdir()):
            raise InputError(
                f"{folder} is not empty: choose another --out, or go on with its run: --resume"
            )
        return cls(folder, config)

    @classmethod
    def resume(cls, folder: Path, options: Mapping[str, Any]) -> Self:
        """Take up the run in a folder, with the options it was started with.

        Args:
            folder: the run's folder.
            options: those given anew: more `epochs` and another `device` are taken; others must
                be the run's own.
        """
        path = folder / "config.json"
        try:
            saved = json.loads(path.read_text(encoding="utf-8"))["options"]
            config = Config(**saved)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise InputError(f"{folder} holds no run: leave out --resume to start one") from error
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"{path} is damaged ({error}): start again in another --out"
            ) from error
        for name, value in options.items():
            if name not in CHANGEABLE and value != (own := getattr(config, name)):
                raise InputError(
                    f"--{name.replace('_', '-')} {value}: the run in {folder} was started with "
                    f"{own}: leave the option out, or choose another --out"
                )
        return cls(folder, replace(config, **options))

    def open(self) -> None:
        """Make the folder, where it is missing, and write config.json.

        Raises:
            InputError: the folder cannot be written.
        """
        versions = {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "torchvision": torchvision.__version__,
        }
        text = json.dumps({"options": asdict(self.config), "versions": versions}, indent=2)
        try:
            self.checkpoints.mkdir(parents=True, exist_ok=True)
            with replacing(self.folder / "config.json") as part:
                part.write_text(text + "\n", encoding="utf-8")
        except OSError as error:
            raise InputError(f"--out {self.folder} cannot be written: {error.strerror}") from error

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

    def load_last(self, device: torch.device) -> dict[str, Any] | None:
        """Read the newest checkpoint, and cut back the log to what it had seen.

        Returns:
            The checkpoint; None where the run was killed before its first.
        """
        paths = sorted(self.checkpoints.glob("epoch-*.pt"), key=lambda path: (len(path.name), path))
        last = load_checkpoint(paths[-1], device) if paths else None
        seen = last["step"] if last else 0
        self.records = [record for record in self._read_metrics() if record["step"] <= seen]
        with replacing(self.metrics) as part:
            part.write_text(
                "".join(json.dumps(record) + "\n" for record in self.records), encoding="utf-8"
            )
        return last

    def _read_metrics(self) -> Iterator[dict[str, Any]]:
        """Read metrics.jsonl; a last line without an end was cut off when the run was killed."""
        text = self.metrics.read_text(encoding="utf-8") if self.metrics.is_file() else ""
        for number, line in enumerate(text.split("\n")[:-1], start=1):
            try:
                yield json.loads(line)
            except ValueError as error:
                raise InputError(
                    f"{self.metrics}: line {number} is damaged: delete it and --resume again"
                ) from error
