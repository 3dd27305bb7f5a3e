"""Brute-force definitions of the layers: a part of `oracles`, which says how."""

import math
from collections.abc import Callable, Iterator
from fractions import Fraction

from spec_tests.oracles.losses_and_optimizers import Nested, Number

Plane = list[list[Number]]
Size = int | tuple[int, int]


def _pair(value: Size) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else tuple(value)


def _depth(nested: Nested) -> int:
    return 1 + _depth(nested[0]) if isinstance(nested, list) else 0


def _map(function: Callable[[Number], Nested], nested: Nested) -> Nested:
    if isinstance(nested, list):
        return [_map(function, part) for part in nested]
    return function(nested)


def _each_plane(function: Callable[[Plane], Nested], nested: Nested) -> Nested:
    """Apply a function to every matrix of a 3-D or 4-D input."""
    if _depth(nested) == 2:
        return function(nested)
    return [_each_plane(function, part) for part in nested]


def _overwrite(nested: Nested, values: Nested) -> None:
    for i, value in enumerate(values):
        if isinstance(value, list):
            _overwrite(nested[i], value)
        else:
            nested[i] = value


def _inside(index: int, length: int, mode: str) -> int | None:
    """Return which element a padded position shows; None is a zero."""
    if 0 <= index < length:
        return index
    if mode == "zeros":
        return None
    if mode == "replicate":
        return min(max(index, 0), length - 1)
    if mode == "circular":
        return index % length
    return (
        -index if index < 0 else 2 * (length - 1) - index
    )  # reflect: the border is no mirror image


def _margins(
    padding: Size | str, kernel: tuple[int, int], dilation: tuple[int, int]
) -> Iterator[tuple[int, int]]:
    """Yield (before, after) for the height and for the width."""
    for axis in range(2):
        total = dilation[axis] * (kernel[axis] - 1)
        if padding == "same":
            yield total // 2, total - total // 2
        else:
            amount = 0 if padding == "valid" else _pair(padding)[axis]
            yield amount, amount


def conv2d(
    input: Nested,
    weight: Nested,
    bias: Nested | None = None,
    *,
    stride: Size = 1,
    padding: Size | str = 0,
    dilation: Size = 1,
    groups: int = 1,
    padding_mode: str = "zeros",
) -> Nested:
    """Slide each kernel over its group of channels and add up the products."""
    if _depth(input) == 3:
        rest = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
        return conv2d([input], weight, bias, **rest, padding_mode=padding_mode)[0]
    (step_y, step_x), (spread_y, spread_x) = _pair(stride), _pair(dilation)
    height, width = len(input[0][0]), len(input[0][0][0])
    kernel = len(weight[0][0]), len(weight[0][0][0])
    (top, bottom), (left, right) = _margins(padding, kernel, (spread_y, spread_x))
    last_y = height + top + bottom - spread_y * (kernel[0] - 1) - 1
    last_x = width + left + right - spread_x * (kernel[1] - 1) - 1
    depth, kernels_per_group = len(weight[0]), len(weight) // groups

    def result(image: Nested, out: int, y: int, x: int) -> Number:
        first = out // kernels_per_group * depth
        total = bias[out] if bias else 0
        for channel in range(depth):
            for i in range(kernel[0]):
                for j in range(kernel[1]):
                    row = _inside(y - top + i * spread_y, height, padding_mode)
                    column = _inside(x - left + j * spread_x, width, padding_mode)
                    if row is not None and column is not None:
                        total += image[first + channel][row][column] * weight[out][channel][i][j]
        return total

    return [
        [
            [
                [result(image, out, y, x) for x in range(0, last_x + 1, step_x)]
                for y in range(0, last_y + 1, step_y)
            ]
            for out in range(len(weight))
        ]
        for image in input
    ]


