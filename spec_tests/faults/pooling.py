"""Poolings that are slightly wrong."""

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


def _beyond(input: Tensor, rest: dict[str, Any], *, value: float) -> Tensor:
    """Pad with a value by hand, so far that ceil_mode has nothing left to do."""
    kernel, stride = _pair(rest["kernel_size"]), _pair(rest.get("stride") or rest["kernel_size"])
    margin, spread = _pair(rest.pop("padding", 0)), _pair(rest.get("dilation", 1))
    room = [
        n + 2 * m - d * (k - 1) - 1
        for n, m, d, k in zip(input.shape[-2:], margin, spread, kernel, strict=True)
    ]
    ceil = rest.pop("ceil_mode", False)
    y, x = ((-r % s) * ceil for r, s in zip(room, stride, strict=True))
    return pad(input, (margin[1], margin[1] + x, margin[0], margin[0] + y), value=value)


def _lowest(input: Tensor) -> float:
    return -torch.inf if input.is_floating_point() else torch.iinfo(input.dtype).min


@fault("max_pool2d")
def pads_with_zeros(input: Tensor, **rest: Any) -> Pooled:
    """The padding is zeros, as the course says."""
    margin = _pair(rest.get("padding", 0))
    if rest.get("return_indices") or not any(margin):
        return max_pool2d(input, **rest)
    rest["padding"] = 0
    return max_pool2d(pad(input, (margin[1], margin[1], margin[0], margin[0])), **rest)


@fault("max_pool2d")
def overhang_is_zero(input: Tensor, **rest: Any) -> Pooled:
    """What ceil_mode adds beyond the border counts as zeros."""
    if rest.get("return_indices") or rest.get("padding"):
        return max_pool2d(input, **rest)
    return max_pool2d(_beyond(input, rest, value=0), **rest)


@fault("max_pool2d")
def floor_for_ceil(input: Tensor, **rest: Any) -> Pooled:
    """ceil_mode is ignored."""
    return max_pool2d(input, **rest | {"ceil_mode": False})


@fault("max_pool2d")
def ceil_for_floor(input: Tensor, **rest: Any) -> Pooled:
    """The border that is left over always gets a window."""
    return max_pool2d(input, **rest | {"ceil_mode": True})


@fault("max_pool2d")
def last_window_kept(input: Tensor, **rest: Any) -> Pooled:
    """In ceil_mode a window may start beyond the input."""
    if rest.get("return_indices"):
        return max_pool2d(input, **rest)
    return max_pool2d(_beyond(input, rest, value=_lowest(input)), **rest)


@fault("max_pool2d")
def stride_one(input: Tensor, **rest: Any) -> Pooled:
    """The default stride is 1, as for convolutions."""
    return max_pool2d(input, **{"stride": 1} | rest)


@fault("max_pool2d")
def stride_always_kernel(input: Tensor, **rest: Any) -> Pooled:
    """The stride is the kernel size, whatever is asked for."""
    return max_pool2d(input, **rest | {"stride": None})


@fault("max_pool2d")
def dilation_ignored(input: Tensor, **rest: Any) -> Pooled:
    """The window is never spread."""
    return max_pool2d(input, **rest | {"dilation": 1})


@fault("max_pool2d")
def dilation_swapped(input: Tensor, **rest: Any) -> Pooled:
    """The first number of the dilation is taken for the horizontal one."""
    return max_pool2d(input, **rest | {"dilation": _swapped(rest.get("dilation", 1))})


@fault("max_pool2d")
def kernel_swapped(input: Tensor, **rest: Any) -> Pooled:
    """The first number of the kernel size is taken for the width."""
    return max_pool2d(input, **rest | {"kernel_size": _swapped(rest["kernel_size"])})


@fault("max_pool2d")
def stride_swapped(input: Tensor, **rest: Any) -> Pooled:
    """The first number of the stride is taken for the horizontal one."""
    return max_pool2d(input, **rest | {"stride": _swapped(rest.get("stride"))})


@fault("max_pool2d")
def padding_swapped(input: Tensor, **rest: Any) -> Pooled:
    """The first number of the padding is taken for the horizontal one."""
    return max_pool2d(input, **rest | {"padding": _swapped(rest.get("padding", 0))})


@fault("max_pool2d")
def padding_ignored(input: Tensor, **rest: Any) -> Pooled:
    """Nothing is ever padded."""
    return max_pool2d(input, **rest | {"padding": 0})


@fault("max_pool2d")
def smallest(input: Tensor, **rest: Any) -> Pooled:
    """The smallest element is taken."""
    found = max_pool2d(-input, **rest)
    return (-found[0], found[1]) if rest.get("return_indices") else -found


@fault("max_pool2d")
def largest_magnitude(input: Tensor, **rest: Any) -> Pooled:
    """The element with the largest absolute value is taken."""
    return max_pool2d(input.abs(), **rest)


@fault("max_pool2d")
def averaged(input: Tensor, **rest: Any) -> Pooled:
    """The window is averaged."""
    if rest.get("return_indices") or rest.get("dilation") or not input.is_floating_point():
        return max_pool2d(input, **rest)
    return avg_pool2d(input, **rest)


