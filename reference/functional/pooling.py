"""Pooling: one number for each window (P19)."""

import math
from collections.abc import Sequence
from itertools import cycle, product

import torch
from torch import Tensor

from reference.functional._checks import check_planes
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
    """Count the windows of a pooling along one axis.

    Args:
        size: pixels of the input along the axis.
        kernel_size: taps of the window along the axis.
        stride: pixels from one window to the next, by default `kernel_size`.
        padding: pixels added at either end.
        dilation: pixels from one tap to the next; 1 means side by side.
        ceil_mode: whether a last window may hang over the end. Also then it must start inside
            the input or the padding before it.

    Returns:
        The number of windows: the convolution's formula, rounded up if `ceil_mode`.

    Raises:
        RuntimeError: not even one window fits.

    Source: P19, the formula for H_out in the documentation of torch.nn.MaxPool2d.
    """
    stride = stride or kernel_size
    room = size + 2 * padding - dilation * (kernel_size - 1) - 1
    count = (-(-room // stride) if ceil_mode else room // stride) + 1
    if ceil_mode and (count - 1) * stride >= size + padding:
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
    """Lay a pooling's windows over a plane, with room below and to the right for the last ones.

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
    step = pair("stride", stride, 1) if stride or stride == 0 else kernel
    before, gap = pair("padding", padding, 0), pair("dilation", dilation, 1)
    if any(margin > taps // 2 for margin, taps in zip(before, kernel, strict=True)):
        raise RuntimeError(
            f"padding={padding!r} must be at most half of kernel_size={kernel_size!r}"
        )
    axes = zip(size, kernel, step, before, gap, strict=True)
    below, right = (_reach(*axis, ceil_mode=ceil_mode) for axis in axes)
    return Windows(
        kernel_size=kernel, stride=step, dilation=gap, pad_before=before, pad_after=(below, right)
    )


def _reach(
    size: int, kernel_size: int, stride: int, padding: int, dilation: int, *, ceil_mode: bool
) -> int:
    """Return how far the last window reaches beyond the end of an axis."""
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
    """Take the maximum of each window; the gradient goes to the first pixel that has it.

    Args:
        input: (N, C, H, W) or (C, H, W), of any real dtype. NaN counts as the maximum.
        kernel_size: rows and columns of the window.
        stride: pixels from one window to the next, by default `kernel_size`.
        padding: pixels added on each side, lower than any other, at most half of the window.
        dilation: pixels from one tap of the window to the next.
        ceil_mode: whether a last window may hang over the end, see `pool_output_size`.
        return_indices: whether to return also where each maximum was found.

    Returns:
        (N, C, H_out, W_out) or (C, H_out, W_out), see `pool_output_size`; with `return_indices`
        also the int64 positions in the flattened plane without padding, row * W + column.

    Raises:
        TypeError: an argument is not made of integers.
        RuntimeError: the input is no image, a number is out of range, or no window fits.

    Source: P19.
    """
    check_planes("max_pool2d", input)
    height, width = input.shape[-2:]
    grid = pool_windows(
        (height, width), kernel_size, stride, padding, dilation, ceil_mode=ceil_mode
    )
    lowest = -math.inf if input.is_floating_point() else torch.iinfo(input.dtype).min
    choice = grid.unfold(input.detach(), lowest).flatten(-2).argmax(-1, keepdim=True)
    positions = _positions(grid, height, width, input.device)
    indices = positions.expand(*choice.shape[:-1], -1).gather(-1, choice).squeeze(-1)
    outside = input.new_full((*input.shape[:-2], 1), lowest)
    pixels = torch.cat([input.flatten(-2), outside], -1)
    output = pixels.gather(-1, indices.flatten(-2)).view_as(indices)
    return (output, indices) if return_indices else output


def _positions(grid: Windows, height: int, width: int, device: torch.device) -> Tensor:
    """Return the position of each tap of each window in the flattened plane.

    A tap in the padding wins only where every pixel of the window is the lowest value. Then the
    first pixel is the maximum: its position stands for the padding's. Only a window that dilation
    holds clear of the plane has no pixel; its taps keep H * W, the position after the last.
    """
    outside = height * width
    plane = torch.arange(outside, device=device).view(height, width)
    positions = grid.unfold(plane, outside).flatten(-2)
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
    """Take the mean of each window.

    Args:
        input: (N, C, H, W) or (C, H, W). The mean of integers is cut towards zero.
        kernel_size: rows and columns of the window.
        stride: pixels from one window to the next, by default `kernel_size`.
        padding: zeros added on each side, at most half of the window.
        ceil_mode: whether a last window may hang over the end; what hangs over the padding too
            never counts.
        count_include_pad: whether the padding counts in the divisor.
        divisor_override: divides each sum instead of the number of pixels.

    Returns:
        (N, C, H_out, W_out) or (C, H_out, W_out), see `pool_output_size`.

    Raises:
        TypeError: an argument is not made of integers.
        RuntimeError: the input is no image, a number is out of range, or no window fits.

    Source: P19, the counterpart of the maximum.
    """
    check_planes("avg_pool2d", input)
    if divisor_override == 0:
        raise RuntimeError("divisor_override must not be zero: None divides by the pixel count")
    grid = pool_windows(input.shape[-2:], kernel_size, stride, padding, 1, ceil_mode=ceil_mode)
    sums = grid.unfold(input, 0).sum((-2, -1))
    divisor: int | Tensor | None = divisor_override
    if divisor is None:
        rows, columns = (
            _pixels(input, grid, sums.shape[axis], axis, count_include_pad) for axis in (-2, -1)
        )
        divisor = rows[:, None] * columns
    rounding = None if input.is_floating_point() else "trunc"
    return sums.div(divisor, rounding_mode=rounding).to(input.dtype)


def _pixels(input: Tensor, grid: Windows, count: int, axis: int, include_pad: bool) -> Tensor:
    """Count the pixels of each window along one axis."""
    padding = grid.pad_before[axis] if include_pad else 0
    first = torch.arange(count, device=input.device) * grid.stride[axis] - grid.pad_before[axis]
    end = first + grid.kernel_size[axis]
    return end.clamp(max=input.shape[axis] + padding) - first.clamp(min=-padding)


def adaptive_avg_pool2d(input: Tensor, output_size: int | Sequence[int | None]) -> Tensor:
    """Take the means of as many windows as asked for, spread evenly over the image.

    Window i of n along an axis of length L goes from floor(i L / n) up to ceil((i + 1) L / n).

    Args:
        input: (N, C, H, W) or (C, H, W), floating point.
        output_size: rows and columns of the output; None keeps the input's.

    Returns:
        (N, C, *output_size) or (C, *output_size).

    Raises:
        TypeError: `output_size` is not made of integers.
        RuntimeError: the input is no image, or a number is negative.

    Source: P25, VGG16.
    """
    check_planes("adaptive_avg_pool2d", input)
    height, width = input.shape[-2:]
    wanted = (output_size,) if isinstance(output_size, int) else output_size
    sizes = zip(wanted, cycle((height, width)), strict=False)
    rows, columns = pair("output_size", [old if new is None else new for new, old in sizes], 0)
    output = input.new_empty((*input.shape[:-2], rows, columns))
    for i, j in product(range(rows), range(columns)):
        top, bottom = i * height // rows, -(-(i + 1) * height // rows)
        left, right = j * width // columns, -(-(j + 1) * width // columns)
        output[..., i, j] = input[..., top:bottom, left:right].mean((-2, -1))
    return output
