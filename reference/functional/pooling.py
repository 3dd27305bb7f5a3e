"""Pooling: each window is reduced to one number (P19)."""

import math
from collections.abc import Sequence
from itertools import product

import torch
from torch import Tensor

from reference.functional._checks import check_not_empty, check_planes
from reference.functional._windows import Windows, pair


def pool_output_size(
    size: int,
    kernel_size: int,
    stride: int | None = None,
    padding: int = 0,
    dilation: int = 1,
    *,
    ceil_mode: bool = False,
) -> int:
    """Return the number of pooling windows along one axis.

    Args:
        size: pixels of the input along the axis.
        kernel_size: elements of the window along the axis.
        stride: pixels from one window to the next, by default `kernel_size`.
        padding: pixels added at either end.
        dilation: pixels from one element of the window to the next; 1 means adjacent.
        ceil_mode: whether the last window may extend beyond the end. Even then it must start
            inside the input or the padding before it.

    Returns:
        The convolution's formula, rounded up if `ceil_mode`.

    Raises:
        RuntimeError: not even one window fits.

    Source: P19, the formula for H_out in the documentation of torch.nn.MaxPool2d.
    """
    stride = stride or kernel_size
    room = size + 2 * padding - dilation * (kernel_size - 1) - 1
    count = (-(-room // stride) if ceil_mode else room // stride) + 1  # -(-a // b) rounds up
    if ceil_mode and (count - 1) * stride >= size + padding:  # starts in the padding at the end
        count -= 1
    if count < 1:
        raise RuntimeError(
            f"kernel_size={kernel_size} with dilation={dilation} and padding={padding} leaves "
            f"no output for an input of {size} pixels: use a smaller kernel or a larger image"
        )
    return count


def pool_windows(
    size: Sequence[int],
    kernel_size: int | Sequence[int],
    stride: int | Sequence[int] | None,
    padding: int | Sequence[int],
    dilation: int | Sequence[int],
    *,
    ceil_mode: bool,
) -> Windows:
    """Return the windows of a pooling over a plane, with enough padding for the last ones.

    Args:
        size: (H, W) of the plane.
        kernel_size: as in `max_pool2d`.
        stride: as in `max_pool2d`.
        padding: as in `max_pool2d`.
        dilation: as in `max_pool2d`.
        ceil_mode: as in `max_pool2d`.

    Raises:
        TypeError: an argument is not made of integers.
        RuntimeError: one is out of range, or no window fits.
    """
    kernel = pair("kernel_size", kernel_size, 1)
    # None and an empty sequence mean the default, as in torch; 0 is refused by pair.
    step = pair("stride", stride, 1) if stride or stride == 0 else kernel
    before, gap = pair("padding", padding, 0), pair("dilation", dilation, 1)
    if any(margin > length // 2 for margin, length in zip(before, kernel, strict=True)):
        raise RuntimeError(
            f"padding={padding!r} must be at most half of kernel_size={kernel_size!r}"
        )
    axes = zip(size, kernel, step, before, gap, strict=True)
    below, right = (_overhang(*axis, ceil_mode=ceil_mode) for axis in axes)
    return Windows(
        kernel_size=kernel, stride=step, dilation=gap, pad_before=before, pad_after=(below, right)
    )


def _overhang(
    size: int, kernel_size: int, stride: int, padding: int, dilation: int, *, ceil_mode: bool
) -> int:
    """Return the number of pixels by which the last window extends beyond the end of an axis."""
    count = pool_output_size(size, kernel_size, stride, padding, dilation, ceil_mode=ceil_mode)
    end = (count - 1) * stride + dilation * (kernel_size - 1) + 1
    return max(end - padding - size, 0)


def max_pool2d(
    input: Tensor,
    kernel_size: int | Sequence[int],
    stride: int | Sequence[int] | None = None,
    padding: int | Sequence[int] = 0,
    dilation: int | Sequence[int] = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Tensor | tuple[Tensor, Tensor]:
    """Return the maximum of each window; the gradient goes to the first pixel that has it.

    Args:
        input: (N, C, H, W) or (C, H, W), of any real dtype. NaN counts as the maximum.
        kernel_size: rows and columns of the window.
        stride: pixels from one window to the next, by default `kernel_size`.
        padding: pixels of the lowest value added on each side, at most half of the window.
        dilation: pixels from one element of the window to the next.
        ceil_mode: whether the last window may extend beyond the end, see `pool_output_size`.
        return_indices: whether to return the position of each maximum too.

    Returns:
        (N, C, H_out, W_out) or (C, H_out, W_out), see `pool_output_size`; with `return_indices`
        also the int64 positions in the flattened plane without padding, row * W + column.

    Raises:
        TypeError: an argument is not made of integers.
        RuntimeError: the input is not an image or has no pixels, a number is out of range, or no
            window fits.

    Source: P19.
    """
    check_planes("max_pool2d", input)
    check_not_empty("max_pool2d", input, 3)
    height, width = input.shape[-2:]
    grid = pool_windows(
        (height, width), kernel_size, stride, padding, dilation, ceil_mode=ceil_mode
    )
    lowest = -math.inf if input.is_floating_point() else torch.iinfo(input.dtype).min
    # The windows only select a pixel, so autograd need not record them. argmax returns the first
    # of equal elements, and the first NaN, which it counts as the maximum.
    # (N, C, H, W) -> (N, C, oH, oW, kH, kW) -> (N, C, oH, oW, kH * kW) -> (N, C, oH, oW, 1)
    choice = grid.unfold(input.detach(), lowest).flatten(-2).argmax(-1, keepdim=True)
    positions = _positions(grid, height, width, input.device)
    # (oH, oW, kH * kW) -> (N, C, oH, oW, kH * kW) -> (N, C, oH, oW)
    indices = positions.expand(*choice.shape[:-1], -1).gather(-1, choice).squeeze(-1)
    # (N, C, H, W) -> (N, C, H * W + 1): one more pixel for windows without any, see _positions
    outside = input.new_full((*input.shape[:-2], 1), lowest)
    pixels = torch.cat([input.flatten(-2), outside], -1)
    # gather gives the gradient to the chosen pixel only; amax would divide it among equal ones.
    # (N, C, H * W + 1) -> (N, C, oH * oW) -> (N, C, oH, oW)
    output = pixels.gather(-1, indices.flatten(-2)).view_as(indices)
    return (output, indices) if return_indices else output


def _positions(grid: Windows, height: int, width: int, device: torch.device) -> Tensor:
    """Return the position in the flattened plane of each element of each window.

    An element in the padding has the lowest value, so that it is the maximum only where every
    pixel of the window has that value too. The first of these pixels is then the right answer,
    and its position replaces the padding's. Only a window that dilation moves past the plane has
    no pixel: its elements keep H * W, the position after the last pixel.

    Returns:
        (oH, oW, kH * kW), int64.
    """
    outside = height * width
    plane = torch.arange(outside, device=device).view(height, width)
    # (H, W) -> (oH, oW, kH, kW) -> (oH, oW, kH * kW)
    positions = grid.unfold(plane, outside).flatten(-2)
    # amin is the first pixel: positions grow from row to row, and the padding's is above them all.
    return positions.where(positions < outside, positions.amin(-1, keepdim=True))


def avg_pool2d(
    input: Tensor,
    kernel_size: int | Sequence[int],
    stride: int | Sequence[int] | None = None,
    padding: int | Sequence[int] = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """Return the mean of each window.

    Args:
        input: (N, C, H, W) or (C, H, W). The mean of integers is truncated towards zero.
        kernel_size: rows and columns of the window.
        stride: pixels from one window to the next, by default `kernel_size`.
        padding: zeros added on each side, at most half of the window.
        ceil_mode: whether the last window may extend beyond the end; elements beyond the padding
            never count.
        count_include_pad: whether the padding counts in the divisor.
        divisor_override: the divisor, instead of the number of pixels.

    Returns:
        (N, C, H_out, W_out) or (C, H_out, W_out), see `pool_output_size`.

    Raises:
        TypeError: an argument is not made of integers.
        RuntimeError: the input is not an image or has no pixels, a number is out of range, or no
            window fits.

    Source: P19, the counterpart of the maximum.
    """
    check_planes("avg_pool2d", input)
    check_not_empty("avg_pool2d", input, 3)
    if not isinstance(divisor_override, int | None):
        raise TypeError(f"divisor_override must be an int, got {divisor_override=}")
    if divisor_override == 0:
        raise RuntimeError("divisor_override must not be zero: None divides by the pixel count")
    grid = pool_windows(input.shape[-2:], kernel_size, stride, padding, 1, ceil_mode=ceil_mode)
    # A sum of half precision could overflow, or lose what is added last.
    wide = torch.float32 if input.dtype in (torch.float16, torch.bfloat16) else None
    # (N, C, H, W) -> (N, C, oH, oW, kH, kW) -> (N, C, oH, oW)
    sums = grid.unfold(input, 0).sum((-2, -1), dtype=wide)
    divisor: int | Tensor | None = divisor_override
    if divisor is None:
        rows, columns = (
            _window_lengths(input, grid, sums.shape[axis], axis, count_include_pad)
            for axis in (-2, -1)
        )
        divisor = rows[:, None] * columns  # (oH, 1) * (oW,) -> (oH, oW)
    rounding = None if input.is_floating_point() else "trunc"
    return sums.div(divisor, rounding_mode=rounding).to(input.dtype)


def _window_lengths(
    input: Tensor, grid: Windows, count: int, axis: int, include_pad: bool
) -> Tensor:
    """Return the number of pixels of each window along one axis, of shape (count,)."""
    padding = grid.pad_before[axis] if include_pad else 0
    first = torch.arange(count, device=input.device) * grid.stride[axis] - grid.pad_before[axis]
    end = first + grid.kernel_size[axis]
    # The padding asked for, not grid.pad_after: what ceil_mode adds to it never counts.
    return end.clamp(max=input.shape[axis] + padding) - first.clamp(min=-padding)


def adaptive_avg_pool2d(input: Tensor, output_size: int | Sequence[int | None]) -> Tensor:
    """Return the means of `output_size` windows, spread evenly over the image.

    Window i of n along an axis of length L goes from floor(i L / n) up to ceil((i + 1) L / n).

    Args:
        input: (N, C, H, W) or (C, H, W), floating point.
        output_size: rows and columns of the output; None keeps the input's.

    Returns:
        (N, C, *output_size) or (C, *output_size).

    Raises:
        TypeError: `output_size` is not made of integers.
        RuntimeError: the input is not an image or has no pixels, or a number is negative.

    Source: P25, VGG16.
    """
    check_planes("adaptive_avg_pool2d", input)
    check_not_empty("adaptive_avg_pool2d", input, 2)
    height, width = input.shape[-2:]
    requested = (output_size,) * 2 if isinstance(output_size, int) else tuple(output_size)
    if len(requested) != 2:
        raise RuntimeError(
            f"output_size must be an int or a pair of ints, got output_size={output_size!r}"
        )
    sizes = zip(requested, (height, width), strict=True)
    rows, columns = pair("output_size", [old if new is None else new for new, old in sizes], 0)
    output = input.new_empty((*input.shape[:-2], rows, columns))
    for i, j in product(range(rows), range(columns)):
        top, bottom = i * height // rows, -(-(i + 1) * height // rows)  # -(-a // b) rounds up
        left, right = j * width // columns, -(-(j + 1) * width // columns)
        # (N, C, bottom - top, right - left) -> (N, C)
        output[..., i, j] = input[..., top:bottom, left:right].mean((-2, -1))
    return output
