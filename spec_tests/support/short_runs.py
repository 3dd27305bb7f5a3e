"""Short training runs of the course's network, with what they print and record."""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import torch

from reference.training.config import Config
from reference.training.runs import Run
from reference.training.trainer import Trainer


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
