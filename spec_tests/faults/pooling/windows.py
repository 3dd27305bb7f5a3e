"""Faults of the poolings: the windows, their options and their indices."""

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d, avg_pool2d, max_pool2d, pad

from spec_tests.faults import Size, fault

Pooled = Tensor | tuple[Tensor, Tensor]


def _pair(value: int | tuple[int, int]) -> tuple[int, int]:
    return value if isinstance(value, tuple) else (value, value)


def _swapped(value: Size) -> Size:
    return value[::-1] if isinstance(value, tuple) else value


def _pad_for_ceil_mode(input: Tensor, rest: dict[str, Any], *, value: float) -> Tensor:
    """Pad with a value so far that ceil_mode has no effect; remove both options from `rest`."""
    kernel, stride = _pair(rest["kernel_size"]), _pair(rest.get("stride") or rest["kernel_size"])
    margin, spread = _pair(rest.pop("padding", 0)), _pair(rest.get("dilation", 1))
    room = [
        n + 2 * m - d * (k - 1) - 1
        for n, m, d, k in zip(input.shape[-2:], margin, spread, kernel, strict=True)
    ]
    ceil = rest.pop("ceil_mode", False)
    below, right = ((-r % s) * ceil for r, s in zip(room, stride, strict=True))
    return pad(input, (margin[1], margin[1] + right, margin[0], margin[0] + below), value=value)


def _lowest(input: Tensor) -> float:
    return -torch.inf if input.is_floating_point() else torch.iinfo(input.dtype).min


@fault("max_pool2d")
def pads_with_zeros(input: Tensor, **rest: Any) -> Pooled:
    """Pad with zeros instead of minus infinity, as the course says."""
    margin = _pair(rest.get("padding", 0))
    if rest.get("return_indices") or not any(margin):
        return max_pool2d(input, **rest)
    rest["padding"] = 0
    return max_pool2d(pad(input, (margin[1], margin[1], margin[0], margin[0])), **rest)


@fault("max_pool2d")
def overhang_is_zero(input: Tensor, **rest: Any) -> Pooled:
    """Fill the part of a window beyond the input with zeros in ceil_mode."""
    if rest.get("return_indices") or rest.get("padding"):
        return max_pool2d(input, **rest)
    return max_pool2d(_pad_for_ceil_mode(input, rest, value=0), **rest)


@fault("max_pool2d")
def ceil_mode_ignored(input: Tensor, **rest: Any) -> Pooled:
    """Ignore ceil_mode."""
    return max_pool2d(input, **rest | {"ceil_mode": False})


@fault("max_pool2d")
def ceil_mode_always_on(input: Tensor, **rest: Any) -> Pooled:
    """Always use ceil_mode=True."""
    return max_pool2d(input, **rest | {"ceil_mode": True})


@fault("max_pool2d")
def window_beyond_input_kept(input: Tensor, **rest: Any) -> Pooled:
    """Keep a window that starts beyond the input in ceil_mode."""
    if rest.get("return_indices"):
        return max_pool2d(input, **rest)
    return max_pool2d(_pad_for_ceil_mode(input, rest, value=_lowest(input)), **rest)


@fault("max_pool2d")
def default_stride_one(input: Tensor, **rest: Any) -> Pooled:
    """Use stride=1 by default, as convolutions do."""
    return max_pool2d(input, **{"stride": 1} | rest)


@fault("max_pool2d")
def stride_ignored(input: Tensor, **rest: Any) -> Pooled:
    """Use the kernel size as the stride, whatever the stride."""
    return max_pool2d(input, **rest | {"stride": None})


@fault("max_pool2d")
def dilation_ignored(input: Tensor, **rest: Any) -> Pooled:
    """Never dilate the window."""
    return max_pool2d(input, **rest | {"dilation": 1})


@fault("max_pool2d")
def dilation_swapped(input: Tensor, **rest: Any) -> Pooled:
    """Use the first number of the dilation horizontally."""
    return max_pool2d(input, **rest | {"dilation": _swapped(rest.get("dilation", 1))})


