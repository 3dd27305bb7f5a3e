"""Faults of the gradient of max_pool2d; the outputs are right."""

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import max_pool2d

from spec_tests.faults import Function, fault
from spec_tests.faults.pooling._elements import (
    differentiated,
    in_memory_order,
    indices,
    is_channels_last,
    pair,
    right_gradient,
    scatter,
    windows,
)

Pooled = Tensor | tuple[Tensor, Tensor]


def _max(input: Tensor, rest: dict[str, Any], shares: Function) -> Pooled:
    """Pool; an element's gradient is the sum of grad_output times shares(elements, maxima)."""
    pooled = max_pool2d(input, **rest)
    if isinstance(pooled, tuple):
        return pooled
    detached = input.detach()

    def gradient(grad_output: Tensor) -> Tensor:
        share = shares(windows(detached, rest, -torch.inf), pooled.detach()[..., None])
        share = torch.where(indices(input, rest) >= 0, share, 0)
        return scatter(grad_output[..., None] * share, indices(input, rest), input)

    return differentiated(input, pooled, gradient)


@fault("max_pool2d", issue="Theano/Theano#5248")
def gradient_to_all_equal_elements(input: Tensor, **rest: Any) -> Pooled:
    """Pass the gradient to every element that is as large as the maximum."""
    return _max(input, rest, lambda elements, maxima: (elements == maxima).to(input.dtype))


@fault("max_pool2d", issue="tensorflow/tensorflow#4886")
def gradient_shared_by_equal_elements(input: Tensor, **rest: Any) -> Pooled:
    """Divide the gradient among the elements that are as large as the maximum."""

    def shares(elements: Tensor, maxima: Tensor) -> Tensor:
        equal = (elements == maxima).to(input.dtype)
        return equal / equal.sum(-1, keepdim=True)

    return _max(input, rest, shares)


@fault("max_pool2d")
def gradient_to_last_of_equal_elements(input: Tensor, **rest: Any) -> Pooled:
    """Pass the gradient to the last of the elements that are as large as the maximum."""

    def shares(elements: Tensor, maxima: Tensor) -> Tensor:
        equal = (elements == maxima).int()
        last = equal.flip(-1).cumsum(-1).flip(-1) * equal
        return (last == 1).to(input.dtype)

    return _max(input, rest, shares)


@fault("max_pool2d", issue="mni-ml/framework#22")
def gradient_to_almost_equal_elements(input: Tensor, **rest: Any) -> Pooled:
    """Pass the gradient to the elements that are within a tolerance of the maximum."""

    def shares(elements: Tensor, maxima: Tensor) -> Tensor:
        return torch.isclose(elements, maxima, rtol=1e-6).to(input.dtype)

    return _max(input, rest, shares)


@fault("max_pool2d")
def no_gradient_to_infinities(input: Tensor, **rest: Any) -> Pooled:
    """Pass no gradient to inf and -inf, whose difference from the maximum is NaN."""
    pooled = max_pool2d(input, **rest)
    if isinstance(pooled, tuple) or not pooled.isinf().any():
        return pooled
    return _max(input, rest, lambda elements, maxima: (elements - maxima == 0).to(input.dtype))


def _scattered(input: Tensor, rest: dict[str, Any], change: Function) -> Pooled:
    """Pool; `change` returns the gradient from grad_output and the indices, both (..., oH * oW)."""
    pooled = max_pool2d(input, **rest)
    if isinstance(pooled, tuple):
        return pooled
    _, index = max_pool2d(input.detach(), **rest | {"return_indices": True})

    def gradient(grad_output: Tensor) -> Tensor:
        zeros = torch.zeros_like(input, memory_format=torch.contiguous_format).flatten(-2)
        return change(zeros, grad_output.flatten(-2), index.flatten(-2)).view(input.shape)

    return differentiated(input, pooled, gradient)


@fault("max_pool2d", issue="FluxML/Flux.jl#1197")
def gradient_of_one_window_each(input: Tensor, **rest: Any) -> Pooled:
    """Pass to an element that is the maximum of several windows the gradient of the last one."""

    def last(zeros: Tensor, grad_output: Tensor, index: Tensor) -> Tensor:
        for i in range(index.shape[-1]):
            zeros.scatter_(-1, index[..., i : i + 1], grad_output[..., i : i + 1])
        return zeros

    return _scattered(input, rest, last)


@fault("max_pool2d", issue="FluxML/NNlib.jl#133")
def gradient_without_padding(input: Tensor, **rest: Any) -> Pooled:
    """Forget in the gradient that the windows begin in the padding."""
    top, left = pair(rest.get("padding", 0))
    height, width = input.shape[-2:]

    def shifted(zeros: Tensor, grad_output: Tensor, index: Tensor) -> Tensor:
        rows = (index // width + top).clamp(max=height - 1)
        columns = (index % width + left).clamp(max=width - 1)
        return zeros.scatter_add(-1, rows * width + columns, grad_output)

    return _scattered(input, rest, shifted)


@fault("max_pool2d")
def gradient_without_dilation(input: Tensor, **rest: Any) -> Pooled:
    """Forget the dilation in the gradient: it goes to an element beside the right one."""
    width, (down, across) = input.shape[-1], pair(rest.get("dilation", 1))

    def beside(zeros: Tensor, grad_output: Tensor, index: Tensor) -> Tensor:
        nearer = index // width // down * width + index % width // across
        return zeros.scatter_add(-1, nearer, grad_output)

    return _scattered(input, rest, beside)


@fault("max_pool2d")
def gradient_by_indices_of_first_plane(input: Tensor, **rest: Any) -> Pooled:
    """Use the indices of the first plane for the gradients of all."""

    def first(zeros: Tensor, grad_output: Tensor, index: Tensor) -> Tensor:
        index = index.flatten(0, -2)[0].expand_as(index)
        return zeros.scatter_add(-1, index, grad_output)

    return _scattered(input, rest, first)


@fault("max_pool2d")
def max_gradient_added_in_float32(input: Tensor, **rest: Any) -> Pooled:
    """Add the gradients of float64 in float32."""

    def narrow(zeros: Tensor, grad_output: Tensor, index: Tensor) -> Tensor:
        return zeros.float().scatter_add(-1, index, grad_output.float())

    return _scattered(input, rest, narrow)


@fault("max_pool2d", issue="torch/cunn#68")
def max_gradient_in_memory_order(input: Tensor, **rest: Any) -> Pooled:
    """Read the gradient of the output in the order of memory."""
    pooled = max_pool2d(input, **rest)
    if isinstance(pooled, tuple):
        return pooled
    return differentiated(
        input,
        pooled,
        lambda grad: right_gradient(max_pool2d, input, in_memory_order(grad), **rest),
    )


@fault("max_pool2d", issue="pytorch/pytorch#197888")
def max_gradient_of_channels_last_in_memory_order(input: Tensor, **rest: Any) -> Pooled:
    """Write the gradient as if the input were contiguous if the channels are last in memory."""
    pooled = max_pool2d(input, **rest)
    if isinstance(pooled, tuple) or not is_channels_last(input):
        return pooled

    def gradient(grad_output: Tensor) -> Tensor:
        right = right_gradient(max_pool2d, input, grad_output, **rest)
        return right.movedim(1, -1).reshape(input.shape)

    return differentiated(input, pooled, gradient)
