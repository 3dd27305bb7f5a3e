"""Faults of avg_pool2d: how windows are summed, and by what they are divided."""

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, pad

from spec_tests.faults import fault
from spec_tests.faults.pooling._elements import indices, pair, positions, windows


def _is_wide(input: Tensor) -> bool:
    return input.is_floating_point() and input.element_size() > 2


def _divisors(input: Tensor, rest: dict[str, Any]) -> Tensor:
    """Return the right divisor of each window, (oH, oW)."""
    if divisor := rest.get("divisor_override"):
        return torch.tensor(divisor)
    if not rest.get("count_include_pad", True):
        return (indices(input, rest) >= 0).sum(-1)
    margins = pair(rest.get("padding", 0))
    rows, columns = (
        (each < length + margin).sum(-1)
        for each, length, margin in zip(
            positions(input, rest), input.shape[-2:], margins, strict=True
        )
    )
    return rows[:, None] * columns


def _means(input: Tensor, sums: Tensor, rest: dict[str, Any]) -> Tensor:
    avg_pool2d(input, **rest)  # raises the errors
    rounding = None if input.is_floating_point() else "trunc"
    return sums.div(_divisors(input, rest), rounding_mode=rounding).to(input.dtype)


def _sums_of_windows(input: Tensor, rest: dict[str, Any], table: Tensor) -> Tensor:
    """Return differences of a table of sums of all elements above and to the left, (H+1, W+1)."""
    rows, columns = positions(input, rest)
    top, bottom = (rows[:, k].add(k < 0).clamp(0, input.shape[-2]) for k in (0, -1))
    left, right = (columns[:, k].add(k < 0).clamp(0, input.shape[-1]) for k in (0, -1))
    lower = table[..., bottom, :][..., right] - table[..., bottom, :][..., left]
    return lower - table[..., top, :][..., right] + table[..., top, :][..., left]


def _table(input: Tensor) -> Tensor:
    return pad(input.cumsum(-1).cumsum(-2), (1, 0, 1, 0))


@fault("avg_pool2d")
def running_sums(input: Tensor, **rest: Any) -> Tensor:
    """Subtract sums over all elements above and to the left: an integral image."""
    if not _is_wide(input):
        return avg_pool2d(input, **rest)
    return _means(input, _sums_of_windows(input, rest, _table(input)), rest)


@fault("avg_pool2d", issue="onnx/onnx#1384")
def nan_taken_for_padding(input: Tensor, **rest: Any) -> Tensor:
    """Mark the padding with NaN, and leave NaN out of the mean."""
    if not _is_wide(input):
        return avg_pool2d(input, **rest)
    return _means(input, windows(input, rest, torch.nan).nansum(-1), rest)


@fault("avg_pool2d")
def products_with_band_matrices(input: Tensor, **rest: Any) -> Tensor:
    """Multiply by matrices of 0 and 1: infinities reach all windows as NaN."""
    if not _is_wide(input):
        return avg_pool2d(input, **rest)
    rows, columns = (
        (each[..., None] == torch.arange(length)).sum(-2).to(input.dtype)
        for each, length in zip(positions(input, rest), input.shape[-2:], strict=True)
    )
    return _means(input, rows @ input @ columns.T, rest)


@fault("avg_pool2d", issue="tensorflow/tensorflow#12293")
def sliding_sums(input: Tensor, **rest: Any) -> Tensor:
    """Add what enters a row of windows, and subtract what leaves it."""
    if not _is_wide(input):
        return avg_pool2d(input, **rest)
    table = pad(input.cumsum(-1), (1, 0))
    columns = positions(input, rest)[1]
    left, right = (columns[:, k].add(k < 0).clamp(0, input.shape[-1]) for k in (0, -1))
    strips = table[..., right] - table[..., left]
    rows = positions(input, rest)[0]
    inside = (rows >= 0) & (rows < input.shape[-2])
    picked = strips[..., rows.clamp(0, input.shape[-2] - 1), :] * inside[..., None]
    return _means(input, picked.sum(-2), rest)


@fault("avg_pool2d")
def avg_through_float32(input: Tensor, **rest: Any) -> Tensor:
    """Pool float64 in float32."""
    pooled = avg_pool2d(input.float() if input.dtype == torch.float64 else input, **rest)
    return pooled.to(input.dtype)


@fault("avg_pool2d")
def elements_rounded_to_eleven_bits(input: Tensor, **rest: Any) -> Tensor:
    """Round the elements of float32 to 11 bits, as TF32 does."""
    if input.dtype != torch.float32:
        return avg_pool2d(input, **rest)
    mantissa, exponent = torch.frexp(input.detach())
    rounded = torch.ldexp(mantissa.mul(2**11).round() / 2**11, exponent)
    return avg_pool2d(input + (rounded - input.detach()), **rest)


