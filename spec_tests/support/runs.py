"""Train small runs and read their folders."""

import json
from pathlib import Path
from typing import Any

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
