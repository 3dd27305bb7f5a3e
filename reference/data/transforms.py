"""Image transforms, written from their definitions (P10-P13).

A picture is a PIL image, or a float tensor of shape (..., C, H, W). Sizes are in pixels: an int, or
a pair (height, width).
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import torch
from PIL import Image
from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Size = int | tuple[int, int]

Picture = TypeVar("Picture", Image.Image, Tensor)

CHANNELS = (1, 2, 3, 4)  # L, LA, RGB, RGBA


def to_tensor(image: Image.Image | np.ndarray[Any, Any]) -> Tensor:
    """Return an image as a tensor, with the channels first.

    Args:
        image: a PIL image, or an array of shape (H, W) or (H, W, C).

    Returns:
        Shape (C, H, W). Values of 8 bits become float from 0 to 1; others keep their value, those
        of 16-bit images as int32. The values of a palette image are its palette indices.

    Raises:
        TypeError: `image` is neither a PIL image nor an array.
        ValueError: the array has another number of dimensions.

    Source: P10, P11.
    """
    pixels = _pixels(image) if isinstance(image, Image.Image) else image
    if not isinstance(pixels, np.ndarray):
        raise TypeError(f"image must be a PIL image or an array, not {type(image).__name__}")
    if pixels.ndim not in {2, 3}:
        raise ValueError(f"image must have shape (H, W) or (H, W, C), not {pixels.shape}")
    # (H, W) or (H, W, C) -> (H, W, C) -> (C, H, W)
    planes = np.moveaxis(np.atleast_3d(pixels), -1, 0)
    tensor = torch.from_numpy(np.array(planes, order="C"))  # a copy: contiguous, no shared memory
    if tensor.dtype == torch.uint8:
        return tensor.to(torch.get_default_dtype()).div(255)
    return tensor


def _pixels(image: Image.Image) -> np.ndarray[Any, Any]:
    pixels = np.asarray(image)
    if image.mode == "1":  # booleans, where white is 255 in every other mode
        return pixels * np.uint8(255)
    # uint16 to int32, which has the same values: torch has few operators for uint16
    return pixels.astype(np.int32) if image.mode.startswith("I;16") else pixels


def to_pil_image(image: Tensor | np.ndarray[Any, Any]) -> Image.Image:
    """Return a tensor or an array as a PIL image, the inverse of `to_tensor`.

    Args:
        image: a tensor of shape (C, H, W) or (H, W), or an array of shape (H, W, C) or (H, W); of
            uint8, or float from 0 to 1.

    Returns:
        The image, of mode L for one channel, LA for two, RGB for three, RGBA for four.

    Raises:
        TypeError: `image` is neither a tensor nor an array, or Pillow has no mode for its dtype.
        ValueError: the shape is not that of an image.

    Source: P10.
    """
    if isinstance(image, Tensor):
        pixels = image.detach().cpu().numpy()
        # (C, H, W) -> (H, W, C)
        pixels = np.moveaxis(pixels, 0, -1) if image.ndim == 3 else pixels
    elif isinstance(image, np.ndarray):
        pixels = image
    else:
        raise TypeError(f"image must be a tensor or an array, not {type(image).__name__}")
    if pixels.ndim not in {2, 3} or (pixels.ndim == 3 and pixels.shape[2] not in CHANNELS):
        raise ValueError(f"image must have 1 to 4 channels, not the shape {tuple(image.shape)}")
    if np.issubdtype(pixels.dtype, np.floating):
        pixels = (pixels * 255).astype(np.uint8)
    single = pixels.ndim == 3 and pixels.shape[2] == 1
    # (H, W, 1) -> (H, W): Pillow knows one channel only without its dimension
    return Image.fromarray(pixels[:, :, 0] if single else pixels)


def normalize(tensor: Tensor, mean: Sequence[float], std: Sequence[float]) -> Tensor:
    """Return (tensor - mean) / std, channel by channel.

    Args:
        tensor: float of shape (..., C, H, W).
        mean: one value for each channel.
        std: one value for each channel, none of them 0.

    Returns:
        The tensor's shape and dtype.

    Raises:
        TypeError: `tensor` is not a float tensor.
        ValueError: mean or std does not have one value for each channel, or a std is 0.

    Source: P12.
    """
    if not (isinstance(tensor, Tensor) and tensor.is_floating_point()):
        raise TypeError(
            f"normalize takes a float tensor, not {_type_name(tensor)}: use to_tensor first"
        )
    if tensor.ndim < 3 or not tensor.shape[-3] == len(mean) == len(std):
        raise ValueError(
            f"mean and std must have a value for each channel of (..., C, H, W): "
            f"{len(mean)} and {len(std)} for {tuple(tensor.shape)}"
        )
    if 0 in std:
        raise ValueError(f"std must not be 0: {std}")
    shift, scale = (
        torch.as_tensor(v, dtype=tensor.dtype, device=tensor.device) for v in (mean, std)
    )
    # (C,) -> (C, 1, 1), to broadcast over (..., C, H, W)
    return (tensor - shift[:, None, None]) / scale[:, None, None]


def resize(image: Picture, size: Size) -> Picture:
    """Return the picture scaled by bilinear interpolation, with antialiasing.

    Args:
        image: PIL image, or float tensor.
        size: an int is the length of the shorter side, and the aspect ratio is kept; a pair is the
            height and the width, and the aspect ratio may change.

    Returns:
        The scaled picture, of the same type.

    Raises:
        TypeError: `image` is neither a PIL image nor a float tensor.

    Source: P13.
    """
    height, width = _height_width(image)
    if isinstance(size, int):
        short, long = sorted((height, width))
        other = int(size * long / short)  # truncated, as in torchvision
        size = (size, other) if height <= width else (other, size)
    if isinstance(image, Image.Image):
        return image.resize(size[::-1], Image.Resampling.BILINEAR)
    if not image.is_floating_point():
        raise TypeError(f"resize takes a PIL image or a float tensor, not {_type_name(image)}")
    # interpolate wants four dimensions: (..., H, W) -> (N, 1, H, W) -> (N, 1, *size)
    batch = image.reshape(-1, 1, height, width)
    scaled = torch.nn.functional.interpolate(batch, size, mode="bilinear", antialias=True)
    # (N, 1, *size) -> (..., *size)
    return scaled.reshape(*image.shape[:-2], *size)


def center_crop(image: Picture, size: Size) -> Picture:
    """Return the middle of the picture.

    Args:
        image: PIL image or tensor.
        size: the size of the crop; an int gives a square.

    Returns:
        The middle; if opposite margins cannot be equal, they differ by one pixel.

    Raises:
        ValueError: the picture is smaller than the crop.

    Source: P10.
    """
    down, right = _margins(image, size)
    # round, not //: Python rounds halves to even, and torchvision does it this way
    return _crop(image, round(down / 2), round(right / 2), size)


def random_crop(image: Picture, size: Size, generator: torch.Generator | None = None) -> Picture:
    """Return a crop at a random position, each being equally likely.

    Args:
        image: PIL image or tensor.
        size: the size of the crop; an int gives a square.
        generator: the source of randomness, by default torch's global generator.

    Raises:
        ValueError: the picture is smaller than the crop.

    Source: P13.
    """
    top, left = (
        int(torch.randint(margin + 1, (1,), generator=generator))
        for margin in _margins(image, size)
    )
    return _crop(image, top, left, size)


def compose(transforms: Sequence[Callable[[Any], Any]]) -> Callable[[Any], Any]:
    """Return one transform that applies several in order.

    Args:
        transforms: callables; each is called with the result of the one before it.

    Returns:
        A function, which can be pickled if the transforms can.

    Source: P12, P13.
    """
    # Not a nested function: DataLoader's workers receive it pickled.
    return partial(_apply, list(transforms))


def _apply(transforms: list[Callable[[Any], Any]], image: Any) -> Any:  # noqa: ANN401 - any type
    for transform in transforms:
        image = transform(image)
    return image


def _type_name(value: object) -> str:
    return str(value.dtype) if isinstance(value, Tensor) else type(value).__name__


def _pair(size: Size) -> tuple[int, int]:
    return (size, size) if isinstance(size, int) else size


def _height_width(image: Image.Image | Tensor) -> tuple[int, int]:
    if isinstance(image, Image.Image):
        return image.height, image.width
    if isinstance(image, Tensor):
        return image.shape[-2], image.shape[-1]
    raise TypeError(f"image must be a PIL image or a tensor, not {type(image).__name__}")


def _margins(image: Image.Image | Tensor, size: Size) -> tuple[int, int]:
    """Return the rows and columns of the picture that a crop of this size leaves out."""
    (height, width), (crop_height, crop_width) = _height_width(image), _pair(size)
    if crop_height > height or crop_width > width:
        raise ValueError(
            f"a crop of {crop_height} x {crop_width} is larger than the image of "
            f"{height} x {width}: resize it first"
        )
    return height - crop_height, width - crop_width


def _crop(image: Picture, top: int, left: int, size: Size) -> Picture:
    height, width = _pair(size)
    if isinstance(image, Image.Image):
        return image.crop((left, top, left + width, top + height))
    return image[..., top : top + height, left : left + width]