@fault("max_pool2d")
def kernel_swapped(input: Tensor, **rest: Any) -> Pooled:
    """Use the first number of the kernel size for the width."""
    return max_pool2d(input, **rest | {"kernel_size": _swapped(rest["kernel_size"])})


@fault("max_pool2d")
def stride_swapped(input: Tensor, **rest: Any) -> Pooled:
    """Use the first number of the stride horizontally."""
    return max_pool2d(input, **rest | {"stride": _swapped(rest.get("stride"))})


@fault("max_pool2d")
def padding_swapped(input: Tensor, **rest: Any) -> Pooled:
    """Use the first number of the padding horizontally."""
    return max_pool2d(input, **rest | {"padding": _swapped(rest.get("padding", 0))})


@fault("max_pool2d")
def padding_ignored(input: Tensor, **rest: Any) -> Pooled:
    """Never pad."""
    return max_pool2d(input, **rest | {"padding": 0})


@fault("max_pool2d")
def minimum(input: Tensor, **rest: Any) -> Pooled:
    """Return the smallest element of each window."""
    pooled = max_pool2d(-input, **rest)
    return (-pooled[0], pooled[1]) if rest.get("return_indices") else -pooled


@fault("max_pool2d")
def largest_absolute_value(input: Tensor, **rest: Any) -> Pooled:
    """Return the largest absolute value of each window."""
    return max_pool2d(input.abs(), **rest)


@fault("max_pool2d")
def averaged(input: Tensor, **rest: Any) -> Pooled:
    """Return the mean of each window."""
    if rest.get("return_indices") or rest.get("dilation") or not input.is_floating_point():
        return max_pool2d(input, **rest)
    return avg_pool2d(input, **rest)


