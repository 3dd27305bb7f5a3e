"""What is done to an image before the network sees it: the definitions (P10-P13).

A picture is a PIL image, or a float tensor of shape (..., channels, height, width). Sizes are
pixels: an int, or a pair (height, width).
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
    """Turn an image, with its channels last, into a tensor, with its channels first.

    Args:
        image: a PIL image, or an array of shape (H, W) or (H, W, C).

    Returns:
        Shape (C, H, W). What has 8 bits a channel becomes float from 0 to 1; other values stay as
        they are, those of 16-bit images as int32. A palette image gives the numbers of its colours.

    Raises:
        TypeError: it is neither image nor array.
        ValueError: the array has another number of dimensions.

    Source: P10, P11.
    """
    pixels = _pixels(image) if isinstance(image, Image.Image) else image
    if not isinstance(pixels, np.ndarray):
        raise TypeError(f"image must be a PIL image or an array, not {type(image).__name__}")
    if pixels.ndim not in {2, 3}:
        raise ValueError(f"image must have shape (H, W) or (H, W, C), not {pixels.shape}")
    planes = np.moveaxis(np.atleast_3d(pixels), -1, 0)
    tensor = torch.from_numpy(np.array(planes, order="C"))
    if tensor.dtype == torch.uint8:
        return tensor.to(torch.get_default_dtype()).div(255)
    return tensor


def _pixels(image: Image.Image) -> np.ndarray[Any, Any]:
    pixels = np.asarray(image)
    if image.mode == "1":
        return pixels * np.uint8(255)
    return pixels.astype(np.int32) if image.mode.startswith("I;16") else pixels


def to_pil_image(image: Tensor | np.ndarray[Any, Any]) -> Image.Image:
    """Turn a tensor or an array into an image: what `to_tensor` undoes.

    Args:
        image: a tensor of shape (C, H, W) or (H, W), or an array of shape (H, W, C) or (H, W); of
            uint8, or float from 0 to 1.

    Returns:
        The image; one channel gives mode L, two LA, three RGB, four RGBA.

    Raises:
        TypeError: it is neither, or Pillow has no mode for its dtype.
        ValueError: the shape is not that of an image.

    Source: P10.
    """
    if isinstance(image, Tensor):
        pixels = image.detach().cpu().numpy()
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
    return Image.fromarray(pixels[:, :, 0] if single else pixels)


def normalize(tensor: Tensor, mean: Sequence[float], std: Sequence[float]) -> Tensor:
    """Take the mean from each channel, and divide it by the standard deviation.

    Args:
        tensor: float of shape (..., C, H, W).
        mean: one value for each channel.
        std: as mean, none of them 0.

    Returns:
        (tensor - mean) / std, of the same shape and dtype.

    Raises:
        TypeError: it is no tensor, or not float.
        ValueError: mean or std has not a value for each channel, or a std is 0.

    Source: P12.
    """
    if not (isinstance(tensor, Tensor) and tensor.is_floating_point()):
        raise TypeError(f"normalize takes a float tensor, not {_kind(tensor)}: to_tensor makes one")
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
    return (tensor - shift[:, None, None]) / scale[:, None, None]


def resize(image: Picture, size: Size) -> Picture:
    """Scale the whole picture, by bilinear interpolation that averages where it shrinks.

    Args:
        image: PIL image, or float tensor.
        size: an int is the length of the shorter side, and the ratio of the sides stays; a pair is
            the height and the width, whatever becomes of the ratio.

    Returns:
        The scaled picture, of the same type.

    Raises:
        TypeError: it is neither image nor float tensor.

    Source: P13.
    """
    height, width = _height_width(image)
    if isinstance(size, int):
        short, long = sorted((height, width))
        other = int(size * long / short)
        size = (size, other) if height <= width else (other, size)
    if isinstance(image, Image.Image):
        return image.resize(size[::-1], Image.Resampling.BILINEAR)
    if not image.is_floating_point():
        raise TypeError(f"resize takes an image or a float tensor, not {_kind(image)}")
    batch = image.reshape(-1, 1, height, width)
    scaled = torch.nn.functional.interpolate(batch, size, mode="bilinear", antialias=True)
    return scaled.reshape(*image.shape[:-2], *size)


def center_crop(image: Picture, size: Size) -> Picture:
    """Cut out the middle.

    Args:
        image: PIL image or tensor.
        size: of what is cut out; an int gives a square.

    Returns:
        The middle; where the margins cannot be equal, they differ by one pixel.

    Raises:
        ValueError: the picture is smaller than that.

    Source: P10.
    """
    down, right = _room(image, size)
    return _crop(image, round(down / 2), round(right / 2), size)


def random_crop(image: Picture, size: Size, generator: torch.Generator | None = None) -> Picture:
    """Cut out a piece, each place being equally likely.

    Args:
        image: PIL image or tensor.
        size: of what is cut out; an int gives a square.
        generator: where chance comes from, by default torch's own.

    Returns:
        The piece.

    Raises:
        ValueError: the picture is smaller than that.

    Source: P13.
    """
    top, left = (
        int(torch.randint(room + 1, (1,), generator=generator)) for room in _room(image, size)
    )
    return _crop(image, top, left, size)


def compose(transforms: Sequence[Callable[[Any], Any]]) -> Callable[[Any], Any]:
    """Make one transform of several.

    Args:
        transforms: functions or other callables; each takes what the one before it returns.

    Returns:
        The function that applies them in this order. It can be pickled if they can.

    Source: P12, P13.
    """
    return partial(_apply, list(transforms))


def _apply(transforms: list[Callable[[Any], Any]], image: Any) -> Any:  # noqa: ANN401 - any type
    for transform in transforms:
        image = transform(image)
    return image


def _kind(value: object) -> str:
    return str(value.dtype) if isinstance(value, Tensor) else type(value).__name__


def _pair(size: Size) -> tuple[int, int]:
    return (size, size) if isinstance(size, int) else size


def _height_width(image: Image.Image | Tensor) -> tuple[int, int]:
    if isinstance(image, Image.Image):
        return image.height, image.width
    if isinstance(image, Tensor):
        return image.shape[-2], image.shape[-1]
    raise TypeError(f"image must be a PIL image or a tensor, not {type(image).__name__}")


def _room(image: Image.Image | Tensor, size: Size) -> tuple[int, int]:
    """Return how far a window of this size can move down and to the right."""
    (height, width), (window_height, window_width) = _height_width(image), _pair(size)
    if window_height > height or window_width > width:
        raise ValueError(
            f"a crop of {window_height} x {window_width} is larger than the image of "
            f"{height} x {width}: resize it first"
        )
    return height - window_height, width - window_width


def _crop(image: Picture, top: int, left: int, size: Size) -> Picture:
    height, width = _pair(size)
    if isinstance(image, Image.Image):
        return image.crop((left, top, left + width, top + height))
    return image[..., top : top + height, left : left + width]
