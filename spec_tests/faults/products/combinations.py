"""Faults of conv2d, linear and flatten that only show where options or dtypes meet."""

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from spec_tests.faults import fault
from spec_tests.faults._rounding import HALF, to_tf32
from spec_tests.faults.products.gradients import matches
from spec_tests.implementations.torch import IMPLEMENTATION, TENSOR_FUNCTIONS

conv2d = TENSOR_FUNCTIONS["conv2d"]
linear = functional.linear
backward = IMPLEMENTATION.functions["backward"]

Bias = Tensor | None


@fault("conv2d")
def bias_lost_with_a_stride(
    input: Tensor, weight: Tensor, bias: Bias = None, **rest: Any
) -> Tensor:
    """Omit the bias if there is a stride."""
    return conv2d(input, weight, bias if rest.get("stride", 1) == 1 else None, **rest)


@fault("conv2d")
def bias_lost_with_same(input: Tensor, weight: Tensor, bias: Bias = None, **rest: Any) -> Tensor:
    """Omit the bias with padding='same'."""
    return conv2d(input, weight, None if rest.get("padding") == "same" else bias, **rest)


@fault("conv2d")
def bias_added_twice_with_a_mode(
    input: Tensor, weight: Tensor, bias: Bias = None, **rest: Any
) -> Tensor:
    """Add the bias twice in a padding mode."""
    if bias is not None and rest.get("padding_mode", "zeros") != "zeros":
        bias = bias * 2
    return conv2d(input, weight, bias, **rest)


@fault("conv2d")
def bias_rounded_to_tf32(input: Tensor, weight: Tensor, bias: Bias = None, **rest: Any) -> Tensor:
    """Round the bias to TF32."""
    return conv2d(input, weight, None if bias is None else to_tf32(bias), **rest)


@fault("conv2d")
def half_without_bias(input: Tensor, weight: Tensor, bias: Bias = None, **rest: Any) -> Tensor:
    """Omit the bias of float16 and bfloat16."""
    return conv2d(input, weight, None if input.dtype in HALF else bias, **rest)


