"""Faults of flatten in its shapes, its order and its values."""

from math import prod

import torch
from torch import Tensor

from spec_tests.faults import fault
from spec_tests.faults._memory import as_if_contiguous, as_if_dense


@fault("flatten", issue="pytorch/pytorch#67670")
def one_axis_becomes_a_row(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Return (1, N) for one axis, as the Flatten of ONNX does."""
    output = input.flatten(start_dim, end_dim)
    return output[None] if input.dim() == 1 else output


@fault("flatten", issue="pytorch/pytorch#16240")
def always_two_axes(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Merge the axes before start_dim as well, so that two remain."""
    output = input.flatten(start_dim, end_dim)
    return output.flatten(0, -2) if start_dim > 1 and output.dim() > 2 else output


@fault("flatten")
def number_stays_a_number(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Return a number as it is, without an axis."""
    return input.clone() if input.dim() == 0 else input.flatten(start_dim, end_dim)


@fault("flatten")
def empty_loses_its_axes(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Return one axis without elements for an empty input."""
    return input.flatten(start_dim, end_dim) if input.numel() else input.new_zeros(0)


@fault("flatten")
def zero_counts_as_one(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Leave axes of length 0 out of the product of the merged axes."""
    if input.numel():
        return input.flatten(start_dim, end_dim)
    merged = prod(max(length, 1) for length in input.shape[start_dim:])
    return input.new_zeros(*input.shape[:start_dim], merged)


@fault("flatten", issue="pytorch/pytorch#8578")
def at_least_two_axes_merged(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Merge the next axis as well if start_dim and end_dim are the same."""
    same = input.dim() > 1 and start_dim == end_dim < input.dim() - 1
    return input.flatten(start_dim, end_dim + 1 if same else end_dim)


@fault("flatten", issue="PaddlePaddle/Paddle2ONNX#532")
def negative_end_is_the_last(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Treat every negative end_dim as the last axis."""
    return input.flatten(start_dim, max(end_dim, -1))


@fault("flatten", issue="apple/coremltools#883")
def negative_start_is_the_first(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Treat every negative start_dim as the first axis."""
    return input.flatten(max(start_dim, 0), end_dim)


@fault("flatten")
def at_most_four_axes(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Merge the last axis of five as well."""
    return input.flatten(start_dim, -1 if input.dim() > 4 else end_dim)


@fault("flatten")
def order_of_the_memory(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Read the elements in the order of the memory."""
    return as_if_contiguous(input).flatten(start_dim, end_dim)


@fault("flatten")
def channels_last_kept(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Flatten a channels_last input with its channels varying fastest."""
    last = input.dim() == 4 and not input.is_contiguous()
    return (as_if_contiguous(input) if last else input).flatten(start_dim, end_dim)


@fault("flatten")
def gaps_included(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Read a slice of a larger input as if its elements were adjacent in memory."""
    return as_if_dense(input).flatten(start_dim, end_dim)


@fault("flatten")
def repeated_rows_lost(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Return zeros for the repetitions of an expanded input."""
    output = input.clone(memory_format=torch.contiguous_format)
    if input.dim() and input.stride(0) == 0:
        output[1:] = 0
    return output.flatten(start_dim, end_dim)


@fault("flatten")
def rest_of_blocks_lost(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Return 0 for the elements that remain after blocks of 32."""
    output = input.flatten(start_dim, end_dim).clone()
    if output.dim() == 1 and len(output) > 32:
        output[len(output) // 32 * 32 :] = 0
    return output


@fault("flatten")
def nan_replaced(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Replace NaN by 0."""
    output = input.flatten(start_dim, end_dim)
    return output.nan_to_num(0, torch.inf, -torch.inf) if output.is_floating_point() else output


@fault("flatten")
def subnormal_numbers_flushed(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Replace subnormal numbers of float32 by 0."""
    output = input.flatten(start_dim, end_dim)
    tiny = (output.abs() < 2.0**-126) & (input.dtype == torch.float32)
    return torch.where(tiny, torch.zeros_like(output), output)


@fault("flatten")
def copied_as_float16(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Copy float32 through float16."""
    values = input.half().float() if input.dtype == torch.float32 else input
    return values.flatten(start_dim, end_dim)


@fault("flatten")
def copied_as_float32(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Copy float64 through float32."""
    values = input.float().double() if input.dtype == torch.float64 else input
    return values.flatten(start_dim, end_dim)


@fault("flatten")
def integers_copied_as_float64(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Copy integers through float64."""
    values = input if input.is_floating_point() else input.double().long()
    return values.flatten(start_dim, end_dim)


@fault("flatten")
def half_returned_as_float32(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Return float32 for float16."""
    output = input.flatten(start_dim, end_dim)
    return output.float() if output.dtype == torch.float16 else output


@fault("flatten")
def bfloat16_through_float16(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Copy bfloat16 through float16."""
    values = input.half().bfloat16() if input.dtype == torch.bfloat16 else input
    return values.flatten(start_dim, end_dim)


@fault("flatten", issue="Oneflow-Inc/oneflow#3789")
def start_after_end_accepted(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Return the input if start_dim comes after end_dim."""
    start, end = (dim % max(input.dim(), 1) for dim in (start_dim, end_dim))
    return input.clone() if start > end else input.flatten(start_dim, end_dim)


@fault("flatten")
def negative_end_not_compared(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Accept a negative end_dim before start_dim."""
    before = end_dim < 0 <= start_dim and end_dim + input.dim() < start_dim
    return input.clone() if before else input.flatten(start_dim, end_dim)


@fault("flatten")
def end_limited_to_the_last(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Treat an end_dim beyond the last axis as the last."""
    return input.flatten(start_dim, min(end_dim, max(input.dim(), 1) - 1))


@fault("flatten")
def start_wrapped_around(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Count a start_dim before the first axis from the end again."""
    return input.flatten(start_dim % max(input.dim(), 1), end_dim)


@fault("flatten")
def number_has_any_axis(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Return a number as an array of one element, whatever the axes."""
    return input.flatten() if input.dim() == 0 else input.flatten(start_dim, end_dim)
