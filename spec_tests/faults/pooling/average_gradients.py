"""Faults of the gradients of avg_pool2d and adaptive_avg_pool2d; the outputs are right."""

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d, avg_pool2d, pad

from spec_tests.faults import Function, Size, fault
from spec_tests.faults.pooling._elements import (
    differentiated,
    in_memory_order,
    is_channels_last,
    pair,
    right_gradient,
)


def _avg(input: Tensor, rest: dict[str, Any], **changes: Any) -> Tensor:
    """Pool; the gradient is that with other options."""
    return differentiated(
        input,
        avg_pool2d(input, **rest),
        lambda grad: right_gradient(avg_pool2d, input, grad, **rest | changes),
    )


@fault("avg_pool2d", issue="torch/cunn#68")
def avg_gradient_in_memory_order(input: Tensor, **rest: Any) -> Tensor:
    """Read the gradient of the output in the order of memory."""
    return differentiated(
        input,
        avg_pool2d(input, **rest),
        lambda grad: right_gradient(avg_pool2d, input, in_memory_order(grad), **rest),
    )


@fault("avg_pool2d", issue="pytorch/pytorch#198119")
def gradient_divided_by_whole_windows(input: Tensor, **rest: Any) -> Tensor:
    """Divide the gradient by the whole window in ceil_mode."""
    rows, columns = pair(rest["kernel_size"])
    if rest.get("divisor_override") or not rest.get("count_include_pad", True):
        return avg_pool2d(input, **rest)
    return _avg(input, rest, divisor_override=rows * columns)


@fault("avg_pool2d")
def gradient_counts_padding(input: Tensor, **rest: Any) -> Tensor:
    """Count the padding in the divisor of the gradient with count_include_pad=False."""
    return _avg(input, rest, count_include_pad=True)


@fault("avg_pool2d")
def gradient_without_divisor(input: Tensor, **rest: Any) -> Tensor:
    """Ignore divisor_override in the gradient."""
    return _avg(input, rest, divisor_override=None)


@fault("avg_pool2d", issue="pytorch/pytorch#188344")
def channels_last_gradient_without_padding(input: Tensor, **rest: Any) -> Tensor:
    """Forget the padding in the gradient if the channels are last in memory."""
    if not is_channels_last(input):
        return avg_pool2d(input, **rest)
    top, left = pair(rest.get("padding", 0))

    def gradient(grad_output: Tensor) -> Tensor:
        right = right_gradient(avg_pool2d, input, grad_output, **rest)
        return right.roll((top, left), (-2, -1))

    return differentiated(input, avg_pool2d(input, **rest), gradient)


@fault("avg_pool2d")
def gradient_repeated_over_strides(input: Tensor, **rest: Any) -> Tensor:
    """Repeat each window's gradient up to the next window, also where no window is."""
    if pair(rest.get("stride") or rest["kernel_size"]) <= pair(rest["kernel_size"]):
        return avg_pool2d(input, **rest)

    def gradient(grad_output: Tensor) -> Tensor:
        rows, columns = pair(rest["stride"])
        repeated = grad_output.repeat_interleave(rows, -2).repeat_interleave(columns, -1)
        height, width = input.shape[-2:]
        missing = (0, width - repeated.shape[-1], 0, height - repeated.shape[-2])
        height, width = pair(rest["kernel_size"])
        return pad(repeated, missing) / (height * width)

    return differentiated(input, avg_pool2d(input, **rest), gradient)


@fault("avg_pool2d")
def overlapping_gradients_overwritten(input: Tensor, **rest: Any) -> Tensor:
    """Keep the gradient of the last window that covers an element, instead of adding all."""

    def gradient(grad_output: Tensor) -> Tensor:
        result = torch.zeros_like(input)
        for i in range(grad_output.shape[-2]):
            for j in range(grad_output.shape[-1]):
                one = torch.zeros_like(grad_output)
                one[..., i, j] = grad_output[..., i, j]
                part = right_gradient(avg_pool2d, input, one, **rest)
                result = torch.where(part != 0, part, result)
        return result

    return differentiated(input, avg_pool2d(input, **rest), gradient)


@fault("avg_pool2d")
def gradient_with_swapped_pairs(input: Tensor, **rest: Any) -> Tensor:
    """Use the first number of each pair for the columns in the gradient."""

    def gradient(grad_output: Tensor) -> Tensor:
        swapped = {k: v[::-1] if isinstance(v, tuple) else v for k, v in rest.items()}
        output = avg_pool2d(input.detach(), **swapped)
        resized = (
            grad_output.reshape(output.shape)
            if output.numel() == grad_output.numel()
            else (torch.zeros_like(output))
        )
        return right_gradient(avg_pool2d, input, resized, **swapped)

    return differentiated(input, avg_pool2d(input, **rest), gradient)


