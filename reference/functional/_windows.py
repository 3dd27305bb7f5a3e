"""Where windows lie on a plane, which is what convolution and pooling have in common (P17-P19).

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
    """Count the positions of a convolution's kernel along one axis.

    Args:
        size: pixels of the input along the axis.
        kernel_size: taps of the kernel along the axis.
        stride: pixels from one window to the next.
        padding: pixels added at either end.
        dilation: pixels from one tap to the next; 1 means side by side.

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


def pair(name: str, value: int | Sequence[int], least: int) -> Pair:
    """Read an argument that is one number for both axes or a number for each.

    Args:
        name: the argument's name, for the message.
        value: what was given.
        least: the smallest number allowed.

    Raises:
        TypeError: `value` is neither an integer nor a sequence of integers.
        RuntimeError: it has another length than 1 or 2, or holds a smaller number.
    """
    numbers = tuple(value) if isinstance(value, Sequence) else (value,)
    if not all(isinstance(number, int) for number in numbers):
        raise TypeError(f"{name} must be an int or a pair of ints, got {name}={value!r}")
    if len(numbers) not in (1, 2) or min(numbers) < least:
        raise RuntimeError(
            f"{name} must be an int or a pair of ints, each at least {least}, got {name}={value!r}"
        )
    return numbers[0], numbers[-1]


def pad(planes: Tensor, before: Pair, after: Pair, padding_mode: str) -> Tensor:
    """Pad planes with their own pixels.

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
        reach = {"reflect": size - 1, "replicate": max(start, stop), "circular": size}[padding_mode]
        if max(start, stop) > reach:
            raise RuntimeError(
                f"padding={max(start, stop)} with padding_mode={padding_mode!r} must be at most "
                f"{reach} for input {tuple(planes.shape)}: pad less or use padding_mode='zeros'"
            )
        index = torch.arange(-start, size + stop, device=planes.device)
        source = {
            "reflect": size - 1 - (index.abs() - (size - 1)).abs(),
            "replicate": index.clamp(0, size - 1),
            "circular": index % size,
        }[padding_mode]
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
        """View planes window by window.

        Args:
            planes: (..., H, W).
            fill: the value of the padding.

        Returns:
            (..., rows of windows, columns of windows, rows of taps, columns of taps).
        """
        (top, left), (bottom, right) = self.pad_before, self.pad_after
        height, width = planes.shape[-2:]
        shape = (*planes.shape[:-2], top + height + bottom, left + width + right)
        padded = planes.new_full(shape, fill)
        padded[..., top : top + height, left : left + width] = planes
        for taps, step, gap in zip(self.kernel_size, self.stride, self.dilation, strict=True):
            padded = padded.unfold(-2, gap * (taps - 1) + 1, step)
        return padded[..., :: self.dilation[0], :: self.dilation[1]]


def conv_windows(
    size: Sequence[int],
    kernel_size: Sequence[int],
    stride: int | Sequence[int],
    padding: str | int | Sequence[int],
    dilation: int | Sequence[int],
) -> Windows:
    """Lay a convolution's windows over a plane.

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
            rows, columns = (d * (k - 1) for k, d in zip(kernel, gap, strict=True))
            before, after = (rows // 2, columns // 2), (rows - rows // 2, columns - columns // 2)
        case str():
            raise RuntimeError(
                "padding must be a number, 'valid', or with stride=1 'same', got "
                f"padding={padding!r}, stride={stride!r}"
            )
        case _:
            before = after = pair("padding", padding, 0)
    for axis in (0, 1):
        # An even kernel's odd pixel of padding='same' counts as one of the plane.
        pixels = size[axis] + after[axis] - before[axis]
        conv_output_size(pixels, kernel[axis], step[axis], before[axis], gap[axis])
    return Windows(
        kernel_size=kernel, stride=step, dilation=gap, pad_before=before, pad_after=after
    )