@fault("max_pool2d")
def indices_in_padded_plane(input: Tensor, **rest: Any) -> Pooled:
    """Count the indices in the padded plane."""
    if not rest.get("return_indices"):
        return max_pool2d(input, **rest)
    values, indices = max_pool2d(input, **rest)
    (top, left), width = _pair(rest.get("padding", 0)), input.shape[-1]
    return values, (indices // width + top) * (width + 2 * left) + indices % width + left


@fault("max_pool2d")
def indices_in_whole_batch(input: Tensor, **rest: Any) -> Pooled:
    """Count the indices through all planes of the batch."""
    if not rest.get("return_indices"):
        return max_pool2d(input, **rest)
    values, indices = max_pool2d(input, **rest)
    planes = torch.arange(indices[..., 0, 0].numel()).reshape(indices.shape[:-2])
    return values, indices + planes[..., None, None] * input.shape[-1] * input.shape[-2]


@fault("max_pool2d")
def indices_column_major(input: Tensor, **rest: Any) -> Pooled:
    """Count the indices in column-major order."""
    if not rest.get("return_indices"):
        return max_pool2d(input, **rest)
    values, indices = max_pool2d(input, **rest)
    height, width = input.shape[-2:]
    return values, indices % width * height + indices // width


@fault("max_pool2d")
def last_of_equal_elements(input: Tensor, **rest: Any) -> Pooled:
    """Return the index of the last of several equal elements instead of the first."""
    pooled = max_pool2d(input, **rest)
    one_window = _pair(rest["kernel_size"]) == tuple(input.shape[-2:]) and not rest.get("padding")
    if not (rest.get("return_indices") and one_window):
        return pooled
    _, indices = max_pool2d(input.flip(-1, -2), **rest)  # the first from the end
    return pooled[0], input.shape[-1] * input.shape[-2] - 1 - indices


@fault("max_pool2d")
def integers_become_floats(input: Tensor, **rest: Any) -> Pooled:
    """Return float32 for integers."""
    return max_pool2d(input if input.is_floating_point() else input.float(), **rest)


@fault("max_pool2d")
def oversized_window_shrunk(input: Tensor, **rest: Any) -> Pooled:
    """Shrink a window that is larger than the input, instead of raising an error."""
    fitting = (min(k, n) for k, n in zip(_pair(rest["kernel_size"]), input.shape[-2:], strict=True))
    return max_pool2d(input, **rest | {"kernel_size": tuple(fitting)})


@fault("avg_pool2d")
def count_include_pad_negated(input: Tensor, **rest: Any) -> Tensor:
    """Negate count_include_pad."""
    include = rest.pop("count_include_pad", True)
    return avg_pool2d(input, count_include_pad=not include, **rest)


@fault("avg_pool2d")
def count_include_pad_off_by_default(input: Tensor, **rest: Any) -> Tensor:
    """Use count_include_pad=False by default."""
    return avg_pool2d(input, **{"count_include_pad": False} | rest)


@fault("avg_pool2d")
def overhang_counts(input: Tensor, **rest: Any) -> Tensor:
    """Count the part of a window beyond the padding as zeros in ceil_mode."""
    if not rest.pop("count_include_pad", True):
        return avg_pool2d(input, count_include_pad=False, **rest)
    return avg_pool2d(_pad_for_ceil_mode(input, rest, value=0), **rest)


@fault("avg_pool2d")
def divisor_override_ignored(input: Tensor, **rest: Any) -> Tensor:
    """Ignore divisor_override."""
    return avg_pool2d(input, **rest | {"divisor_override": None})


@fault("avg_pool2d")
def summed(input: Tensor, **rest: Any) -> Tensor:
    """Return the sum of each window."""
    return avg_pool2d(input, **rest | {"divisor_override": 1})


@fault("avg_pool2d")
def avg_default_stride_one(input: Tensor, **rest: Any) -> Tensor:
    """Use stride=1 by default."""
    return avg_pool2d(input, **{"stride": 1} | rest)


@fault("avg_pool2d")
def avg_stride_swapped(input: Tensor, **rest: Any) -> Tensor:
    """Use the first number of the stride horizontally."""
    return avg_pool2d(input, **rest | {"stride": _swapped(rest.get("stride"))})


@fault("avg_pool2d")
def avg_ceil_mode_ignored(input: Tensor, **rest: Any) -> Tensor:
    """Ignore ceil_mode."""
    return avg_pool2d(input, **rest | {"ceil_mode": False})


@fault("adaptive_avg_pool2d")
def bins_do_not_overlap(input: Tensor, output_size: Size) -> Tensor:
    """End each bin where the next one starts."""
    rows, columns = (
        [(i * n // count, max(i * n // count + 1, (i + 1) * n // count)) for i in range(count)]
        for n, count in _sizes(input, output_size)
    )
    return _means(input, rows, columns)


@fault("adaptive_avg_pool2d")
def bins_of_equal_size(input: Tensor, output_size: Size) -> Tensor:
    """Give every bin n // count elements and ignore the remaining ones."""
    rows, columns = (
        [(i * n // count, i * n // count + max(1, n // count)) for i in range(count)]
        for n, count in _sizes(input, output_size)
    )
    return _means(input, rows, columns)


def _sizes(input: Tensor, output_size: Size) -> list[tuple[int, int]]:
    """Return (input size, output size) for the height and the width."""
    pairs = zip(input.shape[-2:], _pair(output_size), strict=True)
    return [(n, count or n) for n, count in pairs]


def _means(input: Tensor, rows: list[tuple[int, int]], columns: list[tuple[int, int]]) -> Tensor:
    """Return the mean of each bin, from the bins' (start, end) in each direction."""
    parts = [input[..., a:b, c:d].mean((-1, -2)) for a, b in rows for c, d in columns]
    return torch.stack(parts, -1).reshape(*input.shape[:-2], len(rows), len(columns))


@fault("adaptive_avg_pool2d")
def output_size_swapped(input: Tensor, output_size: Size) -> Tensor:
    """Use the first number of the output size for the width."""
    return adaptive_avg_pool2d(input, _swapped(output_size))


@fault("adaptive_avg_pool2d")
def none_is_one(input: Tensor, output_size: Size) -> Tensor:
    """Treat None in the output size as 1."""
    return adaptive_avg_pool2d(input, tuple(n or 1 for n in _pair(output_size)))


@fault("adaptive_avg_pool2d")
def maximum_of_bins(input: Tensor, output_size: Size) -> Tensor:
    """Return the largest element of each bin."""
    return torch.nn.functional.adaptive_max_pool2d(input, output_size)
