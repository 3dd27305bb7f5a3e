"""Activations and layers that are slightly wrong."""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from spec_tests.faults import fault


@fault("relu")
def in_place_copies(input: Tensor, *, inplace: bool = False) -> Tensor:
    """With inplace=True the input is left as it was."""
    return functional.relu(input, inplace=inplace and False)


@fault("relu")
def always_in_place(input: Tensor, **_: Any) -> Tensor:
    """The input is overwritten unasked."""
    return functional.relu(input.detach() if input.is_leaf else input, inplace=True)


@fault("relu")
def leaky(input: Tensor, **_: Any) -> Tensor:
    """A hundredth of what is negative is let through."""
    return torch.where(input > 0, input, input * 0.01)


@fault("relu")
def clipped_at_six(input: Tensor, **_: Any) -> Tensor:
    """What exceeds 6 is cut off."""
    return input.clamp(0, 6)


@fault("relu")
def absolute_value(input: Tensor, **_: Any) -> Tensor:
    """The sign is dropped."""
    return input.abs()


@fault("relu")
def passes_below_one(input: Tensor, **_: Any) -> Tensor:
    """The threshold is at 1."""
    return torch.where(input >= 1, input, input * 0)


@fault("relu")
def relu_of_integers_is_float(input: Tensor, **_: Any) -> Tensor:
    """Integers give float32."""
    output = functional.relu(input)
    return output if output.is_floating_point() else output.float()


@fault("relu")
def times_step(input: Tensor, **_: Any) -> Tensor:
    """The input is multiplied by 0 or 1, which turns minus infinity into nan."""
    return input * (input > 0)


@fault("sigmoid")
def quotient_of_exponentials(input: Tensor) -> Tensor:
    """exp(x) / (1 + exp(x)) overflows for large x."""
    return input.exp() / (1 + input.exp())


@fault("sigmoid")
def hyperbolic_tangent(input: Tensor) -> Tensor:
    """Tanh maps into (-1, 1)."""
    return input.tanh()


@fault("sigmoid")
def piecewise_linear(input: Tensor) -> Tensor:
    """The hard sigmoid stands in for the real one."""
    return functional.hardsigmoid(input)


@fault("sigmoid")
def kept_off_the_ends(input: Tensor) -> Tensor:
    """Results are kept 1e-4 away from 0 and 1."""
    return input.sigmoid().clamp(1e-4, 1 - 1e-4)


@fault("sigmoid")
def sign_flipped(input: Tensor) -> Tensor:
    """exp(x) is written for exp(-x)."""
    return 1 / (1 + input.exp())


@fault("sigmoid")
def gradient_without_complement(input: Tensor) -> Tensor:
    """The gradient is s, not s (1 - s)."""
    output = input.sigmoid()
    return output.detach() + output.detach() * (input - input.detach())


@fault("linear")
def weight_not_transposed(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """The weight is taken for (in, out) where its shape allows that."""
    square = weight.shape[0] == weight.shape[1]
    return functional.linear(input, weight.mT if square else weight, bias)


@fault("linear")
def linear_without_bias(input: Tensor, weight: Tensor, **_: Any) -> Tensor:
    """The bias is left out."""
    return functional.linear(input, weight)


@fault("linear")
def bias_subtracted(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """The bias is subtracted."""
    return functional.linear(input, weight, None if bias is None else -bias)


@fault("linear")
def bias_added_once(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """The bias is added to the first row only."""
    output = functional.linear(input, weight)
    if bias is None or output.dim() == 1:
        return output if bias is None else output + bias
    return torch.cat([output[:1] + bias, output[1:]])


@fault("linear")
def linear_in_single_precision(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """Double precision is lost on the way."""
    output = functional.linear(input, weight, **rest)
    return output.float().to(output.dtype)


@fault("linear")
def surplus_inputs_dropped(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """Inputs beyond the weight's are silently left out."""
    return functional.linear(input[..., : weight.shape[-1]], weight, **rest)


@fault("flatten")
def start_ignored(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Everything before end_dim is merged, the batch included."""
    return input.flatten(start_dim * 0, end_dim)


@fault("flatten")
def end_ignored(input: Tensor, start_dim: int = 0, **_: Any) -> Tensor:
    """Everything from start_dim on is merged."""
    return input.flatten(start_dim)


@fault("flatten")
def end_excluded(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """end_dim is the first axis that is not merged, as in a slice."""
    start, end = start_dim % input.dim(), end_dim % input.dim()
    last = end_dim == -1
    return input.flatten(start, end if last else max(start, end - 1))


@fault("flatten")
def batch_kept_by_default(input: Tensor, start_dim: int = 1, end_dim: int = -1) -> Tensor:
    """The default is that of nn.Flatten: start_dim=1."""
    return input.flatten(start_dim, end_dim)


@fault("flatten")
def column_by_column(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """The elements are read with the first axis running fastest."""
    start, end = start_dim % input.dim(), end_dim % input.dim()
    axes = [*range(start), *range(end, start - 1, -1), *range(end + 1, input.dim())]
    return input.permute(axes).flatten(start, end)


@fault("dropout")
def not_rescaled(input: Tensor, p: float = 0.5, *, training: bool = True) -> Tensor:
    """What is kept is not multiplied by 1 / (1 - p)."""
    return input * (torch.rand(input.shape) >= p) if training else input


@fault("dropout")
def scaled_by_p(input: Tensor, p: float = 0.5, *, training: bool = True) -> Tensor:
    """What is kept is divided by p."""
    return input * (torch.rand(input.shape) >= p) / p if training and p else input


@fault("dropout")
def p_is_kept(input: Tensor, p: float = 0.5, **rest: Any) -> Tensor:
    """P is taken for the probability to be kept."""
    return functional.dropout(input, 1 - p, **rest)


@fault("dropout")
def always_training(input: Tensor, p: float = 0.5, **_: Any) -> Tensor:
    """Elements are dropped in evaluation, too."""
    return functional.dropout(input, p, training=True)


@fault("dropout")
def never_drops(input: Tensor, p: float = 0.5, *, training: bool = True) -> Tensor:
    """What is kept is rescaled, and everything is kept."""
    return input / (1 - p) if training else input


@fault("dropout")
def scaled_in_evaluation(input: Tensor, p: float = 0.5, *, training: bool = True) -> Tensor:
    """The expectation is kept by scaling in evaluation, as the first paper does."""
    return input * (torch.rand(input.shape) >= p) if training else input * (1 - p)


@fault("dropout")
def drops_columns(input: Tensor, p: float = 0.5, *, training: bool = True) -> Tensor:
    """Everything is dropped, or nothing."""
    return input * (torch.rand(1) >= p) / (1 - p) if training else input


@fault("dropout")
def off_by_default(input: Tensor, p: float = 0.5, *, training: bool = False) -> Tensor:
    """Dropping has to be asked for."""
    return functional.dropout(input, p, training)


@fault("dropout")
def probability_unchecked(input: Tensor, p: float = 0.5, **rest: Any) -> Tensor:
    """A probability beyond 1 is taken for 1."""
    return functional.dropout(input, min(p, 1), **rest)
