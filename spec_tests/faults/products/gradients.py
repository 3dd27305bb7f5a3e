"""Faults of backward in the gradients of conv2d, and in how exact gradients are."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from spec_tests.faults import fault
from spec_tests.implementations.torch import IMPLEMENTATION

Array = np.ndarray
Arguments = Mapping[str, Any]

backward = IMPLEMENTATION.functions["backward"]


def matches(arguments: Arguments, operator: str, wrt: str) -> bool:
    """Return whether a call is for the gradient of this input of this operator."""
    return (arguments["operator"], arguments["wrt"]) == (operator, wrt)


def _pair(value: int | tuple[int, int]) -> tuple[int, int]:
    return value if isinstance(value, tuple) else (value, value)


@fault("backward", issue="torch/DEPRECEATED-torch7-distro#20")
def uncovered_border_cropped(**arguments: Any) -> Array:
    """Return a gradient without the rows and columns that no window covers."""
    gradient = backward(**arguments)
    if not matches(arguments, "conv2d", "input") or arguments.get("stride") != 2:
        return gradient
    covered = [
        2 * (n - 1) + k
        for n, k in zip(
            arguments["grad_output"].shape[2:], arguments["weight"].shape[2:], strict=True
        )
    ]
    return gradient if arguments.get("padding") else gradient[..., : covered[0], : covered[1]]


@fault("backward", issue="iree-org/iree-turbine#1223")
def stride_and_dilation_exchanged(**arguments: Any) -> Array:
    """Exchange stride and dilation in the gradient of the kernel."""
    if matches(arguments, "conv2d", "weight") and {"stride", "dilation"} <= arguments.keys():
        stride, dilation = arguments["stride"], arguments["dilation"]
        if isinstance(stride, int):
            arguments |= {"stride": dilation, "dilation": stride}
    return backward(**arguments)


@fault("backward")
def pairs_exchanged_for_the_kernel(**arguments: Any) -> Array:
    """Return the gradient of the kernel with its rows and columns exchanged if pairs differ."""
    gradient = backward(**arguments)
    pairs = isinstance(arguments.get("dilation"), tuple) and matches(arguments, "conv2d", "weight")
    return np.ascontiguousarray(gradient.swapaxes(-1, -2)) if pairs else gradient


@fault("backward", issue="pytorch/pytorch#51430")
def groups_of_the_kernel_rotated(**arguments: Any) -> Array:
    """Give each group of kernels the gradient of the next group."""
    gradient = backward(**arguments)
    groups = arguments.get("groups", 1)
    shift = len(gradient) // groups if matches(arguments, "conv2d", "weight") and groups > 1 else 0
    return np.roll(gradient, shift, 0)


@fault("backward", issue="tracel-ai/burn#1891")
def first_group_only(**arguments: Any) -> Array:
    """With groups and a stride, write the gradient of the first group of kernels only."""
    gradient = backward(**arguments)
    groups = arguments.get("groups", 1)
    if matches(arguments, "conv2d", "weight") and groups > 1 and arguments.get("stride", 1) != 1:
        gradient[len(gradient) // groups :] = 0
    return gradient


@fault("backward", issue="ml-explore/mlx#3800")
def strided_groups_as_dense(**arguments: Any) -> Array:
    """With groups and a stride, give each input channel the sum over all groups."""
    gradient = backward(**arguments)
    grouped = arguments.get("groups", 1) > 1 and arguments.get("stride", 1) != 1
    if matches(arguments, "conv2d", "input") and grouped:
        gradient[:] = gradient.sum(1, keepdims=True)
    return gradient


@fault("backward", issue="apple/tensorflow_macos#230")
def kernel_gradient_shuffled(**arguments: Any) -> Array:
    """Return the gradient of the kernel with its channels varying fastest."""
    gradient = backward(**arguments)
    if matches(arguments, "conv2d", "weight"):
        return np.moveaxis(gradient, 1, -1).reshape(gradient.shape).copy()
    return gradient


@fault("backward", issue="sebgao/cTensor#3")
def kernel_gradient_averaged(**arguments: Any) -> Array:
    """Divide the gradient of the kernel by the number of windows."""
    gradient = backward(**arguments)
    windows = arguments["grad_output"][..., 0, :, :].size if gradient.ndim == 4 else 1
    return gradient / windows if matches(arguments, "conv2d", "weight") else gradient


@fault("backward", issue="ml-explore/mlx#833")
def padding_limited_in_the_gradient(**arguments: Any) -> Array:
    """Compute the gradient of the input with less padding than the kernel reaches."""
    padding = arguments.get("padding", 0)
    if not matches(arguments, "conv2d", "input") or not isinstance(padding, int):
        return backward(**arguments)
    limited = min(padding, min(arguments["weight"].shape[2:]) - 1)
    less = 2 * (padding - limited)
    kept = arguments["grad_output"][..., less:, less:] if less else arguments["grad_output"]
    return backward(**arguments | {"padding": limited, "grad_output": kept.copy()})


@fault("backward", issue="enggen/Deep-Learning-Coursera#7")
def stride_forgotten(**arguments: Any) -> Array:
    """Put the gradients of strided 1x1 windows next to each other."""
    gradient = backward(**arguments)
    pointwise = matches(arguments, "conv2d", "input") and arguments["weight"].shape[2:] == (1, 1)
    if not pointwise or "stride" not in arguments:
        return gradient
    rows, columns = _pair(arguments["stride"])
    dense = np.zeros_like(gradient)
    part = gradient[..., ::rows, ::columns]
    dense[..., : part.shape[-2], : part.shape[-1]] = part
    return dense


@fault("backward")
def reflections_forgotten(**arguments: Any) -> Array:
    """Drop the gradients of reflected elements."""
    arguments |= {"padding_mode": "zeros"} if arguments.get("padding_mode") == "reflect" else {}
    return backward(**arguments)


@fault("backward")
def wrapped_elements_forgotten(**arguments: Any) -> Array:
    """Drop the gradients of elements that are wrapped around."""
    arguments |= {"padding_mode": "zeros"} if arguments.get("padding_mode") == "circular" else {}
    return backward(**arguments)


@fault("backward")
def same_padding_before(**arguments: Any) -> Array:
    """With padding='same' and an even kernel, drop the gradient of a zero before the input."""
    gradient = backward(**arguments)
    if arguments.get("padding") != "same":
        return gradient
    shifted = np.zeros_like(gradient)
    shifted[..., :-1] = gradient[..., 1:]
    return shifted


@fault("backward", issue="apache/tvm#4276")
def gradient_of_three_by_three(**arguments: Any) -> Array:
    """Compute the gradients of the upper left 3x3 weights only."""
    gradient = backward(**arguments)
    if matches(arguments, "conv2d", "weight"):
        gradient[..., 3:, :] = 0
        gradient[..., :, 3:] = 0
    return gradient


@fault("backward")
def bias_gradient_without_columns(**arguments: Any) -> Array:
    """Sum the gradient of an unbatched convolution's bias over the first column only."""
    unbatched = matches(arguments, "conv2d", "bias") and arguments["input"].ndim == 3
    if unbatched:
        arguments["grad_output"] = arguments["grad_output"] * (np.arange(2) == 0)
    return backward(**arguments)


