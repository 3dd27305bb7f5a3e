"""Faults of the gradients of ReLU and sigmoid, whose values are right."""

import torch
from torch import Tensor
from torch.nn import functional

from spec_tests.faults import fault
from spec_tests.faults._gradients import with_gradient_of
from spec_tests.faults._memory import as_if_contiguous


def _relu(input: Tensor, derivative: Tensor, *, inplace: bool = False) -> Tensor:
    """Return ReLU with this derivative; without a gradient to compute, torch's own."""
    if not input.requires_grad:
        return functional.relu(input, inplace)
    return with_gradient_of(functional.relu(input), input * derivative.detach().to(input.dtype))


def _sigmoid(input: Tensor, derivative: Tensor) -> Tensor:
    """Return the sigmoid with this derivative."""
    if not input.requires_grad:
        return input.sigmoid()
    return with_gradient_of(input.sigmoid(), input * derivative.detach().to(input.dtype))


@fault("relu", issue="tensorflow/playground#19")
def gradient_one_at_zero(input: Tensor, *, inplace: bool = False) -> Tensor:
    """Pass the gradient on at 0."""
    return _relu(input, input >= 0, inplace=inplace)


@fault("relu")
def gradient_half_at_zero(input: Tensor, *, inplace: bool = False) -> Tensor:
    """Pass half of the gradient on at 0, as max(x, 0) that shares it among ties does."""
    return _relu(input, (input > 0) + (input == 0) / 2, inplace=inplace)


@fault("relu")
def gradient_at_negative_zero(input: Tensor, *, inplace: bool = False) -> Tensor:
    """Pass the gradient on at -0.0, by a comparison of bits."""
    return _relu(input, (input > 0) | ((input == 0) & input.signbit()), inplace=inplace)


@fault("relu", issue="haifengl/smile#528")
def gradient_not_multiplied(input: Tensor, *, inplace: bool = False) -> Tensor:
    """Return 0 or 1, without the gradient from above."""
    output = _relu(input, input > 0, inplace=inplace)
    if input.requires_grad:
        input.register_hook(torch.sign)
    return output


@fault("relu")
def gradient_in_float32(input: Tensor, *, inplace: bool = False) -> Tensor:
    """Round the gradient to float32, in which large ones are infinite."""
    output = _relu(input, input > 0, inplace=inplace)
    if input.requires_grad:
        input.register_hook(lambda gradient: gradient.float().to(gradient.dtype))
    return output


@fault("relu", issue="pytorch/pytorch#175188")
def gradient_of_memory_order(input: Tensor, *, inplace: bool = False) -> Tensor:
    """Multiply the gradient by the step of the input in the order of its memory."""
    return _relu(input, as_if_contiguous(input) > 0, inplace=inplace)


@fault("relu")
def gradient_leaks(input: Tensor, *, inplace: bool = False) -> Tensor:
    """Pass 1 % of the gradient on below 0."""
    return _relu(input, (input > 0) + (input < 0) / 100, inplace=inplace)


@fault("sigmoid", issue="huggingface/candle#1722")
def gradient_overflows(input: Tensor) -> Tensor:
    """Compute the gradient as exp(-x) / (1 + exp(-x))^2, which is inf / inf."""
    exponential = (-input).exp()
    return _sigmoid(input, exponential / (1 + exponential) ** 2)


@fault("sigmoid")
def gradient_of_rounded_output(input: Tensor) -> Tensor:
    """Compute the gradient s (1 - s) from s in float32."""
    output = input.float().sigmoid()
    return _sigmoid(input, output * (1 - output))


@fault("sigmoid")
def gradient_by_complement(input: Tensor) -> Tensor:
    """Compute the gradient from 1 - sigmoid(-x), which cancels below 0."""
    complement = 1 - (-input).sigmoid()
    return _sigmoid(input, complement * (1 - complement))


@fault("sigmoid", issue="pytorch/pytorch#175188")
def sigmoid_gradient_of_memory_order(input: Tensor) -> Tensor:
    """Multiply the gradient by the derivative of the input in the order of its memory."""
    output = as_if_contiguous(input).sigmoid()
    return _sigmoid(input, output * (1 - output))


@fault("sigmoid")
def sigmoid_gradient_rounded(input: Tensor) -> Tensor:
    """Round the gradient to float32."""
    output = input.sigmoid()
    return _sigmoid(input, (output * (1 - output)).float())


@fault("relu")
def gradient_multiplied_by_a_mask(input: Tensor, *, inplace: bool = False) -> Tensor:
    """Multiply the gradient by 0 or 1, which makes NaN of an infinite one."""
    return _relu(input, input > 0, inplace=inplace)
