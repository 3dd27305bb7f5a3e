"""The course's networks (P22, P27)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn

if TYPE_CHECKING:
    from torch import Tensor


class Tudui(nn.Module):
    """The CIFAR-10 network: three convolutions, each with a max pool, and two linear layers.

    Its state_dict has the keys of the course's own files, `model.0.weight` to `model.8.bias`.

    Source: P22, P27; Krizhevsky, cuda-convnet, 2011.
    """

    def __init__(self) -> None:
        super().__init__()
        self.model = nn.Sequential(
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

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits, float of shape (N, 10), of images, float of shape (N, 3, 32, 32)."""
        logits: Tensor = self.model(images)
        return logits
