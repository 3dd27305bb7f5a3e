"""An image in, a class out (P32)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from reference.data.cifar10 import CLASSES
from reference.data.image_folders import read_image
from reference.data.transforms import resize, to_tensor

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from torch import Tensor, nn

SIDE = 32


def load_image(path: Path | str) -> Tensor:
    """Read an image file as the network wants it.

    Args:
        path: a PNG, a JPEG or another file that Pillow reads, of any mode and size.

    Returns:
        float of shape (3, 32, 32), values from 0 to 1.

    Raises:
        InputError: there is no such file, or it is no image, or a damaged one.

    Source: P32.
    """
    return to_tensor(resize(read_image(path), (SIDE, SIDE)))


def predict(model: nn.Module, images: Sequence[Tensor]) -> list[dict[str, Any]]:
    """Classify images.

    Args:
        model: maps float images of shape (N, 3, 32, 32) to logits of shape (N, 10).
        images: each float of shape (3, 32, 32), values from 0 to 1.

    Returns:
        For each image "index", "class" and "probability" (softmax) of the likeliest class.

    Source: P32.
    """
    device = next(model.parameters()).device
    model.eval()
    with torch.no_grad():
        probabilities = model(torch.stack(list(images)).to(device)).softmax(1)
    best, index = probabilities.max(1)
    return [
        {"index": i, "class": CLASSES[i], "probability": p}
        for i, p in zip(index.tolist(), best.tolist(), strict=True)
    ]
