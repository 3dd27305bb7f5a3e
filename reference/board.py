"""What goes to TensorBoard (P8-P9, P22, P27)."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from torch.utils.tensorboard import SummaryWriter

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor, nn


def open_board(folder: Path, model: nn.Module, images: Tensor) -> SummaryWriter:
    """Start a run's event file, with some input images and the network's graph.

    Args:
        folder: where the file `events.out.tfevents.*` goes. Older ones there are deleted: a run
            that goes on writes its whole log anew, so that no step stands twice.
        model: the network.
        images: float of shape (N, 3, H, W), values from 0 to 1, on the network's device.
    """
    older = list(folder.glob("events.out.tfevents.*"))
    board = SummaryWriter(str(folder))
    for path in older:
        path.unlink()
    board.add_images("input", images)
    with warnings.catch_warnings():
        # add_graph traces the network with torch.jit, which torch has deprecated since 2.9.
        warnings.filterwarnings("ignore", message=".*torch.jit.*", category=Warning)
        board.add_graph(model, images[:1])
    return board


def add_record(board: SummaryWriter, record: dict[str, Any]) -> None:
    """Write one line of metrics.jsonl as the course's scalars, and at the course's steps.

    train_loss goes by training steps; test_loss and test_accuracy by tests, counted from 0.
    """
    if "test_loss" in record:
        for tag in ("test_loss", "test_accuracy"):
            board.add_scalar(tag, record[tag], record["epoch"] - 1)
    else:
        board.add_scalar("train_loss", record["train_loss"], record["step"])
    board.flush()