@fault("avg_pool2d")
def avg_gradient_added_in_float32(input: Tensor, **rest: Any) -> Tensor:
    """Add the gradients of float64 in float32."""
    return differentiated(
        input,
        avg_pool2d(input, **rest),
        lambda grad: right_gradient(avg_pool2d, input.float(), grad.float(), **rest),
    )


def _adaptive(input: Tensor, output_size: Size, gradient: Function) -> Tensor:
    return differentiated(input, adaptive_avg_pool2d(input, output_size), gradient)


@fault("adaptive_avg_pool2d", issue="pytorch/pytorch#60524")
def adaptive_gradient_with_swapped_axes(input: Tensor, output_size: Size) -> Tensor:
    """Use the limits of the rows for the columns, and conversely, in the gradient."""

    def gradient(grad_output: Tensor) -> Tensor:
        size = tuple(grad_output.shape[-2:])
        swapped = torch.zeros(*input.shape[:-2], *input.shape[:-3:-1], dtype=input.dtype)
        result = right_gradient(adaptive_avg_pool2d, swapped, grad_output, size)
        return result.reshape(input.shape)

    return _adaptive(input, output_size, gradient)


@fault("adaptive_avg_pool2d")
def adaptive_gradient_of_last_bin(input: Tensor, output_size: Size) -> Tensor:
    """Keep the gradient of the last bin that an element belongs to, instead of adding all."""

    def gradient(grad_output: Tensor) -> Tensor:
        result = torch.zeros_like(input)
        for i in range(grad_output.shape[-2]):
            for j in range(grad_output.shape[-1]):
                one = torch.zeros_like(grad_output)
                one[..., i, j] = grad_output[..., i, j]
                part = right_gradient(adaptive_avg_pool2d, input, one, output_size)
                result = torch.where(part != 0, part, result)
        return result

    return _adaptive(input, output_size, gradient)


@fault("adaptive_avg_pool2d")
def adaptive_gradient_divided_equally(input: Tensor, output_size: Size) -> Tensor:
    """Divide every bin's gradient by input / output, although the bins differ in size."""

    def gradient(grad_output: Tensor) -> Tensor:
        height, width = input.shape[-2:]
        rows, columns = grad_output.shape[-2:]
        sizes = torch.ones_like(grad_output)
        for i in range(rows):
            for j in range(columns):
                taller = -(-(i + 1) * height // rows) - i * height // rows
                wider = -(-(j + 1) * width // columns) - j * width // columns
                sizes[..., i, j] = taller * wider * rows * columns / (height * width)
        return right_gradient(adaptive_avg_pool2d, input, grad_output * sizes, output_size)

    return _adaptive(input, output_size, gradient)


@fault("adaptive_avg_pool2d", issue="pytorch/pytorch#189233")
def adaptive_gradient_in_memory_order(input: Tensor, output_size: Size) -> Tensor:
    """Write the gradient as if the input were contiguous if the channels are last in memory."""
    if not is_channels_last(input):
        return adaptive_avg_pool2d(input, output_size)

    def gradient(grad_output: Tensor) -> Tensor:
        right = right_gradient(adaptive_avg_pool2d, input, grad_output, output_size)
        return right.movedim(1, -1).reshape(input.shape)

    return _adaptive(input, output_size, gradient)


def _first_channel_repeated(input: Tensor, grad_output: Tensor, function: Function) -> Tensor:
    right = function(grad_output)
    return right[:1].expand_as(right) if input.ndim == 3 else right


@fault("avg_pool2d")
def unbatched_gradient_of_first_channel(input: Tensor, **rest: Any) -> Tensor:
    """Use the gradient of the first channel for all if there is no batch."""

    def right(grad: Tensor) -> Tensor:
        return right_gradient(avg_pool2d, input, grad, **rest)

    return differentiated(
        input, avg_pool2d(input, **rest), lambda grad: _first_channel_repeated(input, grad, right)
    )


@fault("adaptive_avg_pool2d")
def unbatched_bin_gradient_of_first_channel(input: Tensor, output_size: Size) -> Tensor:
    """Use the gradient of the first channel for all if there is no batch."""

    def right(grad: Tensor) -> Tensor:
        return right_gradient(adaptive_avg_pool2d, input, grad, output_size)

    return _adaptive(input, output_size, lambda grad: _first_channel_repeated(input, grad, right))
