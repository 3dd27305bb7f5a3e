"""Classifying images with a trained network (P32)."""

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

SIDE = 32  # height and width of the network's images


def load_image(path: Path | str) -> Tensor:
    """Return the image in a file as an input of the network.

    Args:
        path: a file that `read_image` reads, such as PNG or JPEG, of any mode and size.

    Returns:
        float of shape (3, 32, 32), values from 0 to 1.

    Raises:
        InputError: there is no such file, or it is not an image or is damaged.

    Source: P32.
    """
    return to_tensor(resize(read_image(path), (SIDE, SIDE)))


def predict(model: nn.Module, images: Sequence[Tensor]) -> list[dict[str, Any]]:
    """Classify images; the network is left in evaluation mode.

    Args:
        model: maps float images of shape (N, 3, 32, 32) to logits of shape (N, 10).
        images: each float of shape (3, 32, 32), values from 0 to 1.

    Returns:
        For each image "index", "class" and "probability" (softmax) of the most probable class.

    Source: P32.
    """
    device = next(model.parameters()).device
    model.eval()
    with torch.no_grad():
        # N of (3, 32, 32) -> (N, 3, 32, 32) -> (N, 10)
        probabilities = model(torch.stack(list(images)).to(device)).softmax(1)
    highest, indices = probabilities.max(1)
    return [
        {"index": index, "class": CLASSES[index], "probability": probability}
        for index, probability in zip(indices.tolist(), highest.tolist(), strict=True)
    ]