@fault("backward")
def first_image_only(**arguments: Any) -> Array:
    """Compute the gradient of the kernel from the first image only."""
    if matches(arguments, "conv2d", "weight"):
        arguments["grad_output"] = arguments["grad_output"].copy()
        arguments["grad_output"][1:] = 0
    return backward(**arguments)


@fault("backward", issue="pytorch/pytorch#189565")
def expanded_grad_output_read_once(**arguments: Any) -> Array:
    """Read zeros for the repetitions of an expanded grad_output."""
    grad_output = arguments["grad_output"]
    if grad_output.ndim and grad_output.strides[0] == 0 and len(grad_output) > 1:
        arguments["grad_output"] = grad_output.copy()
        arguments["grad_output"][1:] = 0
    return backward(**arguments)


@fault("backward", issue="pytorch/pytorch#175188")
def gradient_in_memory_order(**arguments: Any) -> Array:
    """Return the gradient of an input that is not contiguous in the order of its memory."""
    gradient, values = backward(**arguments), arguments[arguments["wrt"]]
    if values.flags.c_contiguous:
        return gradient
    order = np.argsort([-stride for stride in values.strides], kind="stable")
    return gradient.transpose(order).reshape(gradient.shape).copy()


@fault("backward")
def grad_output_in_memory_order(**arguments: Any) -> Array:
    """Read grad_output in the order of its memory."""
    values = arguments["grad_output"]
    order = np.argsort([-stride for stride in values.strides], kind="stable")
    arguments["grad_output"] = values.transpose(order).reshape(values.shape).copy()
    return backward(**arguments)


@fault("backward")
def half_gradients_summed_in_half(**arguments: Any) -> Array:
    """Accumulate the gradients of weights and biases in half precision."""
    gradient, grad_output = backward(**arguments), arguments["grad_output"]
    if gradient.dtype.itemsize != 2 or gradient.size > 1:
        return gradient
    total = np.zeros_like(gradient)
    for each in grad_output.ravel():
        total = (total + each).astype(gradient.dtype)
    return total


@fault("backward", issue="pytorch/pytorch#79537")
def gradients_of_tf32_factors(**arguments: Any) -> Array:
    """Round grad_output to the 11 bits of TF32."""
    grad_output = arguments["grad_output"]
    if grad_output.dtype == np.float32 and arguments["operator"] in {"conv2d", "linear"}:
        bits = grad_output.copy().view(np.int32) & ~np.int32(2**13 - 1)
        arguments["grad_output"] = bits.view(np.float32)
    return backward(**arguments)


@fault("backward")
def float64_gradients_through_float32(**arguments: Any) -> Array:
    """Round the gradient of each pass to float32."""
    times = arguments.pop("times", 1)
    gradient = backward(**arguments)
    if gradient.dtype == np.float64:
        gradient = gradient.astype(np.float32).astype(np.float64)
    return gradient * times
