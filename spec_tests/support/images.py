"""Test images, and an exact comparison for PIL images and tensors."""

import random
from typing import TypeVar

import numpy as np
import torch
from PIL import Image

Picture = TypeVar("Picture", Image.Image, torch.Tensor)


def noise(height: int, width: int, channels: int = 3) -> np.ndarray:
    """Return the same random uint8 pixels at each call, of shape (height, width, channels)."""
    pixels = random.Random(0).randbytes(height * width * channels)
    return np.frombuffer(pixels, np.uint8).reshape(height, width, channels)


def noise_image(mode: str = "RGB", height: int = 30, width: int = 41) -> Image.Image:
    """Return the pixels of `noise` as a PIL image of a mode."""
    return Image.fromarray(noise(height, width)).convert(mode)


def same(ours: Picture, theirs: Picture) -> bool:
    """Return whether two pictures have one mode or dtype and are equal bit for bit."""
    if isinstance(ours, Image.Image):
        return (ours.mode, ours.size, ours.tobytes()) == (
            theirs.mode,
            theirs.size,
            theirs.tobytes(),
        )
    return ours.dtype == theirs.dtype and torch.equal(ours, theirs)
