"""Max pooling, and average pooling with windows of one size."""

from collections.abc import Sequence
from dataclasses import replace
from math import prod

import numpy as np

from spec_tests.implementations._numpy.dtypes import exact, is_floating
from spec_tests.implementations._numpy.windows import (
    Windows,
    check_planes,
    numbered,
    pair,
    scatter,
)


def max_pool2d(
    input: np.ndarray,
    kernel_size: int | Sequence[int],
    *,
    stride: int | Sequence[int] | None = None,
    padding: int | Sequence[int] = 0,
    dilation: int | Sequence[int] = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> np.ndarray | tuple[np.ndarray, np.ndarray]:
    """Return the maximum of each window, and its index in the plane with `return_indices`."""
    check_planes("max_pool2d", input, not_empty=3)
    windows = _windows(input, kernel_size, stride, padding, dilation, ceil_mode=ceil_mode)
    indices = _indices_of_maxima(input, windows)
    pixels = numbered(input, _lowest(input))
    output = np.take_along_axis(pixels, _flat(indices), -1).reshape(indices.shape)
    return (output, indices) if return_indices else output


def max_pool2d_gradients(
    grad_output: np.ndarray,
    input: np.ndarray,
    kernel_size: int | Sequence[int],
    *,
    stride: int | Sequence[int] | None = None,
    padding: int | Sequence[int] = 0,
    dilation: int | Sequence[int] = 1,
    ceil_mode: bool = False,
    **_: object,
) -> dict[str, np.ndarray]:
    """Return the gradient of the input: each maximum's goes to the pixel that it comes from."""
    windows = _windows(input, kernel_size, stride, padding, dilation, ceil_mode=ceil_mode)
    indices = _flat(_indices_of_maxima(input, windows))
    sums = np.zeros((*input.shape[:-2], prod(windows.size) + 1))
    planes = np.ix_(*map(range, indices.shape))[:-1]
    np.add.at(sums, (*planes, indices), _flat(exact(grad_output)))
    return {"input": sums[..., :-1].reshape(input.shape)}


def avg_pool2d(
    input: np.ndarray,
    kernel_size: int | Sequence[int],
    *,
    stride: int | Sequence[int] | None = None,
    padding: int | Sequence[int] = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> np.ndarray:
    """Return the mean of each window; that of integers is truncated towards zero."""
    check_planes("avg_pool2d", input, not_empty=3)
    windows = _windows(input, kernel_size, stride, padding, 1, ceil_mode=ceil_mode)
    divisors = _divisors(windows, padding, divisor_override, include_padding=count_include_pad)
    sums = numbered(exact(input), 0)[..., windows.pixels()].sum((-2, -1))
    if is_floating(input):
        return (sums / divisors).astype(input.dtype)
    return (sums - np.fmod(sums, divisors)) // divisors


def avg_pool2d_gradients(
    grad_output: np.ndarray,
    input: np.ndarray,
    kernel_size: int | Sequence[int],
    *,
    stride: int | Sequence[int] | None = None,
    padding: int | Sequence[int] = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> dict[str, np.ndarray]:
    """Return the gradient of the input: each pixel of a window has an equal share."""
    windows = _windows(input, kernel_size, stride, padding, 1, ceil_mode=ceil_mode)
    divisors = _divisors(windows, padding, divisor_override, include_padding=count_include_pad)
    pixels = windows.pixels()
    shares = (exact(grad_output) / divisors)[..., None, None]
    shares = np.broadcast_to(shares, (*input.shape[:-2], *pixels.shape))
    return {"input": scatter(shares, pixels, input.shape)}


def _flat(planes: np.ndarray) -> np.ndarray:
    return planes.reshape(*planes.shape[:-2], planes.shape[-2] * planes.shape[-1])


def _lowest(input: np.ndarray) -> float:
    return -np.inf if is_floating(input) else np.iinfo(input.dtype).min


def _indices_of_maxima(input: np.ndarray, windows: Windows) -> np.ndarray:
    """Return the pixel of each window's maximum, the first of equal ones, (..., oH, oW)."""
    pixels = windows.pixels()
    elements = pixels.reshape(*pixels.shape[:2], -1)  # (oH, oW, kH * kW)
    # The padding never is the maximum: the first pixel of the window takes its place. It has the
    # smallest number. Only a window that dilation moves past the plane has no pixel.
    first = elements.min(-1, keepdims=True)
    elements = np.where(elements == prod(windows.size), first, elements)
    # argmax returns the first maximum, and the first NaN if there is one.
    choice = numbered(exact(input), _lowest(input))[..., elements].argmax(-1)  # (..., oH, oW)
    rows, columns = np.indices(pixels.shape[:2])
    return elements[rows, columns, choice]


def _windows(
    input: np.ndarray,
    kernel_size: int | Sequence[int],
    stride: int | Sequence[int] | None,
    padding: int | Sequence[int],
    dilation: int | Sequence[int],
    *,
    ceil_mode: bool,
) -> Windows:
    """Return the windows of a pooling; refuse what does not fit."""
    kernel = pair("kernel_size", kernel_size, 1)
    step = kernel if stride is None or stride == () else pair("stride", stride, 1)
    margin, gap = pair("padding", padding, 0), pair("dilation", dilation, 1)
    if any(2 * side > length for side, length in zip(margin, kernel, strict=True)):
        raise RuntimeError(
            f"padding={padding!r} must be at most half of kernel_size={kernel_size!r}"
        )
    size = input.shape[-2], input.shape[-1]
    axes = zip(size, kernel, step, margin, gap, strict=True)
    below, right = (_padding_at_end(*axis, ceil_mode=ceil_mode) for axis in axes)
    widths = (margin[0], below), (margin[1], right)
    return Windows(size=size, kernel_size=kernel, stride=step, dilation=gap, widths=widths)


def _padding_at_end(
    size: int, kernel: int, stride: int, padding: int, dilation: int, *, ceil_mode: bool
) -> int:
    """Return the padding after an axis: enough for the last window."""
    span = dilation * (kernel - 1) + 1
    room = size + 2 * padding - span
    windows = room // stride + 1
    # ceil_mode adds a window for the rest, if it starts inside the input or the padding before it.
    if ceil_mode and room % stride and windows * stride < size + padding:
        windows += 1
    if windows < 1:
        raise RuntimeError(
            f"kernel_size={kernel} with dilation={dilation} and padding={padding} leaves no output "
            f"for an input of {size} pixels: use a smaller kernel or a larger image"
        )
    return max((windows - 1) * stride + span - size - padding, padding)


def _divisors(
    windows: Windows,
    padding: int | Sequence[int],
    override: int | None,
    *,
    include_padding: bool,
) -> np.ndarray:
    """Return how many pixels of each window count, (oH, oW), or the divisor given."""
    if not isinstance(override, int | None):
        raise TypeError(f"divisor_override must be an int, got divisor_override={override!r}")
    if override == 0:
        raise RuntimeError("divisor_override must not be zero: None divides by the pixel count")
    if override is not None:
        return np.array(override)
    # What counts is a plane of its own. ceil_mode's windows may extend beyond it.
    rows, columns = pair("padding", padding, 0) if include_padding else (0, 0)
    size = windows.size[0] + 2 * rows, windows.size[1] + 2 * columns
    (above, below), (left, right) = windows.widths
    widths = (above - rows, below - rows), (left - columns, right - columns)
    pixels = replace(windows, size=size, widths=widths).pixels()
    return (pixels < prod(size)).sum((-2, -1))
