"""A run's folder: its options, log and checkpoints, and how to resume it after it was killed."""

from __future__ import annotations

import contextlib
import importlib.metadata
import json
import os
import platform
import re
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any, Self

import torch

from reference.checkpoints.files import save_checkpoint
from reference.errors import InputError
from reference.files import atomic_write, is_part, new_folder, read_regular, remove_parts
from reference.locks import is_lock, lock
from reference.models.registry import check_trainable
from reference.training import metrics_log
from reference.training.config import OPTIONS, Config, option_string

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

LOCK = ".lock"
MAX_CONFIG = 2**20  # bytes of config.json
CHANGEABLE = {"data", "epochs", "device", "cuda_graph"}  # may differ when a run is resumed


class Run:
    """A run's folder. Nothing is written before `open`.

    Args:
        folder: its path; a new run's folder may be missing.
        config: its options.
        data_sums: the checksums of the data's files; None for a new run.
        unique: whether `open` creates a folder with another name, FOLDER-2, if this one exists.
    """

    def __init__(
        self,
        folder: Path,
        config: Config,
        data_sums: dict[str, str] | None = None,
        *,
        unique: bool = False,
    ) -> None:
        self.folder = folder
        self.config = config
        self.data_sums = data_sums
        self.records: list[dict[str, Any]] = []
        self.is_new = data_sums is None
        self._unique = unique

    @property
    def checkpoints(self) -> Path:
        """The folder of the checkpoints."""
        return self.folder / "checkpoints"

    @property
    def metrics(self) -> Path:
        """The log."""
        return self.folder / "metrics.jsonl"

    @classmethod
    def start(cls, folder: Path, config: Config, *, unique: bool = False) -> Self:
        """Prepare a new run, in a folder that is missing or in which no run has started.

        The arguments are those of the class.

        Raises:
            InputError: the network cannot be trained, or the folder cannot be used.
        """
        check_trainable(config.model)
        if not str(folder).isprintable():  # TensorBoard fails at names that are not UTF-8
            raise InputError(
                f"--out {str(folder)!r} has unprintable characters: choose a name that can be "
                "printed"
            )
        existing = next(path for path in (folder, *folder.absolute().parents) if path.exists())
        if not (existing.is_dir() and os.access(existing, os.W_OK | os.X_OK)):
            raise InputError(f"--out {folder} cannot be written: choose another folder")
        if existing == folder and not (unique or is_unstarted(folder)):
            raise InputError(
                f"{folder} is not empty: choose another --out, or add --resume to continue its run"
            )
        return cls(folder, config, unique=unique)

    @classmethod
    def resume(cls, folder: Path, options: Mapping[str, Any]) -> Self:
        """Prepare to continue the run in a folder, with the options it was started with.

        Args:
            folder: the run's folder.
            options: those given now. `epochs`, `device`, `cuda_graph` and the path of the same
                `data` may differ from the run's; the others must be equal to them.

        Raises:
            InputError: there is no run in the folder, its config.json is damaged, or an option
                differs that may not.
        """
        path = folder / "config.json"
        try:
            text = read_regular(path, MAX_CONFIG)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise InputError(
                f"{folder} contains no run: leave out --resume to start one"
            ) from error
        try:
            saved = json.loads(text)
            config = Config.from_stored(saved["options"])
            check_trainable(config.model)
            data_sums = dict(saved["data"])
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise InputError(
                f"{path} cannot be used ({error}): start a new run in another --out"
            ) from error
        for name, value in options.items():
            if name not in CHANGEABLE and value != (stored := getattr(config, name)):
                raise InputError(
                    f"{option_string(name)} {value}: the run in {folder} was started with "
                    f"{stored}: leave the option out, or choose another --out"
                )
        return cls(folder, replace(config, **options), data_sums)

    def check_data(self, sums: dict[str, str]) -> None:
        """Compare the data's checksums with those the run was started with; store a new run's.

        Raises:
            InputError: the run was started with other images.
        """
        if self.data_sums not in (None, sums):
            raise InputError(
                f"{self.config.data} contains other images than those the run in {self.folder} was "
                "started with: give their folder with --data, or choose another --out"
            )
        self.data_sums = sums

    @contextlib.contextmanager
    def open(self) -> Iterator[None]:
        """Lock the folder, creating it if missing, and write config.json and the log.

        Raises:
            InputError: another process uses the folder, or has started a run in it.
        """
        if self._unique:
            self.folder = new_folder(self.folder)
        self.checkpoints.mkdir(parents=True, exist_ok=True)
        held = lock(self.folder / LOCK)
        if held is None:
            raise InputError(
                f"{self.folder}: another process is using this run: wait for it to finish"
            )
        try:
            # Another process may have used the folder between `start` and the lock.
            if self.is_new and (self.folder / "config.json").exists():
                raise InputError(f"{self.folder} now contains another run: choose another --out")
            for folder in (self.folder, self.checkpoints):
                remove_parts(folder)
            self._write()
            yield
        finally:
            held.release()

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
        # Each file is replaced atomically, and config.json is written first. A process that is
        # killed in between leaves the old log, of which --resume again reads what it needs.
        for path, text in texts.items():
            with atomic_write(path) as part:
                part.write_text(text, encoding="utf-8")

    def record(self, record: dict[str, Any]) -> None:
        """Append a line to metrics.jsonl.

        An epoch's line must be appended before its checkpoint is saved: a resumed run drops the
        lines after its checkpoint, but cannot make up for missing ones.
        """
        self.records.append(record)
        metrics_log.append(self.metrics, record)

    def save(self, epoch: int, state: dict[str, Any]) -> Path:
        """Write the checkpoint of an epoch atomically and return its path."""
        path = self.checkpoints / checkpoint_name(epoch)
        save_checkpoint(path, {"epoch": epoch, "config": asdict(self.config), **state})
        return path

    def last_checkpoint(self) -> Path | None:
        """Return the newest checkpoint; None if the run was killed before its first.

        Raises:
            InputError: the folder of the checkpoints cannot be listed.
        """
        try:
            paths = list(self.checkpoints.iterdir())  # not glob, which hides errors
        except FileNotFoundError:
            return None
        except OSError as error:
            raise InputError(
                f"{self.checkpoints} cannot be listed ({error.strerror}): make it readable"
            ) from error
        checkpoints = [
            (int(match[1]), path)
            for path in paths
            if (match := re.fullmatch(r"epoch-(\d{3,})\.pt", path.name))
        ]
        return max(checkpoints)[1] if checkpoints else None

    def check_config(self, path: Path, saved: Config) -> None:
        """Compare the options stored in a checkpoint with those of the run.

        Raises:
            InputError: an option differs that may not.
        """
        for name in OPTIONS.keys() - CHANGEABLE:
            if (value := getattr(saved, name)) != (own := getattr(self.config, name)):
                raise InputError(
                    f"{path} was saved with {option_string(name)} {value}, and config.json says "
                    f"{own}: it belongs to another run; move it away and --resume continues from "
                    "the checkpoint before"
                )

    def read_records(self, epoch: int, step: int, epoch_steps: int) -> None:
        """Read the log up to a checkpoint, as `metrics_log.read` does."""
        self.records = metrics_log.read(self.metrics, epoch, step, epoch_steps)


def checkpoint_name(epoch: int) -> str:
    """Return the name of the file of an epoch's checkpoint."""
    return f"epoch-{epoch:03}.pt"


def is_unstarted(folder: Path) -> bool:
    """Return whether a folder is empty but for what a run leaves that is killed while it starts."""
    if not folder.is_dir():
        return False
    entries = [path for path in folder.iterdir() if not is_part(path)]
    for path in entries:
        if path.name == "checkpoints" and path.is_dir():
            if not all(map(is_part, path.iterdir())):
                return False
        elif not (path.name == LOCK and is_lock(path)):
            return False
    return True
