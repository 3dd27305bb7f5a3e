"""Train small runs and read their folders."""

import contextlib
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import torch

from reference.training.config import Config
from reference.training.runs import Run
from reference.training.trainer import Trainer


def train(folder: Path, data: Path, **options: Any) -> Trainer:
    """Train in this process and return the trainer."""
    trainer = Trainer(Run.start(folder, Config(data=str(data), **options)), lambda *_: None)
    trainer.fit()
    return trainer


def read_weights(folder: Path, epoch: int) -> dict[str, torch.Tensor]:
    """Return the weights in a run's checkpoint of an epoch."""
    path = folder / "checkpoints" / f"epoch-{epoch:03}.pt"
    return torch.load(path, weights_only=True)["model"]


def read_metrics(folder: Path) -> list[dict[str, Any]]:
    """Return the records of a run's metrics.jsonl, without the seconds that they took."""
    lines = (folder / "metrics.jsonl").read_text().splitlines()
    records = [json.loads(line) for line in lines]
    return [{k: v for k, v in record.items() if k != "seconds"} for record in records]


class ShortRun(NamedTuple):
    """A finished run.

    Attributes:
        folder: the run's folder.
        lines: the printed lines, each as its name in `LINES` and its values.
        epochs: the records of the epochs.
        seconds: how long the run took.
    """

    folder: Path
    lines: list[tuple[object, ...]]
    epochs: list[dict[str, Any]]
    seconds: float


def train_two_epochs(folder: Path, data: Path, **options: int) -> ShortRun:
    """Train for two epochs on the CPU."""
    run = Run.start(folder, Config(data=str(data), epochs=2, device="cpu", **options))
    lines: list[tuple[object, ...]] = []
    start = time.perf_counter()
    Trainer(run, lambda *line: lines.append(line)).fit()
    seconds = time.perf_counter() - start
    epochs = [record for record in run.records if "test_loss" in record]
    return ShortRun(folder, lines, epochs, seconds)


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Compute in one thread: more gain nothing on small batches and slow down a busy machine."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
