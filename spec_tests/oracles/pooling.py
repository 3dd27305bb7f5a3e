"""Definitions of the poolings; the package's docstring explains the conventions."""

import math
from fractions import Fraction

from spec_tests.oracles.nested import (
    Nested,
    Number,
    Plane,
    Size,
    depth,
    leaves,
    map_numbers,
    map_planes,
    pair,
)


def _starts(
    length: int, kernel: int, stride: int, padding: int, dilation: int, *, ceil_mode: bool
) -> list[int]:
    """Return the start of each window of a pooling along one axis.

    Starts are counted from the first element of the input: negative ones are in the padding. With
    ceil_mode the last window may exceed the padded input, but no window starts after the input.
    """
    room = length + 2 * padding - dilation * (kernel - 1) - 1
    count = (-(-room // stride) if ceil_mode else room // stride) + 1
    starts = [i * stride - padding for i in range(count)]
    return [start for start in starts if start < length] if ceil_mode else starts


def max_pool2d(
    input: Nested,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    dilation: Size = 1,
    *,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Nested:
    """Return the maximum of each window.

    y[n, c, i, j] = max over u, v of x[n, c, i s + u d - p, j s + v d - p]

    with stride s, padding p and dilation d; positions outside the input do not count.

    Args:
        input: (N, C, H, W) or (C, H, W).
        kernel_size: as in torch.nn.functional.
        stride: the kernel size by default.
        padding: as in torch.nn.functional.
        dilation: as in torch.nn.functional.
        ceil_mode: whether to round up the number of windows.
        return_indices: whether to return the indices as well.

    Returns:
        (N, C, oH, oW) or (C, oH, oW). With `return_indices` a pair: the second part is the index
        row * W + column of the first maximum of each window. NaN counts as the maximum.
    """
    kernel, dilations = pair(kernel_size), pair(dilation)
    strides, paddings = pair(stride or kernel_size), pair(padding)

    def largest(plane: Plane, top: int, left: int) -> tuple[Number, int]:
        best: Number = -math.inf
        index = -1
        for row in range(top, top + kernel[0] * dilations[0], dilations[0]):
            for column in range(left, left + kernel[1] * dilations[1], dilations[1]):
                if not (0 <= row < len(plane) and 0 <= column < len(plane[0])):
                    continue
                value = plane[row][column]
                # Whatever the first element is, it is larger than nothing.
                nan = math.isnan(value) and not math.isnan(best)
                if index < 0 or nan or value > best:
                    best, index = value, row * len(plane[0]) + column
        return best, index

    def pool(plane: Plane) -> Nested:
        rows, columns = (
            _starts(size, kernel[a], strides[a], paddings[a], dilations[a], ceil_mode=ceil_mode)
            for a, size in enumerate((len(plane), len(plane[0])))
        )
        return [[largest(plane, top, left) for left in columns] for top in rows]

    pooled = map_planes(pool, input)  # nested lists of (maximum, index)
    values = map_numbers(lambda window: window[0], pooled)
    return (values, map_numbers(lambda window: window[1], pooled)) if return_indices else values


def max_pool2d_gradient(
    grad_output: Nested, input: Nested, **options: Size | bool | None
) -> Nested:
    """Return the gradient of sum(grad_output * max_pool2d(input)) with respect to the input.

    The gradient of a window goes to the element whose index max_pool2d returns: among equal
    elements, where the maximum has no derivative, to the first.
    """
    _, indices = max_pool2d(input, **options, return_indices=True)  # type: ignore[arg-type]

    def scatter(planes: Nested, gradients: Nested, positions: Nested) -> Nested:
        if depth(planes) > 2:
            return [scatter(*each) for each in zip(planes, gradients, positions, strict=True)]
        width = len(planes[0])
        sums: Plane = [[0] * width for _ in planes]
        for gradient, position in zip(leaves(gradients), map(int, leaves(positions)), strict=True):
            sums[position // width][position % width] += gradient
        return sums

    return scatter(input, grad_output, indices)


def avg_pool2d(
    input: Nested,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    *,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Nested:
    """Return the mean of each window: the sum of its elements, divided by their number.

    y[n, c, i, j] = 1 / divisor * sum over u, v of x[n, c, i s + u - p, j s + v - p]

    with stride s and padding p. The padding consists of zeros; positions beyond it, which ceil_mode
    can reach, do not count. The divisor is `divisor_override` if given; otherwise the number of the
    window's positions in the padded input, or without `count_include_pad` in the input.

    Args:
        input: (N, C, H, W) or (C, H, W).
        kernel_size: as in torch.nn.functional.
        stride: the kernel size by default.
        padding: as in torch.nn.functional.
        ceil_mode: whether to round up the number of windows.
        count_include_pad: whether the padding counts in the divisor.
        divisor_override: the divisor, if not None.

    Returns:
        (N, C, oH, oW) or (C, oH, oW).
    """
    kernel, strides, paddings = pair(kernel_size), pair(stride or kernel_size), pair(padding)

    def average(plane: Plane, top: int, left: int) -> Nested:
        values, padded = [], 0  # the elements, and how many positions with the padding
        for row in range(top, min(top + kernel[0], len(plane) + paddings[0])):
            for column in range(left, min(left + kernel[1], len(plane[0]) + paddings[1])):
                padded += 1
                if 0 <= row < len(plane) and 0 <= column < len(plane[0]):
                    values.append(plane[row][column])
        divisor = divisor_override or (padded if count_include_pad else len(values))
        return sum(values) * Fraction(1, divisor)

    def pool(plane: Plane) -> Nested:
        rows, columns = (
            _starts(size, kernel[a], strides[a], paddings[a], 1, ceil_mode=ceil_mode)
            for a, size in enumerate((len(plane), len(plane[0])))
        )
        return [[average(plane, top, left) for left in columns] for top in rows]

    return map_planes(pool, input)


def adaptive_avg_pool2d(input: Nested, output_size: Size) -> Nested:
    """Return the mean of each bin, of which there are `output_size` (None: as many as elements).

    Of n bins along an axis of length L, bin i is [floor(i L / n), ceil((i + 1) L / n)), so that
    neighbours may overlap by one element.

    (N, C, H, W) -> (N, C, oH, oW), or both without N.
    """

    def bins(length: int, count: int | None) -> list[range]:
        n = count or length
        return [range(i * length // n, -(-(i + 1) * length // n)) for i in range(n)]

    def pool(plane: Plane) -> Nested:
        rows, columns = map(bins, (len(plane), len(plane[0])), pair(output_size))
        return [
            [
                sum(plane[y][x] for y in ys for x in xs) * Fraction(1, len(ys) * len(xs))
                for xs in columns
            ]
            for ys in rows
        ]

    return map_planes(pool, input)