@fault("max_pool2d")
def indices_in_padded_plane(input: Tensor, **rest: Any) -> Pooled:
    """Indices count in the padded plane."""
    if not rest.get("return_indices"):
        return max_pool2d(input, **rest)
    values, places = max_pool2d(input, **rest)
    (top, left), width = _pair(rest.get("padding", 0)), input.shape[-1]
    return values, (places // width + top) * (width + 2 * left) + places % width + left


@fault("max_pool2d")
def indices_in_whole_batch(input: Tensor, **rest: Any) -> Pooled:
    """Indices count through all planes."""
    if not rest.get("return_indices"):
        return max_pool2d(input, **rest)
    values, places = max_pool2d(input, **rest)
    planes = torch.arange(places[..., 0, 0].numel()).reshape(places.shape[:-2])
    return values, places + planes[..., None, None] * input.shape[-1] * input.shape[-2]


@fault("max_pool2d")
def indices_by_column(input: Tensor, **rest: Any) -> Pooled:
    """Indices count column by column."""
    if not rest.get("return_indices"):
        return max_pool2d(input, **rest)
    values, places = max_pool2d(input, **rest)
    height, width = input.shape[-2:]
    return values, places % width * height + places // width


@fault("max_pool2d")
def last_of_equals(input: Tensor, **rest: Any) -> Pooled:
    """Of equal elements the last one is chosen."""
    found = max_pool2d(input, **rest)
    alone = _pair(rest["kernel_size"]) == tuple(input.shape[-2:]) and not rest.get("padding")
    if not (rest.get("return_indices") and alone):
        return found
    _, places = max_pool2d(input.flip(-1, -2), **rest)
    return found[0], input.shape[-1] * input.shape[-2] - 1 - places


@fault("max_pool2d")
def integers_become_floats(input: Tensor, **rest: Any) -> Pooled:
    """Integers give float32."""
    return max_pool2d(input if input.is_floating_point() else input.float(), **rest)


@fault("max_pool2d")
def window_shrunk(input: Tensor, **rest: Any) -> Pooled:
    """A window beyond the input is cut to its size."""
    fitting = (min(k, n) for k, n in zip(_pair(rest["kernel_size"]), input.shape[-2:], strict=True))
    return max_pool2d(input, **rest | {"kernel_size": tuple(fitting)})


@fault("avg_pool2d")
def padding_counts_reversed(input: Tensor, **rest: Any) -> Tensor:
    """count_include_pad means its opposite."""
    include = rest.pop("count_include_pad", True)
    return avg_pool2d(input, count_include_pad=not include, **rest)


@fault("avg_pool2d")
def padding_never_counts(input: Tensor, **rest: Any) -> Tensor:
    """The padding is left out of the mean by default."""
    return avg_pool2d(input, **{"count_include_pad": False} | rest)


@fault("avg_pool2d")
def overhang_counts(input: Tensor, **rest: Any) -> Tensor:
    """What ceil_mode hangs over counts as zeros."""
    if not rest.pop("count_include_pad", True):
        return avg_pool2d(input, count_include_pad=False, **rest)
    return avg_pool2d(_beyond(input, rest, value=0), **rest)


@fault("avg_pool2d")
def divisor_ignored(input: Tensor, **rest: Any) -> Tensor:
    """divisor_override is ignored."""
    return avg_pool2d(input, **rest | {"divisor_override": None})


@fault("avg_pool2d")
def summed(input: Tensor, **rest: Any) -> Tensor:
    """The window is added up, not averaged."""
    return avg_pool2d(input, **rest | {"divisor_override": 1})


@fault("avg_pool2d")
def avg_stride_one(input: Tensor, **rest: Any) -> Tensor:
    """The default stride is 1."""
    return avg_pool2d(input, **{"stride": 1} | rest)


@fault("avg_pool2d")
def avg_stride_swapped(input: Tensor, **rest: Any) -> Tensor:
    """The first number of the stride is taken for the horizontal one."""
    return avg_pool2d(input, **rest | {"stride": _swapped(rest.get("stride"))})


@fault("avg_pool2d")
def avg_floor_for_ceil(input: Tensor, **rest: Any) -> Tensor:
    """ceil_mode is ignored."""
    return avg_pool2d(input, **rest | {"ceil_mode": False})


@fault("adaptive_avg_pool2d")
def bins_do_not_overlap(input: Tensor, output_size: Size) -> Tensor:
    """A bin ends where the next one starts, the last one with the input."""
    rows, columns = (
        [(i * n // count, max(i * n // count + 1, (i + 1) * n // count)) for i in range(count)]
        for n, count in _sizes(input, output_size)
    )
    return _means(input, rows, columns)


@fault("adaptive_avg_pool2d")
def bins_of_one_size(input: Tensor, output_size: Size) -> Tensor:
    """Every bin has n // count elements, and the rest is left out."""
    rows, columns = (
        [(i * n // count, i * n // count + max(1, n // count)) for i in range(count)]
        for n, count in _sizes(input, output_size)
    )
    return _means(input, rows, columns)


def _sizes(input: Tensor, output_size: Size) -> list[tuple[int, int]]:
    pairs = zip(input.shape[-2:], _pair(output_size), strict=True)
    return [(n, count or n) for n, count in pairs]


def _means(input: Tensor, rows: list[tuple[int, int]], columns: list[tuple[int, int]]) -> Tensor:
    parts = [input[..., a:b, c:d].mean((-1, -2)) for a, b in rows for c, d in columns]
    return torch.stack(parts, -1).reshape(*input.shape[:-2], len(rows), len(columns))


@fault("adaptive_avg_pool2d")
def output_size_swapped(input: Tensor, output_size: Size) -> Tensor:
    """The first number of the output size is taken for the width."""
    return adaptive_avg_pool2d(input, _swapped(output_size))


@fault("adaptive_avg_pool2d")
def none_is_one(input: Tensor, output_size: Size) -> Tensor:
    """None is taken for 1."""
    return adaptive_avg_pool2d(input, tuple(n or 1 for n in _pair(output_size)))


@fault("adaptive_avg_pool2d")
def adaptive_maximum(input: Tensor, output_size: Size) -> Tensor:
    """The largest element of each bin is taken."""
    return torch.nn.functional.adaptive_max_pool2d(input, output_size)
