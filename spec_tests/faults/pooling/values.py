"""Faults of max_pool2d: special values, integers and dtypes."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import max_pool2d

from spec_tests.faults import fault
from spec_tests.faults.pooling._elements import indices, is_channels_last, windows

Pooled = Tensor | tuple[Tensor, Tensor]
INF = torch.inf


def _without_nan(input: Tensor) -> Tensor:
    return torch.where(input.isnan(), -INF, input) if input.is_floating_point() else input


def _with_values(input: Tensor, rest: dict[str, Any], values: Tensor) -> Pooled:
    """Return these values instead of the maxima, with the right indices if they are wanted."""
    pooled = max_pool2d(input, **rest)
    return (values, pooled[1]) if rest.get("return_indices") else values


def _values(input: Tensor, rest: dict[str, Any]) -> Tensor:
    return max_pool2d(input, **rest | {"return_indices": False})


def _with_indices(
    input: Tensor, rest: dict[str, Any], change: Callable[[Tensor], Tensor]
) -> Pooled:
    pooled = max_pool2d(input, **rest)
    return (pooled[0], change(pooled[1])) if rest.get("return_indices") else pooled


@fault("max_pool2d", issue="pytorch/pytorch#7645")
def nan_ignored(input: Tensor, **rest: Any) -> Pooled:
    """Ignore NaN: it is never larger than another element."""
    return max_pool2d(_without_nan(input), **rest)


@fault("max_pool2d", issue="Theano/Theano#3060")
def nan_only_as_first_element(input: Tensor, **rest: Any) -> Pooled:
    """Start with the first element of a window, and replace it by larger ones only."""
    elements = windows(input, rest, -INF)
    largest = _without_nan(elements).amax(-1)
    first = elements[..., 0]
    return _with_values(input, rest, torch.where(first.isnan(), first, largest).to(input.dtype))


@fault("max_pool2d", issue="tensorflow/tensorflow#125965")
def nan_only_as_last_element(input: Tensor, **rest: Any) -> Pooled:
    """Keep the maximum only if it is at least the next element: what follows NaN replaces it."""
    best, *others = windows(input, rest, -INF).unbind(-1)
    for element in others:
        best = torch.where(best >= element, best, element)
    return _with_values(input, rest, best.to(input.dtype))


@fault("max_pool2d")
def nan_ignored_at_the_border(input: Tensor, **rest: Any) -> Pooled:
    """Ignore NaN in the windows that reach into the padding."""
    if not input.is_floating_point():
        return max_pool2d(input, **rest)
    inside = (indices(input, rest) >= 0).all(-1)
    numbers = windows(_without_nan(input), rest, -INF).amax(-1)
    values = windows(input, rest, -INF).amax(-1)
    return _with_values(input, rest, torch.where(inside, values, numbers))


@fault("max_pool2d")
def nan_has_index_of_largest_number(input: Tensor, **rest: Any) -> Pooled:
    """Return the index of the largest number of a window whose maximum is NaN."""
    pooled = max_pool2d(input, **rest)
    if not rest.get("return_indices"):
        return pooled
    return pooled[0], max_pool2d(_without_nan(input), **rest)[1]


@fault("max_pool2d")
def nan_hidden_by_infinity(input: Tensor, **rest: Any) -> Pooled:
    """Return inf for a window with inf, although NaN is in it, too."""
    pooled = max_pool2d(input, **rest)
    if not input.is_floating_point():
        return pooled
    infinite = (windows(input, rest, -INF) == INF).any(-1)
    values = pooled[0] if isinstance(pooled, tuple) else pooled
    return _with_values(input, rest, torch.where(infinite, INF, values))


@fault("max_pool2d", issue="pytorch/pytorch#39044")
def starts_from_lowest_finite_number(input: Tensor, **rest: Any) -> Pooled:
    """Return the lowest finite number for a window of -inf."""
    values = _values(input, rest)
    if input.is_floating_point():
        values = torch.where(values == -INF, torch.finfo(input.dtype).min, values)
    return _with_values(input, rest, values)


@fault("max_pool2d")
def selected_by_product_with_mask(input: Tensor, **rest: Any) -> Pooled:
    """Sum the products of a window's elements with 1 for the maximum and 0 for the others."""
    elements = windows(input, rest, 0)
    _, index = max_pool2d(input, **rest | {"return_indices": True})
    values = (elements * (indices(input, rest) == index[..., None])).sum(-1)
    return _with_values(input, rest, values.to(input.dtype))


@fault("max_pool2d", issue="pytorch/pytorch#23161")
def minus_infinity_has_index_minus_one(input: Tensor, **rest: Any) -> Pooled:
    """Return the index -1 for a window of -inf."""
    pooled = max_pool2d(input, **rest)
    if not (rest.get("return_indices") and input.is_floating_point()):
        return pooled
    return pooled[0], torch.where(pooled[0] == -INF, -1, pooled[1])


@fault("max_pool2d")
def minus_infinity_has_index_zero(input: Tensor, **rest: Any) -> Pooled:
    """Return the index 0, with which the search began, for a window of -inf."""
    pooled = max_pool2d(input, **rest)
    if not (rest.get("return_indices") and input.is_floating_point()):
        return pooled
    return pooled[0], torch.where(pooled[0] == -INF, 0, pooled[1])