def _starts(
    length: int, kernel: int, stride: int, padding: int, dilation: int, *, ceil_mode: bool
) -> list[int]:
    """Return where the windows of a pooling start, counted from the input's first element."""
    room = length + 2 * padding - dilation * (kernel - 1) - 1
    count = (-(-room // stride) if ceil_mode else room // stride) + 1
    starts = [i * stride - padding for i in range(count)]
    return [start for start in starts if start < length] if ceil_mode else starts


def max_pool2d(
    input: Nested,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size | str = 0,
    dilation: Size = 1,
    *,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Nested:
    """Return the largest element of each window, and where in its plane it stands first."""
    kernel, spread = _pair(kernel_size), _pair(dilation)
    steps, margins = _pair(stride or kernel_size), _pair(padding)

    def largest(plane: Plane, top: int, left: int) -> tuple[Number, int]:
        best, index = -math.inf, -1
        for row in range(top, top + kernel[0] * spread[0], spread[0]):
            for column in range(left, left + kernel[1] * spread[1], spread[1]):
                inside = 0 <= row < len(plane) and 0 <= column < len(plane[0])
                if inside and plane[row][column] > best:
                    best, index = plane[row][column], row * len(plane[0]) + column
        return best, index

    def pool(plane: Plane) -> Plane:
        rows, columns = (
            _starts(size, kernel[a], steps[a], margins[a], spread[a], ceil_mode=ceil_mode)
            for a, size in enumerate((len(plane), len(plane[0])))
        )
        return [[largest(plane, top, left) for left in columns] for top in rows]

    pooled = _each_plane(pool, input)
    values = _map(lambda found: found[0], pooled)
    return (values, _map(lambda found: found[1], pooled)) if return_indices else values


def avg_pool2d(
    input: Nested,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size | str = 0,
    *,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Nested:
    """Average each window; the padding counts as zeros, what lies beyond it does not count."""
    kernel, steps, margins = _pair(kernel_size), _pair(stride or kernel_size), _pair(padding)

    def average(plane: Plane, top: int, left: int) -> Nested:
        values, padded = [], 0
        for row in range(top, min(top + kernel[0], len(plane) + margins[0])):
            for column in range(left, min(left + kernel[1], len(plane[0]) + margins[1])):
                padded += 1
                if 0 <= row < len(plane) and 0 <= column < len(plane[0]):
                    values.append(plane[row][column])
        return sum(values) * Fraction(
            1, divisor_override or (padded if count_include_pad else len(values))
        )

    def pool(plane: Plane) -> Plane:
        rows, columns = (
            _starts(size, kernel[a], steps[a], margins[a], 1, ceil_mode=ceil_mode)
            for a, size in enumerate((len(plane), len(plane[0])))
        )
        return [[average(plane, top, left) for left in columns] for top in rows]

    return _each_plane(pool, input)


def adaptive_avg_pool2d(input: Nested, output_size: Size) -> Nested:
    """Average bins that share the input out evenly; neighbours may overlap by an element."""

    def bins(length: int, count: int | None) -> list[range]:
        n = count or length
        return [range(i * length // n, -(-(i + 1) * length // n)) for i in range(n)]

    def pool(plane: Plane) -> Plane:
        rows, columns = map(bins, (len(plane), len(plane[0])), _pair(output_size))
        return [
            [
                sum(plane[y][x] for y in ys for x in xs) * Fraction(1, len(ys) * len(xs))
                for xs in columns
            ]
            for ys in rows
        ]

    return _each_plane(pool, input)


def relu(input: Nested, *, inplace: bool = False) -> Nested:
    """Return each element, or 0 where it is negative."""
    output = _map(lambda x: max(x, 0), input)
    if inplace:
        _overwrite(input, output)
    return output


def sigmoid(input: Nested) -> Nested:
    """Return 1 / (1 + exp(-x)), with an exponent that cannot overflow."""
    return _map(
        lambda x: 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x)), input
    )


def linear(input: Nested, weight: Nested, bias: Nested | None = None) -> Nested:
    """Multiply the last axis of the input with each row of the weight."""
    if isinstance(input[0], list):
        return [linear(part, weight, bias) for part in input]
    return [
        sum(x * w for x, w in zip(input, row, strict=True)) + (bias[i] if bias else 0)
        for i, row in enumerate(weight)
    ]


def flatten(input: Nested, start_dim: int = 0, end_dim: int = -1) -> Nested:
    """Merge the axes from start_dim to end_dim, both included."""
    start, end = start_dim % _depth(input), end_dim % _depth(input)
    if start:
        return [flatten(part, start - 1, end - 1) for part in input]
    for _ in range(end):
        input = [element for part in input for element in part]
    return input


def dropout(input: Nested, p: float = 0.5, *, training: bool = True) -> Nested:
    """Return what the elements that are kept become; which ones are is left to chance."""
    kept = 1 - Fraction(p) if training else 1
    return _map(lambda x: x / kept if kept else 0, input)


def batch_norm(
    input: Nested,
    running_mean: Nested | None,
    running_var: Nested | None,
    weight: Nested | None = None,
    bias: Nested | None = None,
    *,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Nested:
    """Normalise each channel with the batch's statistics, or with the running ones."""
    output = [[None] * len(sample) for sample in input]
    for channel in range(len(input[0])):
        samples = [sample[channel] for sample in input]
        values = flatten(samples)
        mean = Fraction(sum(values)) / len(values)
        squares = sum((x - mean) ** 2 for x in values)
        variance = squares / len(values)
        if not training:
            mean, variance = running_mean[channel], running_var[channel]
        elif running_mean:
            unbiased = squares / (len(values) - 1)
            running_mean[channel] += (mean - running_mean[channel]) * momentum
            running_var[channel] += (unbiased - running_var[channel]) * momentum
        scale = (weight[channel] if weight else 1) / math.sqrt(variance + eps)
        shift = bias[channel] if bias else 0
        for sample, values in enumerate(samples):
            output[sample][channel] = _map(
                lambda x, m=mean, a=scale, b=shift: (x - m) * a + b, values
            )
    return output
