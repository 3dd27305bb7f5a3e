"""What the faults of pooling share: windows as tensors, and functions with another gradient."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import max_pool2d

from spec_tests.faults import Function, Size

Options = dict[str, Any]
GEOMETRY = ("kernel_size", "stride", "padding", "dilation", "ceil_mode")


def pair(value: Size) -> tuple[int, int]:
    return value if isinstance(value, tuple) else (value, value)


def is_channels_last(input: Tensor) -> bool:
    return input.ndim == 4 and input.stride(1) == 1 and input.shape[1] > 1


def in_memory_order(input: Tensor) -> Tensor:
    """Return the elements in the order of memory, as if the input were contiguous."""
    return torch.as_strided(input, input.shape, torch.empty(input.shape).stride())


def positions(input: Tensor, options: Options) -> tuple[Tensor, Tensor]:
    """Return the rows (oH, kH) and the columns (oW, kW) of the windows, also those outside."""
    geometry = {name: options[name] for name in GEOMETRY if name in options}
    height, width = input.shape[-2:]
    counts = max_pool2d(torch.zeros(1, height, width), **geometry).shape[-2:]
    kernel, gaps = pair(options["kernel_size"]), pair(options.get("dilation", 1))
    strides, margins = pair(options.get("stride") or kernel), pair(options.get("padding", 0))
    rows, columns = (
        torch.arange(count)[:, None] * step - margin + torch.arange(length) * gap
        for count, step, margin, length, gap in zip(
            counts, strides, margins, kernel, gaps, strict=True
        )
    )
    return rows, columns


def indices(input: Tensor, options: Options) -> Tensor:
    """Return the index of each element of each window, (oH, oW, kH * kW); -1 outside the input."""
    rows, columns = positions(input, options)
    height, width = input.shape[-2:]
    y, x = rows[:, None, :, None], columns[None, :, None, :]
    inside = (y >= 0) & (y < height) & (x >= 0) & (x < width)
    return torch.where(inside, y * width + x, -1).flatten(-2)


def windows(input: Tensor, options: Options, fill: float) -> Tensor:
    """Return the elements of each window, (..., oH, oW, kH * kW); `fill` outside the input."""
    if fill == -torch.inf and not input.is_floating_point():
        fill = torch.iinfo(input.dtype).min
    index = indices(input, options)
    return torch.where(index >= 0, input.flatten(-2)[..., index.clamp(min=0)], fill)


def scatter(values: Tensor, index: Tensor, input: Tensor) -> Tensor:
    """Return the sum of the values at each index of the planes; those at -1 are left out.

    Args:
        values: (..., oH, oW, k), for each element of each window.
        index: (oH, oW, k).
        input: (..., H, W), the shape of the result.
    """
    sums = values.new_zeros(*input.shape[:-2], input.shape[-2] * input.shape[-1])
    inside = index.flatten() >= 0
    sums.index_add_(-1, index.flatten()[inside], values.flatten(-3)[..., inside])
    return sums.view(input.shape)


Gradient = Callable[[Tensor], Tensor]


class _Context(torch.autograd.function.FunctionCtx):
    gradient: Gradient
    dtype: torch.dtype


class _Differentiated(torch.autograd.Function):
    @staticmethod
    def forward(ctx: _Context, input: Tensor, output: Tensor, gradient: Gradient) -> Tensor:
        ctx.gradient, ctx.dtype = gradient, input.dtype
        return output

    @staticmethod
    def backward(ctx: _Context, grad_output: Tensor) -> tuple[Tensor, None, None]:
        return ctx.gradient(grad_output).to(ctx.dtype), None, None


def differentiated(input: Tensor, output: Tensor, gradient: Gradient) -> Tensor:
    """Return the output; `gradient` computes the input's gradient from that of the output."""
    return _Differentiated.apply(input, output.detach(), gradient)


def right_gradient(
    function: Function, input: Tensor, grad_output: Tensor, *options: Any, **rest: Any
) -> Tensor:
    """Return a function's gradient with respect to the input."""
    leaf = input.detach().requires_grad_()
    with torch.enable_grad():
        output = function(leaf, *options, **rest)
    return torch.autograd.grad(output, leaf, grad_output)[0]