@fault("max_pool2d")
def max_through_float32(input: Tensor, **rest: Any) -> Pooled:
    """Pool float64 in float32."""
    pooled = max_pool2d(input.float() if input.dtype == torch.float64 else input, **rest)
    values = pooled[0] if isinstance(pooled, tuple) else pooled
    values = values.to(input.dtype)
    return (values, pooled[1]) if isinstance(pooled, tuple) else values


@fault("max_pool2d")
def compared_in_float32(input: Tensor, **rest: Any) -> Pooled:
    """Compare float64 in float32, and return the element in float64."""
    compared = input.float() if input.dtype == torch.float64 else input
    _, index = max_pool2d(compared, **rest | {"return_indices": True})
    values = input.flatten(-2).gather(-1, index.flatten(-2)).view_as(index)
    return (values, index) if rest.get("return_indices") else values


def _integers_through(dtype: torch.dtype, input: Tensor, rest: dict[str, Any]) -> Pooled:
    if input.is_floating_point():
        return max_pool2d(input, **rest)
    pooled = max_pool2d(input.to(dtype), **rest)
    if isinstance(pooled, tuple):
        return pooled[0].to(input.dtype), pooled[1]
    return pooled.to(input.dtype)


@fault("max_pool2d")
def integers_through_float32(input: Tensor, **rest: Any) -> Pooled:
    """Pool integers in float32."""
    return _integers_through(torch.float32, input, rest)


@fault("max_pool2d")
def integers_through_float64(input: Tensor, **rest: Any) -> Pooled:
    """Pool integers in float64."""
    return _integers_through(torch.float64, input, rest)


@fault("max_pool2d")
def integers_through_int32(input: Tensor, **rest: Any) -> Pooled:
    """Pool int64 in int32."""
    return _integers_through(torch.int32, input, rest)


@fault("max_pool2d")
def integers_padded_with_lowest_int32(input: Tensor, **rest: Any) -> Pooled:
    """Pad int64 with -2^31."""
    if input.is_floating_point():
        return max_pool2d(input, **rest)
    return _with_values(input, rest, windows(input, rest, -(2**31)).amax(-1).to(input.dtype))


@fault("max_pool2d", issue="tinygrad/tinygrad#7726")
def padded_integers_become_floats(input: Tensor, **rest: Any) -> Pooled:
    """Return float32 for integers with padding, because the padding is -inf."""
    if not rest.get("padding"):
        return max_pool2d(input, **rest)
    return max_pool2d(input if input.is_floating_point() else input.float(), **rest)


@fault("max_pool2d", issue="pytorch/pytorch#109586")
def negative_integers_become_zero_with_channels_last(input: Tensor, **rest: Any) -> Pooled:
    """Start from 0 for integers whose channels are last in memory."""
    values = _values(input, rest)
    if is_channels_last(input) and not input.is_floating_point():
        values = values.clamp(min=0)
    return _with_values(input, rest, values)


@fault("max_pool2d")
def half_becomes_float32(input: Tensor, **rest: Any) -> Pooled:
    """Return float32 for float16 and bfloat16."""
    return max_pool2d(input.float() if input.element_size() == 2 else input, **rest)


@fault("max_pool2d")
def bfloat16_through_float16(input: Tensor, **rest: Any) -> Pooled:
    """Pool bfloat16 in float16, whose range is smaller."""
    if input.dtype != torch.bfloat16:
        return max_pool2d(input, **rest)
    return _with_values(input, rest, _values(input.half(), rest).bfloat16())


@fault("max_pool2d")
def float16_through_bfloat16(input: Tensor, **rest: Any) -> Pooled:
    """Pool float16 in bfloat16, which has fewer bits."""
    if input.dtype != torch.float16:
        return max_pool2d(input, **rest)
    return _with_values(input, rest, _values(input.bfloat16(), rest).half())


@fault("max_pool2d", issue="pytorch/executorch#21820")
def indices_of_eight_bits(input: Tensor, **rest: Any) -> Pooled:
    """Store the indices in int8."""
    return _with_indices(input, rest, lambda index: index.to(torch.int8).long())


@fault("max_pool2d")
def indices_of_sixteen_bits(input: Tensor, **rest: Any) -> Pooled:
    """Store the indices in int16."""
    return _with_indices(input, rest, lambda index: index.to(torch.int16).long())


@fault("max_pool2d")
def indices_without_a_sign_in_sixteen_bits(input: Tensor, **rest: Any) -> Pooled:
    """Store the indices in uint16."""
    return _with_indices(input, rest, lambda index: index % 2**16)


@fault("max_pool2d")
def indices_in_float16(input: Tensor, **rest: Any) -> Pooled:
    """Store the indices in float16."""
    return _with_indices(input, rest, lambda index: index.half().long())


@fault("max_pool2d")
def indices_are_int32(input: Tensor, **rest: Any) -> Pooled:
    """Return indices of int32."""
    return _with_indices(input, rest, lambda index: index.int())
