"""Faults of adaptive_avg_pool2d: where its bins begin and end, and how they are summed."""

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d, avg_pool2d, interpolate, pad

from spec_tests.faults import Size, fault
from spec_tests.faults.pooling._elements import is_channels_last, pair

Limits = list[tuple[int, int]]


def _sizes(input: Tensor, output_size: Size) -> list[tuple[int, int]]:
    """Return (input size, output size) for the height and the width."""
    pairs = zip(input.shape[-2:], pair(output_size), strict=True)
    return [(length, length if count is None else count) for length, count in pairs]


def _right(length: int, count: int) -> Limits:
    """Return (start, end) of each bin."""
    return [(i * length // count, -(-(i + 1) * length // count)) for i in range(count)]


def _pooled(
    input: Tensor,
    output_size: Size,
    limits: Callable[[int, int], Limits],
    mean: Callable[[Tensor], Tensor] = lambda part: part.mean((-1, -2)),
) -> Tensor:
    """Return the means of bins with these limits."""
    right = adaptive_avg_pool2d(input, output_size)  # raises the errors
    if right.numel() == 0:
        return right
    rows, columns = (limits(*sizes) for sizes in _sizes(input, output_size))
    parts = [mean(input[..., a:b, c:d]) for a, b in rows for c, d in columns]
    return torch.stack(parts, -1).view(right.shape)


@fault("adaptive_avg_pool2d", issue="apple/coremltools#1733")
def one_kernel_for_all_bins(input: Tensor, output_size: Size) -> Tensor:
    """Use windows of one size: stride = input // output, kernel = input - (output - 1) * stride."""
    sizes = _sizes(input, output_size)
    if any(length < count for length, count in sizes):
        return adaptive_avg_pool2d(input, output_size)
    steps = tuple(length // count for length, count in sizes)
    kernel = tuple(n - (count - 1) * step for (n, count), step in zip(sizes, steps, strict=True))
    return avg_pool2d(input, kernel, steps)


@fault("adaptive_avg_pool2d")
def bins_as_wide_as_the_widest(input: Tensor, output_size: Size) -> Tensor:
    """End each bin ceil(input / output) elements after its start."""
    return _pooled(
        input,
        output_size,
        lambda n, count: [(a, min(n, a - (-n // count))) for a, _ in _right(n, count)],
    )


@fault("adaptive_avg_pool2d", issue="riccardomusmeci/mlx-image#16")
def every_nth_element(input: Tensor, output_size: Size) -> Tensor:
    """Average every n-th element instead of n adjacent ones."""
    (height, rows), (width, columns) = _sizes(input, output_size)
    if 0 in (rows, columns) or height % rows or width % columns:
        return adaptive_avg_pool2d(input, output_size)
    parts = input.unflatten(-1, (width // columns, columns))
    return parts.unflatten(-3, (height // rows, rows)).mean((-4, -2))


@fault("adaptive_avg_pool2d")
def limits_in_floating_point(input: Tensor, output_size: Size) -> Tensor:
    """Compute the limits from input / output in floating point."""
    return _pooled(
        input,
        output_size,
        lambda n, count: [
            (math.floor(i * (n / count)), math.ceil((i + 1) * (n / count))) for i in range(count)
        ],
    )


@fault("adaptive_avg_pool2d")
def limits_in_float32(input: Tensor, output_size: Size) -> Tensor:
    """Compute the limits from input / output in float32."""

    def limits(length: int, count: int) -> Limits:
        step = torch.tensor(length, dtype=torch.float32) / count
        return [(int((i * step).floor()), int(((i + 1) * step).ceil())) for i in range(count)]

    return _pooled(input, output_size, limits)


@fault("adaptive_avg_pool2d", issue="flagos-ai/FlagGems#4924")
def bins_of_64_at_most(input: Tensor, output_size: Size) -> Tensor:
    """Add at most 64 elements of a bin along each axis."""
    right = adaptive_avg_pool2d(input, output_size)
    sizes = _sizes(input, output_size)
    if right.numel() == 0 or all(length <= 64 * count for length, count in sizes):
        return right
    rows, columns = (_right(*each) for each in sizes)
    parts = [
        input[..., a : min(b, a + 64), c : min(d, c + 64)].sum((-1, -2)) / ((b - a) * (d - c))
        for a, b in rows
        for c, d in columns
    ]
    return torch.stack(parts, -1).view(right.shape)


@fault("adaptive_avg_pool2d")
def repeated_if_larger(input: Tensor, output_size: Size) -> Tensor:
    """Repeat the nearest element where there are more bins than elements."""
    sizes = _sizes(input, output_size)
    if input.ndim < 4 or all(length >= count for length, count in sizes) or not input.numel():
        return adaptive_avg_pool2d(input, output_size)
    return interpolate(input, [count for _, count in sizes], mode="nearest")


@fault("adaptive_avg_pool2d")
def interpolated(input: Tensor, output_size: Size) -> Tensor:
    """Interpolate linearly between elements instead of averaging bins."""
    right = adaptive_avg_pool2d(input, output_size)
    if input.ndim < 4 or not input.numel() or input.element_size() == 2:
        return right
    return interpolate(input, right.shape[-2:], mode="bilinear")


@fault("adaptive_avg_pool2d")
def none_takes_the_height(input: Tensor, output_size: Size) -> Tensor:
    """Replace None by the number of rows, also for the columns."""
    sizes = (
        output_size
        if isinstance(output_size, int)
        else tuple(input.shape[-2] if count is None else count for count in output_size)
    )
    return adaptive_avg_pool2d(input, sizes)


@fault("adaptive_avg_pool2d")
def differences_of_running_sums(input: Tensor, output_size: Size) -> Tensor:
    """Subtract sums over all elements above and to the left: an integral image."""
    right = adaptive_avg_pool2d(input, output_size)
    if right.numel() == 0 or input.element_size() == 2:
        return right
    table = pad(input.cumsum(-1).cumsum(-2), (1, 0, 1, 0))
    rows, columns = (_right(*sizes) for sizes in _sizes(input, output_size))
    parts = [
        (table[..., b, d] - table[..., b, c] - table[..., a, d] + table[..., a, c])
        / ((b - a) * (d - c))
        for a, b in rows
        for c, d in columns
    ]
    return torch.stack(parts, -1).view(right.shape)


@fault("adaptive_avg_pool2d")
def products_with_matrices(input: Tensor, output_size: Size) -> Tensor:
    """Multiply by matrices of means, most of whose elements are 0: infinities become NaN."""
    right = adaptive_avg_pool2d(input, output_size)
    if right.numel() == 0:
        return right
    rows, columns = (
        adaptive_avg_pool2d(torch.eye(n, dtype=input.dtype)[None], (count, n))[0]
        for n, count in _sizes(input, output_size)
    )
    return rows @ input @ columns.T


@fault("adaptive_avg_pool2d")
def adaptive_through_float32(input: Tensor, output_size: Size) -> Tensor:
    """Pool float64 in float32."""
    narrow = input.float() if input.dtype == torch.float64 else input
    return adaptive_avg_pool2d(narrow, output_size).to(input.dtype)


@fault("adaptive_avg_pool2d")
def elements_rounded_to_bfloat16(input: Tensor, output_size: Size) -> Tensor:
    """Round the elements of float32 to bfloat16."""
    if input.dtype != torch.float32:
        return adaptive_avg_pool2d(input, output_size)
    change = (input.bfloat16().float() - input).detach()
    return adaptive_avg_pool2d(input + change, output_size)


@fault("adaptive_avg_pool2d", issue="Tencent/ncnn#2698")
def half_bins_added_in_half(input: Tensor, output_size: Size) -> Tensor:
    """Add the elements of float16 and bfloat16 one by one in their dtype."""
    if input.element_size() != 2:
        return adaptive_avg_pool2d(input, output_size)

    def mean(part: Tensor) -> Tensor:
        total = torch.zeros_like(part[..., 0, 0])
        for element in part.flatten(-2).unbind(-1):
            total = total + element
        return total / (part.shape[-1] * part.shape[-2])

    return _pooled(input, output_size, _right, mean)


@fault("adaptive_avg_pool2d")
def plane_means_of_other_channels(input: Tensor, output_size: Size) -> Tensor:
    """Average adjacent elements in memory for a single bin, also with the channels last."""
    pooled = adaptive_avg_pool2d(input, output_size)
    if pooled.shape[-2:] != (1, 1) or not is_channels_last(input):
        return pooled
    return input.movedim(1, -1).reshape(*input.shape[:2], -1).mean(-1)[..., None, None]


@fault("adaptive_avg_pool2d")
def no_bins_taken_for_one(input: Tensor, output_size: Size) -> Tensor:
    """Take an output size of 0 for 1."""
    return adaptive_avg_pool2d(input, output_size or 1)
