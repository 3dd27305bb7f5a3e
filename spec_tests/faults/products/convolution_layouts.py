"""Faults of conv2d for arrays that are not contiguous."""

from typing import Any

import torch
from torch import Tensor

from spec_tests.faults import fault
from spec_tests.faults._memory import as_if_contiguous, as_if_dense
from spec_tests.implementations.torch import TENSOR_FUNCTIONS

conv2d = TENSOR_FUNCTIONS["conv2d"]


@fault("conv2d", issue="pytorch/pytorch#180984")
def slice_read_as_dense(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """Read a slice of a larger input as if its elements were adjacent in memory."""
    return conv2d(as_if_dense(input), weight, **rest)


@fault("conv2d")
def input_layout_ignored(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """Read the input in the order of its memory."""
    return conv2d(as_if_contiguous(input), weight, **rest)


@fault("conv2d")
def channels_last_input_ignored(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """Read an input whose channels are last in memory as if they were first."""
    last = input.dim() == 4 and input.is_contiguous(memory_format=torch.channels_last)
    return conv2d(as_if_contiguous(input) if last else input, weight, **rest)


@fault("conv2d", issue="pytorch/pytorch#82060")
def kernel_layout_ignored(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """Read the weights in the order of their memory."""
    return conv2d(input, as_if_contiguous(weight), **rest)


@fault("conv2d")
def bias_stride_ignored(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, **rest: Any
) -> Tensor:
    """Read the bias as if its elements were adjacent in memory."""
    return conv2d(input, weight, None if bias is None else as_if_dense(bias), **rest)


@fault("conv2d")
def strided_kernel_read_as_dense(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """Read a slice of larger weights as if its elements were adjacent in memory."""
    return conv2d(input, as_if_dense(weight), **rest)


@fault("conv2d")
def channels_last_output_misread(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """Return the output of a channels_last input with its axes in the order of memory."""
    output = conv2d(input, weight, **rest)
    last = input.dim() == 4 and not input.is_contiguous()
    return output.movedim(1, -1).reshape(output.shape) if last else output


@fault("conv2d")
def repeated_images_read_once(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """Convolve an expanded batch once, and return zeros for its other images."""
    output = conv2d(input, weight, **rest)
    if input.dim() == 4 and input.stride(0) == 0:
        output[1:] = 0
    return output
