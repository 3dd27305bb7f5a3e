"""Sliding windows, the part that convolution and pooling have in common (P17-P19).

A pair is always (rows, columns); a plane is the last two dimensions of a tensor.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

Pair = tuple[int, int]


def conv_output_size(
    size: int, kernel_size: int, stride: int = 1, padding: int = 0, dilation: int = 1
) -> int:
    """Return the number of positions of a convolution's kernel along one axis.

    Args:
        size: pixels of the input along the axis.
        kernel_size: elements of the kernel along the axis.
        stride: pixels from one window to the next.
        padding: pixels added at either end.
        dilation: pixels from one kernel element to the next; 1 means adjacent.

    Returns:
        floor((size + 2 padding - dilation (kernel_size - 1) - 1) / stride) + 1.

    Raises:
        RuntimeError: the kernel is larger than the padded input.

    Source: P18, the formula for H_out in the documentation of torch.nn.Conv2d.
    """
    span = dilation * (kernel_size - 1) + 1
    if span > size + 2 * padding:
        raise RuntimeError(
            f"kernel_size={kernel_size} with dilation={dilation} spans {span} pixels, more than "
            f"the input's {size} with padding={padding}: use a smaller kernel or more padding"
        )
    return (size + 2 * padding - span) // stride + 1


def pair(name: str, value: int | Sequence[int], minimum: int) -> Pair:
    """Return an argument that is one number for both axes, or one for each, as a pair.

    Args:
        name: the argument's name, for the message.
        value: the argument.
        minimum: the smallest number allowed.

    Raises:
        TypeError: `value` is neither an integer nor a sequence of integers.
        RuntimeError: its length is neither 1 nor 2, or a number is below `minimum`.
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


def pad(planes: Tensor, before: Pair, after: Pair, padding_mode: str) -> Tensor:
    """Pad planes with copies of their own pixels.

    Args:
        planes: (..., H, W).
        before: rows above and columns to the left.
        after: rows below and columns to the right.
        padding_mode: 'reflect' (mirrored at the edge pixel), 'replicate' (the edge pixel) or
            'circular' (from the opposite edge).

    Returns:
        (..., before + H + after, before + W + after).

    Raises:
        RuntimeError: the plane is too small to reflect or wrap that far.
    """
    for dim, start, stop in zip((-2, -1), before, after, strict=True):
        size = planes.shape[dim]
        limit = {"reflect": size - 1, "replicate": max(start, stop), "circular": size}[padding_mode]
        if max(start, stop) > limit:
            raise RuntimeError(
                f"padding={max(start, stop)} with padding_mode={padding_mode!r} must be at most "
                f"{limit} for input {tuple(planes.shape)}: pad less or use padding_mode='zeros'"
            )
        index = torch.arange(-start, size + stop, device=planes.device)
        source = {
            # abs() mirrors at pixel 0, and the outer difference mirrors at pixel size - 1. Once
            # each is enough: the limit keeps index between -(size - 1) and 2 (size - 1).
            "reflect": size - 1 - (index.abs() - (size - 1)).abs(),
            "replicate": index.clamp(0, size - 1),
            "circular": index % size,
        }[padding_mode]
        # (..., size, ...) -> (..., start + size + stop, ...)
        planes = planes.index_select(dim, source)
    return planes


@dataclass(frozen=True, kw_only=True)
class Windows:
    """A grid of windows; `pad_before` and `pad_after` are the (rows, columns) added around it."""

    kernel_size: Pair
    stride: Pair
    dilation: Pair
    pad_before: Pair
    pad_after: Pair

    def unfold(self, planes: Tensor, fill: float) -> Tensor:
        """Return planes window by window, as a view of a padded copy.

        Args:
            planes: (..., H, W).
            fill: the value of the padding.

        Returns:
            (..., oH, oW, kH, kW).
        """
        (top, left), (bottom, right) = self.pad_before, self.pad_after
        height, width = planes.shape[-2:]
        # (..., H, W) -> (..., top + H + bottom, left + W + right)
        shape = (*planes.shape[:-2], top + height + bottom, left + width + right)
        padded = planes.new_full(shape, fill)
        padded[..., top : top + height, left : left + width] = planes
        # (..., pH, pW) -> (..., oH, pW, span) -> (..., oH, oW, span, span): each Tensor.unfold
        # appends the windows' dimension, so that -2 is the rows first and the columns next.
        for length, step, gap in zip(self.kernel_size, self.stride, self.dilation, strict=True):
            padded = padded.unfold(-2, gap * (length - 1) + 1, step)
        # (..., oH, oW, span, span) -> (..., oH, oW, kH, kW)
        return padded[..., :: self.dilation[0], :: self.dilation[1]]


def conv_windows(
    size: Sequence[int],
    kernel_size: Sequence[int],
    stride: int | Sequence[int],
    padding: str | int | Sequence[int],
    dilation: int | Sequence[int],
) -> Windows:
    """Return the windows of a convolution over a plane.

    Args:
        size: (H, W) of the plane.
        kernel_size: (kH, kW).
        stride: as in `conv2d`.
        padding: as in `conv2d`; 'same' puts the odd row or column at the end.
        dilation: as in `conv2d`.

    Raises:
        TypeError: `stride`, `padding` or `dilation` is not made of integers.
        RuntimeError: one is out of range, or the kernel does not fit.
    """
    kernel = pair("kernel_size", kernel_size, 1)
    step, gap = pair("stride", stride, 1), pair("dilation", dilation, 1)
    match padding:
        case "valid":
            before = after = (0, 0)
        case "same" if step == (1, 1):
            # An even kernel needs an odd number of added pixels, which cannot be split equally:
            # torch adds the odd one at the end.
            rows, columns = (d * (k - 1) for k, d in zip(kernel, gap, strict=True))
            before, after = (rows // 2, columns // 2), (rows - rows // 2, columns - columns // 2)
        case str():
            raise RuntimeError(
                "padding must be a number, 'valid', or with stride=1 'same', got "
                f"padding={padding!r}, stride={stride!r}"
            )
        case _:
            before = after = pair("padding", padding, 0)
    for axis in (0, 1):  # raises if the kernel does not fit
        # conv_output_size pads both ends equally: count the odd pixel of 'same' as the plane's.
        pixels = size[axis] + after[axis] - before[axis]
        conv_output_size(pixels, kernel[axis], step[axis], before[axis], gap[axis])
    return Windows(
        kernel_size=kernel, stride=step, dilation=gap, pad_before=before, pad_after=after
    )