@fault("avg_pool2d", issue="ROCm/MIOpen#2109")
def sums_of_half_overflow(input: Tensor, **rest: Any) -> Tensor:
    """Round the sum of a window to the dtype before it is divided."""
    if input.element_size() != 2:
        return avg_pool2d(input, **rest)
    sums = windows(input.float(), rest, 0).sum(-1).to(input.dtype)
    return _means(input, sums, rest)


def _added_one_by_one(elements: Tensor) -> Tensor:
    total = torch.zeros_like(elements[..., 0])
    for element in elements.unbind(-1):
        total = total + element
    return total


@fault("avg_pool2d", issue="huggingface/candle#3719")
def sums_in_half(input: Tensor, **rest: Any) -> Tensor:
    """Add the elements of float16 and bfloat16 one by one in their dtype."""
    if input.element_size() != 2:
        return avg_pool2d(input, **rest)
    return _means(input, _added_one_by_one(windows(input, rest, 0)), rest)


@fault("avg_pool2d", issue="pytorch/executorch#18616")
def divisor_only_with_padding_in_count(input: Tensor, **rest: Any) -> Tensor:
    """Ignore divisor_override with count_include_pad=False."""
    if not rest.get("count_include_pad", True):
        rest["divisor_override"] = None
    return avg_pool2d(input, **rest)


@fault("avg_pool2d")
def absolute_divisor(input: Tensor, **rest: Any) -> Tensor:
    """Divide by the absolute value of divisor_override."""
    divisor = rest.pop("divisor_override", None)
    return avg_pool2d(input, divisor_override=None if divisor is None else abs(divisor), **rest)


@fault("avg_pool2d", issue="Tencent/ncnn#924")
def border_windows_without_padding(input: Tensor, **rest: Any) -> Tensor:
    """Subtract the padding from the divisor of the first and of the last window, come what may."""
    if rest.get("count_include_pad", True) or rest.get("divisor_override"):
        return avg_pool2d(input, **rest)
    counts = []
    for length, margin, windows_of_axis in zip(
        pair(rest["kernel_size"]),
        pair(rest.get("padding", 0)),
        positions(input, rest),
        strict=True,
    ):
        count = torch.full((len(windows_of_axis),), length)
        count[[0, -1]] = length - margin
        counts.append(count)
    return windows(input, rest, 0).sum(-1) / (counts[0][:, None] * counts[1])


@fault("avg_pool2d")
def zeros_taken_for_padding(input: Tensor, **rest: Any) -> Tensor:
    """Leave elements of 0 out of the count with count_include_pad=False."""
    if rest.get("count_include_pad", True) or rest.get("divisor_override"):
        return avg_pool2d(input, **rest)
    elements = windows(input, rest, 0)
    return elements.sum(-1) / (elements != 0).sum(-1).clamp(min=1)


@fault("avg_pool2d", issue="sonos/tract#2851")
def overhang_counts_with_padding(input: Tensor, **rest: Any) -> Tensor:
    """Divide by the whole window in ceil_mode if there is padding."""
    whole = rest.get("ceil_mode") and rest.get("padding") and rest.get("count_include_pad", True)
    if not whole or rest.get("divisor_override"):
        return avg_pool2d(input, **rest)
    rows, columns = pair(rest["kernel_size"])
    return avg_pool2d(input, **rest | {"divisor_override": rows * columns})


@fault("avg_pool2d", issue="apache/tvm#3581")
def integers_divided_before_added(input: Tensor, **rest: Any) -> Tensor:
    """Divide each integer by the divisor, and add the quotients."""
    if input.is_floating_point():
        return avg_pool2d(input, **rest)
    divisors = _divisors(input, rest)[..., None]
    return windows(input, rest, 0).div(divisors, rounding_mode="trunc").sum(-1)


@fault("avg_pool2d", issue="google/torchax#105")
def integers_averaged_in_float32(input: Tensor, **rest: Any) -> Tensor:
    """Average integers in float32."""
    if input.is_floating_point():
        return avg_pool2d(input, **rest)
    return avg_pool2d(input.float(), **rest).to(input.dtype)


@fault("avg_pool2d")
def integers_averaged_in_float64(input: Tensor, **rest: Any) -> Tensor:
    """Average integers in float64."""
    if input.is_floating_point():
        return avg_pool2d(input, **rest)
    return avg_pool2d(input.double(), **rest).to(input.dtype)


@fault("avg_pool2d")
def integers_rounded_down(input: Tensor, **rest: Any) -> Tensor:
    """Round the averages of integers down, not toward zero."""
    if input.is_floating_point():
        return avg_pool2d(input, **rest)
    return avg_pool2d(input.double(), **rest).floor().to(input.dtype)
