"""Faults of the activations, and of linear, flatten and dropout."""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from spec_tests.faults import fault


@fault("relu")
def inplace_ignored(input: Tensor, *, inplace: bool = False) -> Tensor:
    """With inplace=True, leave the input unchanged."""
    return functional.relu(input, inplace=inplace and False)


@fault("relu")
def always_inplace(input: Tensor, **_: Any) -> Tensor:
    """Overwrite the input without inplace=True."""
    return functional.relu(input.detach() if input.is_leaf else input, inplace=True)


@fault("relu")
def leaky(input: Tensor, **_: Any) -> Tensor:
    """Return 0.01 x where x is negative, as in leaky ReLU."""
    return torch.where(input > 0, input, input * 0.01)


@fault("relu")
def clipped_at_six(input: Tensor, **_: Any) -> Tensor:
    """Limit the output to 6, as in ReLU6."""
    return input.clamp(0, 6)


@fault("relu")
def absolute_value(input: Tensor, **_: Any) -> Tensor:
    """Return the absolute value."""
    return input.abs()


@fault("relu")
def threshold_at_one(input: Tensor, **_: Any) -> Tensor:
    """Return 0 below 1 instead of below 0."""
    return torch.where(input >= 1, input, input * 0)


@fault("relu")
def integers_become_floats(input: Tensor, **_: Any) -> Tensor:
    """Return float32 for integers."""
    output = functional.relu(input)
    return output if output.is_floating_point() else output.float()


@fault("relu")
def multiplied_by_step(input: Tensor, **_: Any) -> Tensor:
    """Multiply the input by 0 or 1, which turns minus infinity into nan."""
    return input * (input > 0)


@fault("sigmoid")
def quotient_of_exponentials(input: Tensor) -> Tensor:
    """Compute exp(x) / (1 + exp(x)), which overflows for large x."""
    return input.exp() / (1 + input.exp())


@fault("sigmoid")
def hyperbolic_tangent(input: Tensor) -> Tensor:
    """Return tanh(x), which is in (-1, 1)."""
    return input.tanh()


@fault("sigmoid")
def hard_sigmoid(input: Tensor) -> Tensor:
    """Return the hard sigmoid, which is piecewise linear."""
    return functional.hardsigmoid(input)


@fault("sigmoid")
def clamped_away_from_ends(input: Tensor) -> Tensor:
    """Limit the output to 1e-4 from 0 and from 1."""
    return input.sigmoid().clamp(1e-4, 1 - 1e-4)


@fault("sigmoid")
def exponent_sign_flipped(input: Tensor) -> Tensor:
    """Compute 1 / (1 + exp(x)) instead of 1 / (1 + exp(-x))."""
    return 1 / (1 + input.exp())


@fault("sigmoid")
def gradient_without_complement(input: Tensor) -> Tensor:
    """Return the gradient s instead of s (1 - s)."""
    output = input.sigmoid()
    # The added term is 0, and its derivative is the output.
    return output.detach() + output.detach() * (input - input.detach())


@fault("linear")
def weight_not_transposed(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Treat a square weight as (in, out) instead of (out, in)."""
    square = weight.shape[0] == weight.shape[1]
    return functional.linear(input, weight.mT if square else weight, bias)


@fault("linear")
def linear_without_bias(input: Tensor, weight: Tensor, **_: Any) -> Tensor:
    """Omit the bias."""
    return functional.linear(input, weight)


@fault("linear")
def bias_subtracted(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Subtract the bias."""
    return functional.linear(input, weight, None if bias is None else -bias)


@fault("linear")
def bias_added_to_first_row(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Add the bias to the first row of the batch only."""
    output = functional.linear(input, weight)
    if bias is None or output.dim() == 1:
        return output if bias is None else output + bias
    return torch.cat([output[:1] + bias, output[1:]])


@fault("linear")
def linear_rounded_to_float32(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """Round float64 to float32."""
    output = functional.linear(input, weight, **rest)
    return output.float().to(output.dtype)


@fault("linear")
def surplus_inputs_dropped(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """Ignore inputs beyond those of the weight, instead of raising an error."""
    return functional.linear(input[..., : weight.shape[-1]], weight, **rest)


@fault("flatten")
def start_dim_ignored(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Merge all axes before end_dim, the batch included."""
    return input.flatten(start_dim * 0, end_dim)


@fault("flatten")
def end_dim_ignored(input: Tensor, start_dim: int = 0, **_: Any) -> Tensor:
    """Merge all axes from start_dim on."""
    return input.flatten(start_dim)


@fault("flatten")
def end_dim_excluded(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Leave out axis end_dim, as a slice would."""
    start, end = start_dim % input.dim(), end_dim % input.dim()
    last = end_dim == -1
    return input.flatten(start, end if last else max(start, end - 1))


@fault("flatten")
def batch_kept_by_default(input: Tensor, start_dim: int = 1, end_dim: int = -1) -> Tensor:
    """Use start_dim=1 by default, as nn.Flatten does."""
    return input.flatten(start_dim, end_dim)


@fault("flatten")
def column_major(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Read the elements in column-major order: the first axis varies fastest."""
    start, end = start_dim % input.dim(), end_dim % input.dim()
    axes = [*range(start), *range(end, start - 1, -1), *range(end + 1, input.dim())]
    return input.permute(axes).flatten(start, end)


@fault("dropout")
def not_rescaled(input: Tensor, p: float = 0.5, *, training: bool = True) -> Tensor:
    """Do not multiply the kept elements by 1 / (1 - p)."""
    return input * (torch.rand(input.shape) >= p) if training else input


@fault("dropout")
def divided_by_p(input: Tensor, p: float = 0.5, *, training: bool = True) -> Tensor:
    """Divide the kept elements by p."""
    return input * (torch.rand(input.shape) >= p) / p if training and p else input


@fault("dropout")
def p_is_probability_to_keep(input: Tensor, p: float = 0.5, **rest: Any) -> Tensor:
    """Treat p as the probability of keeping an element."""
    return functional.dropout(input, 1 - p, **rest)


@fault("dropout")
def always_training(input: Tensor, p: float = 0.5, **_: Any) -> Tensor:
    """Drop elements in evaluation as well."""
    return functional.dropout(input, p, training=True)


@fault("dropout")
def never_drops(input: Tensor, p: float = 0.5, *, training: bool = True) -> Tensor:
    """Rescale the elements without dropping any."""
    return input / (1 - p) if training else input


@fault("dropout")
def scaled_in_evaluation(input: Tensor, p: float = 0.5, *, training: bool = True) -> Tensor:
    """Scale by 1 - p in evaluation instead of 1 / (1 - p) in training, as the first paper does."""
    return input * (torch.rand(input.shape) >= p) if training else input * (1 - p)


@fault("dropout")
def drops_all_or_nothing(input: Tensor, p: float = 0.5, *, training: bool = True) -> Tensor:
    """Drop either all elements or none."""
    return input * (torch.rand(1) >= p) / (1 - p) if training else input


@fault("dropout")
def off_by_default(input: Tensor, p: float = 0.5, *, training: bool = False) -> Tensor:
    """Drop nothing unless training=True is passed."""
    return functional.dropout(input, p, training)


@fault("dropout")
def probability_above_one_accepted(input: Tensor, p: float = 0.5, **rest: Any) -> Tensor:
    """Treat a probability above 1 as 1, instead of raising an error."""
    return functional.dropout(input, min(p, 1), **rest)
