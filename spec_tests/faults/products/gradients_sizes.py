"""Faults of backward in the gradients of linear and flatten, and of empty and repeated batches."""

from typing import Any

import numpy as np
import torch

from spec_tests.faults import fault
from spec_tests.faults.products.gradients import matches
from spec_tests.implementations.torch import IMPLEMENTATION

Array = np.ndarray

backward = IMPLEMENTATION.functions["backward"]


@fault("backward", issue="FluxML/NNlib.jl#763")
def empty_sum_not_written(**arguments: Any) -> Array:
    """Return what lay in memory as the gradient of a batch without elements."""
    gradient = backward(**arguments)
    return gradient if arguments["grad_output"].size else gradient + 77


@fault("backward")
def first_image_repeated_in_the_gradient(**arguments: Any) -> Array:
    """Give every image the gradient of the first."""
    gradient = backward(**arguments)
    if matches(arguments, "conv2d", "input") and gradient.ndim == 4:
        gradient[:] = gradient[:1]
    return gradient


@fault("backward")
def replication_forgotten(**arguments: Any) -> Array:
    """Drop the gradients of replicated elements."""
    arguments |= {"padding_mode": "zeros"} if arguments.get("padding_mode") == "replicate" else {}
    return backward(**arguments)


@fault("backward")
def dilation_exchanged_for_the_input(**arguments: Any) -> Array:
    """Exchange the pair of the dilation in the gradient of the input."""
    dilation = arguments.get("dilation")
    if isinstance(dilation, tuple) and matches(arguments, "conv2d", "input"):
        kernel = arguments["weight"].swapaxes(-1, -2).copy()
        gradient = backward(**arguments)
        other = backward(**arguments | {"weight": kernel})
        return other if other.shape == gradient.shape else gradient
    return backward(**arguments)


@fault("backward")
def unbatched_passes_replaced(**arguments: Any) -> Array:
    """Replace the gradient of an unbatched convolution instead of adding to it."""
    unbatched = arguments["operator"] == "conv2d" and arguments["input"].ndim == 3
    return backward(**arguments | ({"times": 1} if unbatched else {}))


@fault("backward")
def rows_of_three_axes_averaged(**arguments: Any) -> Array:
    """Give each row of an input of three axes the mean gradient of its part."""
    gradient = backward(**arguments)
    if matches(arguments, "linear", "input") and gradient.ndim == 3:
        gradient[:] = gradient.mean(1, keepdims=True)
    return gradient


@fault("backward")
def square_weight_transposed(**arguments: Any) -> Array:
    """Compute the gradient of linear's input with a square weight transposed."""
    if matches(arguments, "linear", "input"):
        weight = arguments["weight"]
        square = weight.shape[0] == weight.shape[1]
        arguments["weight"] = weight.T.copy() if square else weight
    return backward(**arguments)


@fault("backward")
def last_batch_only(**arguments: Any) -> Array:
    """Compute the gradients of weight and bias from the last of the leading axes' parts only."""
    if arguments["operator"] == "linear" and arguments["input"].ndim == 3:
        arguments["grad_output"] = arguments["grad_output"].copy()
        arguments["grad_output"][:-1] = 0
    return backward(**arguments)


@fault("backward")
def rows_left_over(**arguments: Any) -> Array:
    """Leave out the rows that remain after blocks of 16 in the gradient of linear's weight."""
    if matches(arguments, "linear", "weight") and len(arguments["input"]) == 17:
        arguments["grad_output"] = arguments["grad_output"].copy()
        arguments["grad_output"][16:] = 0
    return backward(**arguments)


@fault("backward")
def outputs_left_over(**arguments: Any) -> Array:
    """Leave out the outputs that remain after blocks of 16 in the gradient of linear's input."""
    if matches(arguments, "linear", "input"):
        arguments["grad_output"] = arguments["grad_output"].copy()
        arguments["grad_output"][..., 16:] = 0
    return backward(**arguments)


@fault("backward")
def flatten_keeps_the_gradient_flat(**arguments: Any) -> Array:
    """Return the gradient of flatten's input in the shape of grad_output."""
    gradient = backward(**arguments)
    flat = arguments["operator"] == "flatten"
    return gradient.reshape(arguments["grad_output"].shape) if flat else gradient


@fault("backward")
def flatten_gradient_column_major(**arguments: Any) -> Array:
    """Unflatten the gradient of flatten's input in column-major order."""
    gradient = backward(**arguments)
    if arguments["operator"] != "flatten":
        return gradient
    return torch.from_numpy(gradient).reshape(gradient.shape[::-1]).T.numpy().copy()


@fault("backward")
def depthwise_kernel_of_the_first_image(**arguments: Any) -> Array:
    """Compute the gradient of a depthwise kernel from the first image only."""
    depthwise = arguments.get("groups", 1) == arguments["input"].shape[-3:][0] > 1
    if depthwise and matches(arguments, "conv2d", "weight") and arguments["input"].ndim == 4:
        first = {name: arguments[name][:1] for name in ("grad_output", "input")}
        return backward(**arguments | first)
    return backward(**arguments)


@fault("backward")
def bias_summed_in_half(**arguments: Any) -> Array:
    """Add up the gradient of the bias in float16, which stops at 2,048."""
    gradient = backward(**arguments)
    if matches(arguments, "linear", "bias") and gradient.dtype == np.float16:
        rows = arguments["grad_output"].reshape(-1, gradient.shape[-1])
        total = np.zeros_like(gradient)
        for row in rows:
            total += row
        return total
    return gradient
