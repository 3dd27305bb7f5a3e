"""Faults of ReLU, sigmoid and dropout for sizes and layouts in memory."""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from spec_tests.faults import fault
from spec_tests.faults._memory import as_if_contiguous, as_if_dense


def _leftover_unchanged(output: Tensor, input: Tensor, lanes: int) -> Tensor:
    """Return the output with those last elements of the input that fill no vector of lanes."""
    done = output.numel() // lanes * lanes
    return torch.cat([output.flatten()[:done], input.flatten()[done:]]).reshape(output.shape)


@fault("relu", issue="amd/IRON#198")
def last_of_eight_lanes_left(input: Tensor, *, inplace: bool = False) -> Tensor:
    """Leave over the elements after the last group of 8, if there is a group."""
    output = functional.relu(input)
    if input.numel() > 8:
        output = _leftover_unchanged(output, input.clone(), 8)
    return input.copy_(output) if inplace else output


@fault("relu")
def last_of_32_lanes_left(input: Tensor, *, inplace: bool = False) -> Tensor:
    """Leave over the elements after the last group of 32, if there is a group."""
    output = functional.relu(input)
    if input.numel() > 32:
        output = _leftover_unchanged(output, input.clone(), 32)
    return input.copy_(output) if inplace else output


@fault("relu")
def one_block_of_threads(input: Tensor, *, inplace: bool = False) -> Tensor:
    """Compute the first 1024 elements, and leave the others over."""
    output = functional.relu(input)
    if input.numel() > 1024:
        output = torch.cat([output.flatten()[:1024], input.flatten()[1024:]]).reshape(input.shape)
    return input.copy_(output) if inplace else output


@fault("relu", issue="pytorch/pytorch#94389")
def in_place_on_a_copy(input: Tensor, *, inplace: bool = False) -> Tensor:
    """Overwrite a contiguous copy of an input that is not contiguous."""
    return functional.relu(input.contiguous(), inplace)


@fault("relu")
def in_place_on_a_copy_of_gaps(input: Tensor, *, inplace: bool = False) -> Tensor:
    """Overwrite a copy of an input with gaps between its elements."""
    dense = input.numel() == input.untyped_storage().nbytes() // input.element_size()
    return functional.relu(input if dense else input.contiguous(), inplace)


@fault("relu", issue="pytorch/pytorch#131736")
def relu_of_memory_order(input: Tensor, *, inplace: bool = False) -> Tensor:
    """Read the input in the order of its memory."""
    output = functional.relu(as_if_contiguous(input))
    return input.copy_(output) if inplace else output


@fault("relu")
def relu_reads_gaps(input: Tensor, *, inplace: bool = False) -> Tensor:
    """Read adjacent elements of a larger array."""
    output = functional.relu(as_if_dense(input))
    return input.copy_(output) if inplace else output


@fault("relu", issue="kulinseth/pytorch#309")
def channels_last_relu_of_memory_order(input: Tensor, *, inplace: bool = False) -> Tensor:
    """Read an input whose channels are last in memory as if they were first."""
    last = input.dim() == 4 and input.is_contiguous(memory_format=torch.channels_last)
    output = functional.relu(as_if_contiguous(input) if last else input)
    return input.copy_(output) if inplace else output


@fault("relu")
def expanded_rows_are_zero(input: Tensor, *, inplace: bool = False) -> Tensor:
    """Compute the first of the rows that are one in memory, and leave the others 0."""
    if input.dim() and input.stride(0) == 0:
        return torch.cat([functional.relu(input[:1]), torch.zeros_like(input[1:])])
    return functional.relu(input, inplace)


@fault("relu", issue="pytorch/pytorch#118965")
def empty_becomes_flat(input: Tensor, *, inplace: bool = False) -> Tensor:
    """Return shape (0,) for an input without elements."""
    return functional.relu(input, inplace) if input.numel() else input.new_empty(0)


@fault("sigmoid")
def last_of_sixteen_lanes_left(input: Tensor) -> Tensor:
    """Leave over the elements after the last group of 16, if there is a group."""
    return (
        _leftover_unchanged(input.sigmoid(), input, 16) if input.numel() > 16 else input.sigmoid()
    )


@fault("sigmoid")
def blocks_of_threads_repeat(input: Tensor) -> Tensor:
    """Compute the last block of 1024 threads from the elements of the first."""
    output, rest = input.sigmoid(), input.numel() % 1024
    if rest == input.numel() or not rest:
        return output
    flat = output.flatten()
    return torch.cat([flat[:-rest], flat[:rest]]).reshape(input.shape)


@fault("sigmoid", issue="pytorch/pytorch#124834")
def sigmoid_of_memory_order(input: Tensor) -> Tensor:
    """Read the input in the order of its memory."""
    return as_if_contiguous(input).sigmoid()


@fault("sigmoid", issue="pytorch/pytorch#139006")
def sigmoid_reads_gaps(input: Tensor) -> Tensor:
    """Read adjacent elements of a larger array."""
    return as_if_dense(input).sigmoid()


@fault("sigmoid")
def empty_sigmoid_becomes_flat(input: Tensor) -> Tensor:
    """Return shape (0,) for an input without elements."""
    return input.sigmoid() if input.numel() else input.new_empty(0)


@fault("dropout", issue="pytorch/pytorch#47552")
def dropout_of_memory_order(input: Tensor, p: float = 0.5, **rest: Any) -> Tensor:
    """Read the input in the order of its memory."""
    return functional.dropout(as_if_contiguous(input), p, **rest)


@fault("dropout", issue="pytorch/pytorch#165267")
def not_dropped_if_not_contiguous(input: Tensor, p: float = 0.5, **rest: Any) -> Tensor:
    """Drop and scale nothing of an input that is not contiguous."""
    return functional.dropout(input, p, **rest) if input.is_contiguous() else input.clone()


@fault("dropout")
def dropout_reads_gaps(input: Tensor, p: float = 0.5, **rest: Any) -> Tensor:
    """Read adjacent elements of a larger array."""
    return functional.dropout(as_if_dense(input), p, **rest)


@fault("dropout")
def one_mask_for_expanded_rows(input: Tensor, p: float = 0.5, *, training: bool = True) -> Tensor:
    """Draw one mask for rows that are one in memory."""
    if input.dim() and input.stride(0) == 0:
        return functional.dropout(input[:1], p, training).repeat(len(input), 1)
    return functional.dropout(input, p, training)


@fault("dropout")
def empty_dropout_becomes_flat(input: Tensor, p: float = 0.5, **rest: Any) -> Tensor:
    """Return shape (0,) for an input without elements."""
    return functional.dropout(input, p, **rest) if input.numel() else input.new_empty(0)
