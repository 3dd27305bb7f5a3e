"""Classifying images with a trained network (P32)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from reference.data.cifar10 import CLASSES
from reference.data.image_process import ImageProcess
from reference.data.transforms import to_tensor
from reference.errors import InputError, RunError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from torch import Tensor, nn

SIDE = 32  # height and width of the network's images
BATCH = 64  # images that are classified at once: VGG16 takes a megabyte for each


def load_image(path: Path | str) -> Tensor:
    """Return the image in a file as an input of the network.

    Args:
        path: a file that `read_image` reads, such as PNG or JPEG, of any mode and size. It is
            rotated as its EXIF data say.

    Returns:
        float of shape (3, 32, 32), values from 0 to 1.

    Raises:
        InputError: there is no such file, it is not an image, is damaged, or takes too much memory
            or time.

    Source: P32.
    """
    (image,) = load_images([path])
    if isinstance(image, InputError):
        raise image
    return image


def load_images(paths: Iterable[Path | str]) -> list[Tensor | InputError]:
    """Return what `load_image` returns or raises for each file; one process reads them all."""
    images: list[Tensor | InputError] = []
    with ImageProcess((SIDE, SIDE)) as process:
        for path in paths:
            try:
                images.append(to_tensor(process.read(path)))
            except InputError as error:
                images.append(error)
    return images


def predict(model: nn.Module, images: Sequence[Tensor]) -> list[dict[str, Any]]:
    """Classify images; the network is left in evaluation mode.

    Args:
        model: maps float images of shape (N, 3, 32, 32) to logits of shape (N, 10).
        images: each float of shape (3, 32, 32), values from 0 to 1.

    Returns:
        For each image "index", "class" and "probability" (softmax) of the most probable class.

    Raises:
        RunError: the network's output is not finite.

    Source: P32.
    """
    device = next(model.parameters()).device
    model.eval()
    with torch.no_grad():
        # N of (3, 32, 32) -> parts of (at most BATCH, 3, 32, 32) -> (N, 10)
        parts = torch.stack(list(images)).split(BATCH)
        probabilities = torch.cat([model(part.to(device)).softmax(1) for part in parts])
    highest, indices = probabilities.max(1)
    if not highest.isfinite().all():  # finite weights can be so large that a sum overflows
        raise RunError(
            "the network's output is not finite, its weights are too large: train again with a "
            "smaller --lr"
        )
    return [
        {"index": index, "class": CLASSES[index], "probability": probability}
        for index, probability in zip(indices.tolist(), highest.tolist(), strict=True)
    ]
