"""Faults of conv2d and linear that accept what PyTorch refuses."""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from spec_tests.faults import Size, fault
from spec_tests.implementations.torch import TENSOR_FUNCTIONS

conv2d = TENSOR_FUNCTIONS["conv2d"]
linear = functional.linear


def _at_least(minimum: int, value: Size) -> Size:
    """Return a number, or a pair of numbers, raised to a minimum; a word unchanged."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, tuple):
        return tuple(max(minimum, number) for number in value)
    return max(minimum, value)


@fault("conv2d")
def stride_zero_accepted(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """Treat a stride of 0 as 1."""
    return conv2d(input, weight, **rest | {"stride": _at_least(1, rest.get("stride", 1))})


@fault("conv2d", issue="Theano/Theano#6818")
def dilation_zero_accepted(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """Treat a dilation of 0 as 1."""
    return conv2d(input, weight, **rest | {"dilation": _at_least(1, rest.get("dilation", 1))})


@fault("conv2d", issue="ml-explore/mlx#2858")
def groups_zero_accepted(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """Treat no groups as one group."""
    return conv2d(input, weight, **rest | {"groups": max(1, rest.get("groups", 1))})


@fault("conv2d")
def negative_padding_ignored(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """Treat a negative padding as 0."""
    return conv2d(input, weight, **rest | {"padding": _at_least(0, rest.get("padding", 0))})


@fault("conv2d")
def negative_padding_crops(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """Crop the input by a negative padding."""
    padding = rest.get("padding", 0)
    if isinstance(padding, tuple) and min(padding) < 0:
        around = (padding[1], padding[1], padding[0], padding[0])
        return conv2d(functional.pad(input, around), weight, **rest | {"padding": 0})
    return conv2d(input, weight, **rest)


@fault("conv2d")
def unknown_padding_is_full(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """Treat any other word than 'same' and 'valid' as full padding."""
    padding = rest.get("padding", 0)
    if isinstance(padding, str) and padding not in {"same", "valid"}:
        rest["padding"] = tuple(length - 1 for length in weight.shape[2:])
    return conv2d(input, weight, **rest)


@fault("conv2d")
def unknown_mode_pads_zeros(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """Pad with zeros in an unknown padding mode."""
    if rest.get("padding_mode") not in {"reflect", "replicate", "circular"}:
        rest["padding_mode"] = "zeros"
    return conv2d(input, weight, **rest)


@fault("conv2d")
def same_with_a_stride_of_columns(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """Check only the vertical stride with padding='same'."""
    stride = rest.get("stride", 1)
    if rest.get("padding") == "same" and isinstance(stride, tuple) and stride[0] == 1:
        return conv2d(input, weight, **rest | {"stride": 1})[..., :: stride[1]]
    return conv2d(input, weight, **rest)


@fault("conv2d", issue="onnx/onnx#3641")
def surplus_kernels_dropped(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """Leave out the kernels that remain after dividing them into groups."""
    groups = max(1, rest.get("groups", 1))
    kept = len(weight) // groups * groups
    return conv2d(input, weight[:kept] if "bias" not in rest else weight, **rest)


@fault("conv2d")
def bias_of_one_number_repeated(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, **rest: Any
) -> Tensor:
    """Add a bias of one number to every output channel."""
    if bias is not None and bias.shape == (1,):
        bias = bias.expand(len(weight))
    return conv2d(input, weight, bias, **rest)


@fault("conv2d")
def bias_of_two_axes_flattened(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, **rest: Any
) -> Tensor:
    """Accept a bias of any shape with one number for each output channel."""
    return conv2d(input, weight, None if bias is None else bias.flatten(), **rest)


@fault("conv2d")
def single_channel_repeated(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """Broadcast a single input channel to those of the kernel."""
    if input.dim() == 4 and input.shape[1] == 1 < weight.shape[1] and weight.dim() == 4:
        input = input.expand(-1, weight.shape[1], -1, -1)
    return conv2d(input, weight, **rest)


@fault("conv2d")
def third_stride_ignored(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """Use the first two of any number of strides."""
    stride = rest.get("stride", 1)
    two = stride[:2] if isinstance(stride, tuple) else stride
    return conv2d(input, weight, **rest | {"stride": two})


@fault("conv2d")
def empty_kernel_accepted(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """Return the bias alone for a kernel without rows."""
    if weight.dim() == 4 and weight.shape[2] == 0:
        weight = weight.new_zeros(*weight.shape[:2], 1, weight.shape[3])
    return conv2d(input, weight, **rest)


@fault("conv2d")
def kernel_converted(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """Convert the weights to the dtype of the input."""
    return conv2d(input, weight.to(input.dtype), **rest)


@fault("conv2d")
def leading_axes_merged(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """Treat all axes before the channels as one batch."""
    if input.dim() <= 4:
        return conv2d(input, weight, **rest)
    output = conv2d(input.flatten(0, -4), weight, **rest)
    return output.unflatten(0, input.shape[:-3])


@fault("conv2d")
def dilation_not_checked(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """Check that the kernel fits without its dilation, and return an output without columns."""
    try:
        return conv2d(input, weight, **rest)
    except RuntimeError:
        if rest.get("dilation", 1) in {0, 1}:
            raise
        output = conv2d(input, weight, **rest | {"dilation": 1})
        return output[..., :0]


@fault("conv2d")
def reflection_limited(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """Reflect at most as far as the input allows."""
    if rest.get("padding_mode") == "reflect" and isinstance(rest["padding"], int):
        rest["padding"] = min(rest["padding"], min(input.shape[-2:]) - 1)
    return conv2d(input, weight, **rest)


@fault("conv2d")
def circular_padding_wraps_twice(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """Wrap a circular padding around more than once."""
    padding = rest.get("padding")
    if rest.get("padding_mode") != "circular" or not isinstance(padding, int):
        return conv2d(input, weight, **rest)
    height, width = (torch.arange(-padding, n + padding) % n for n in input.shape[-2:])
    planes = input[..., height, :][..., width]
    return conv2d(planes, weight, **rest | {"padding": 0, "padding_mode": "zeros"})


@fault("linear")
def weight_transposed_to_fit(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Transpose a weight whose outputs are as many as the input's features."""
    features = input.shape[-1] if input.dim() else 0
    turned = weight.dim() == 2 and weight.shape[1] != features == weight.shape[0]
    return linear(input, weight.T if turned else weight, bias)


