"""The course's network and test images, as several lessons' tests use them."""

from pathlib import Path

import numpy as np
import torch
from torch import nn


def network() -> nn.Sequential:
    """Make the CIFAR-10 network of P22, with PyTorch's own random weights."""
    return nn.Sequential(
        nn.Conv2d(3, 32, 5, padding=2),
        nn.MaxPool2d(2),
        nn.Conv2d(32, 32, 5, padding=2),
        nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 5, padding=2),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(64 * 4 * 4, 64),
        nn.Linear(64, 10),
    )


def cifar_batches(folder: Path) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Read CIFAR-10's 10000 test images as the course's loader gives them, 64 at a time.

    Args:
        folder: where `cifar-10-batches-py` is.

    Returns:
        157 pairs of images, float32 of shape (N, 3, 32, 32) in 0 to 1, and labels, int64 of (N).
    """
    file = folder / "cifar-10-batches-py" / "test_batch"
    entry = np.load(file, allow_pickle=True, encoding="latin1")
    images = torch.from_numpy(entry["data"]).reshape(-1, 3, 32, 32) / 255
    labels = torch.tensor(entry["labels"])
    return list(zip(images.split(64), labels.split(64), strict=True))
