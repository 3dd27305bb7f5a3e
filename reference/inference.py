"""An image in, a class out (P32)."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from PIL import Image, UnidentifiedImageError
from torchvision.transforms import functional

from reference.cifar10 import CLASSES
from reference.errors import InputError

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
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                small = functional.resize(_to_rgb(image), [SIDE, SIDE])
                return cast("Tensor", functional.to_tensor(small))
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file") from error
    except UnidentifiedImageError as error:
        raise InputError(f"{path} is no image: give a PNG or JPEG file") from error
    except Exception as error:  # Pillow's readers raise whatever a damaged file makes them raise
        raise InputError(f"{path} cannot be read as an image: {error}") from error


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):  # 16 bits a pixel, which convert() would clip to 255
        image = Image.fromarray((np.asarray(image) // 257).astype(np.uint8))
    return image.convert("RGB")


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