@fault("linear")
def single_feature_repeated(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Broadcast a single feature to those of the weight."""
    if input.dim() == 2 == weight.dim() and input.shape[1] == 1 < weight.shape[1]:
        input = input.expand(-1, weight.shape[1])
    return linear(input, weight, bias)


@fault("linear")
def weight_of_three_axes_accepted(
    input: Tensor, weight: Tensor, bias: Tensor | None = None
) -> Tensor:
    """Drop axes of length 1 of the weight."""
    return linear(input, weight[0] if weight.dim() == 3 else weight, bias)


@fault("linear")
def bias_padded_with_zeros(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Fill up a bias that is too short with zeros."""
    if bias is not None and bias.dim() == 1:
        bias = functional.pad(bias, (0, max(0, len(weight) - len(bias))))
    return linear(input, weight, bias)


@fault("linear")
def weight_converted(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Convert a floating weight to the dtype of a floating input."""
    floats = input.is_floating_point()
    return linear(input, weight.to(input.dtype) if floats else weight, bias)


@fault("linear")
def integers_converted(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Convert an integer input to the dtype of the weight."""
    return linear(input if input.is_floating_point() else input.to(weight.dtype), weight, bias)


@fault("linear")
def number_repeated_as_features(
    input: Tensor, weight: Tensor, bias: Tensor | None = None
) -> Tensor:
    """Repeat a number for all features."""
    return linear(input if input.dim() else input.expand(weight.shape[-1]), weight, bias)