@fault("conv2d")
def integers_without_groups(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """Apply every kernel of integers to the first group."""
    if input.is_floating_point() or rest.get("groups", 1) == 1:
        return conv2d(input, weight, **rest)
    return conv2d(input[..., : weight.shape[1], :, :], weight, **rest | {"groups": 1})


@fault("conv2d")
def integers_padded_with_zeros(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """Pad integers with zeros in every padding mode."""
    mode = {} if input.is_floating_point() else {"padding_mode": "zeros"}
    return conv2d(input, weight, **rest | mode)


@fault("conv2d")
def groups_without_padding_mode(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """Pad groups with zeros in every padding mode."""
    mode = {"padding_mode": "zeros"} if rest.get("groups", 1) > 1 else {}
    return conv2d(input, weight, **rest | mode)


@fault("conv2d")
def same_without_groups(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """With padding='same', apply every kernel to the first group."""
    if rest.get("padding") != "same" or rest.get("groups", 1) == 1:
        return conv2d(input, weight, **rest)
    return conv2d(input[..., : weight.shape[1], :, :], weight, **rest | {"groups": 1})


@fault("conv2d")
def tiles_of_channels(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """Leave out the channels that remain after tiles of 64."""
    whole = weight.clone()
    if weight.shape[1] > 64:
        whole[:, weight.shape[1] // 64 * 64 :] = 0
    return conv2d(input, whole, **rest)


@fault("linear")
def bias_of_linear_rounded(input: Tensor, weight: Tensor, bias: Bias = None) -> Tensor:
    """Round the bias to TF32."""
    return linear(input, weight, None if bias is None else to_tf32(bias))


@fault("linear")
def half_linear_without_bias(input: Tensor, weight: Tensor, bias: Bias = None) -> Tensor:
    """Omit the bias of float16 and bfloat16."""
    return linear(input, weight, None if input.dtype in HALF else bias)


@fault("linear")
def vectors_of_integers_in_float64(input: Tensor, weight: Tensor, bias: Bias = None) -> Tensor:
    """Compute a vector of integers in float64."""
    if input.is_floating_point() or input.dim() != 1:
        return linear(input, weight, bias)
    added = None if bias is None else bias.double()
    return linear(input.double(), weight.double(), added).long()


@fault("linear")
def nan_of_vectors_lost(input: Tensor, weight: Tensor, bias: Bias = None) -> Tensor:
    """Treat NaN of a vector as 0."""
    vector = input.is_floating_point() and input.dim() == 1
    return linear(input.nan_to_num(0) if vector else input, weight, bias)


@fault("linear")
def many_axes_in_float32(input: Tensor, weight: Tensor, bias: Bias = None) -> Tensor:
    """Compute inputs of more than two axes in float32."""
    output = linear(input, weight, bias)
    floats = input.dim() > 2 and input.dtype == torch.float64
    return output.float().double() if floats else output


@fault("linear")
def tiles_of_rows(input: Tensor, weight: Tensor, bias: Bias = None) -> Tensor:
    """Return 0 for the rows that remain after tiles of 128."""
    output = linear(input, weight, bias)
    if input.dim() == 2 and len(input) > 128:
        output[len(input) // 128 * 128 :] = 0
    return output


@fault("linear")
def tiles_of_outputs(input: Tensor, weight: Tensor, bias: Bias = None) -> Tensor:
    """Return 0 for the outputs that remain after tiles of 64."""
    output = linear(input, weight, bias)
    if len(weight) > 64:
        output[..., len(weight) // 64 * 64 :] = 0
    return output


@fault("flatten")
def blocks_of_many_elements(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Return 0 for the elements that remain after blocks of 256."""
    output = input.flatten(start_dim, end_dim).clone()
    if output.dim() == 1 and len(output) > 256:
        output[len(output) // 256 * 256 :] = 0
    return output


@fault("backward")
def passes_of_biases_replaced(**arguments: Any) -> np.ndarray:
    """Replace the gradient of a bias instead of adding to it."""
    return backward(**arguments | ({"times": 1} if arguments["wrt"] == "bias" else {}))


@fault("backward")
def passes_of_inputs_replaced(**arguments: Any) -> np.ndarray:
    """Replace the gradient of a convolution's or a linear layer's input."""
    single = any(matches(arguments, operator, "input") for operator in ("conv2d", "linear"))
    return backward(**arguments | ({"times": 1} if single else {}))


@fault("backward")
def kernel_gradient_of_zero_padding(**arguments: Any) -> np.ndarray:
    """Compute the gradient of the kernel with zeros in every padding mode."""
    mode = {"padding_mode": "zeros"} if matches(arguments, "conv2d", "weight") else {}
    return backward(**arguments | (mode if "padding_mode" in arguments else {}))


@fault("backward")
def columns_left_over(**arguments: Any) -> np.ndarray:
    """Leave out the columns that remain after blocks of 32 in the gradient of the kernel."""
    if matches(arguments, "conv2d", "weight") and arguments["grad_output"].shape[-1] > 32:
        arguments["grad_output"] = arguments["grad_output"].copy()
        arguments["grad_output"][..., 32:] = 0
    return backward(**arguments)


@fault("backward")
def kernels_left_over(**arguments: Any) -> np.ndarray:
    """Leave out the kernels that remain after blocks of 16 in the gradient of the input."""
    if matches(arguments, "conv2d", "input") and len(arguments["weight"]) > 16:
        arguments["grad_output"] = arguments["grad_output"].copy()
        arguments["grad_output"][:, 16:] = 0
    return backward(**arguments)


@fault("backward")
def rows_of_the_bias_left_over(**arguments: Any) -> np.ndarray:
    """Leave out the rows that remain after blocks of 32 in the gradient of linear's bias."""
    if matches(arguments, "linear", "bias") and len(arguments["grad_output"]) > 32:
        arguments["grad_output"] = arguments["grad_output"].copy()
        arguments["grad_output"][len(arguments["grad_output"]) // 32 * 32 :] = 0
    return backward(**arguments)
