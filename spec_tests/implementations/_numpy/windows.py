"""Sliding windows: which pixel each element of each window is.

A plane of H x W pixels is numbered row by row from 0; H * W stands for the padding around it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Literal

import numpy as np

Pair = tuple[int, int]
Widths = tuple[Pair, Pair]  # (rows above, rows below), (columns to the left, to the right)


def pair(name: str, value: int | Sequence[int], minimum: int) -> Pair:
    """Return (rows, columns) of an argument; one number is used for both.

    Raises:
        TypeError: it is not made of integers.
        RuntimeError: it has neither one number nor two, or one is below the minimum.
    """
    numbers = tuple(value) if isinstance(value, Sequence) else (value,)
    if not all(isinstance(number, int) for number in numbers):
        raise TypeError(f"{name} must be an int or a pair of ints, got {name}={value!r}")
    if len(numbers) not in (1, 2) or min(numbers) < minimum:
        raise RuntimeError(
            f"{name} must be an int or a pair of ints, each at least {minimum}, got "
            f"{name}={value!r}"
        )
    return numbers[0], numbers[-1]


def check_planes(operator: str, input: np.ndarray, *, not_empty: int = 0) -> None:
    """Raise a RuntimeError unless the input is (N, C, H, W) or (C, H, W).

    Args:
        operator: its name, for the message.
        input: the input.
        not_empty: how many axes, the last ones, must not have length 0.
    """
    if input.ndim not in (3, 4):
        raise RuntimeError(
            f"{operator}: input must be (N, C, H, W) or (C, H, W), got input {input.shape}: "
            "reshape it, for one image to (1, C, H, W)"
        )
    if 0 in input.shape[input.ndim - not_empty :]:
        raise RuntimeError(
            f"{operator}: the last {not_empty} axes of input must not be empty, got input "
            f"{input.shape}: only a batch may have length 0"
        )


@dataclass(frozen=True, kw_only=True)
class Windows:
    """The windows on a plane.

    Attributes:
        size: (H, W) of the plane.
        kernel_size: (kH, kW) of a window.
        stride: the distance from one window to the next.
        dilation: the distance from one element of a window to the next.
        widths: how many rows and columns to pad on each side.
        mode: how `numpy.pad` pads; "constant" pads with the number H * W.
    """

    size: Pair
    kernel_size: Pair
    stride: Pair
    dilation: Pair
    widths: Widths
    mode: Literal["constant", "edge", "reflect", "wrap"] = "constant"

    def pixels(self) -> np.ndarray:
        """Return the number of the pixel that each element of each window is, (oH, oW, kH, kW)."""
        outside = prod(self.size)
        plane = np.arange(outside).reshape(self.size)
        if self.mode == "constant":
            padded = np.pad(plane, self.widths, constant_values=outside)
        else:
            padded = np.pad(plane, self.widths, self.mode)
        axes = zip(padded.shape, self.kernel_size, self.stride, self.dilation, strict=True)
        rows, columns = (_elements(*axis) for axis in axes)
        # (oH, kH) and (oW, kW) -> (oH, oW, kH, kW)
        return padded[rows[:, None, :, None], columns[None, :, None, :]]


def _elements(length: int, kernel_size: int, stride: int, dilation: int) -> np.ndarray:
    """Return the place of each element of each window along an axis, (windows, kernel_size)."""
    first = np.arange(0, length - dilation * (kernel_size - 1), stride)
    return first[:, None] + np.arange(kernel_size) * dilation


def numbered(planes: np.ndarray, padding: float) -> np.ndarray:
    """Return the pixels of planes by their numbers, (..., H, W) -> (..., H * W + 1).

    Args:
        planes: (..., H, W).
        padding: the value of the padding, the last one.
    """
    batch = planes.shape[:-2]
    inside = planes.reshape(*batch, prod(planes.shape[-2:]))
    return np.concatenate([inside, np.full((*batch, 1), padding, planes.dtype)], -1)


def scatter(grads: np.ndarray, pixels: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Return the sum, for each pixel, of the gradients at the places where it is.

    It is the gradient of `numbered(planes, padding)[..., pixels]`.

    Args:
        grads: (..., *pixels.shape).
        pixels: numbers of pixels.
        shape: (..., H, W) of the planes.

    Returns:
        The gradients, of this shape.
    """
    height, width = shape[-2:]
    sums = np.zeros((*shape[:-2], height * width + 1), grads.dtype)
    np.add.at(sums, (..., pixels), grads)  # type: ignore[arg-type] # NumPy takes a tuple
    return sums[..., :-1].reshape(shape)
