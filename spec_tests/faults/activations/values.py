"""Faults of ReLU and sigmoid on special values, and in their precision."""

import torch
from torch import Tensor
from torch.nn import functional

from spec_tests.faults import fault


@fault("relu", issue="pytorch/pytorch#7999")
def nan_to_zero(input: Tensor, *, inplace: bool = False) -> Tensor:
    """Return 0 for NaN, as a comparison x > 0 ? x : 0 does."""
    output = torch.where(input > 0, input, torch.zeros_like(input))
    return input.copy_(output) if inplace else output


@fault("relu", issue="pytorch/pytorch#10238")
def nan_to_zero_in_place(input: Tensor, *, inplace: bool = False) -> Tensor:
    """Return 0 for NaN only where the result overwrites the input."""
    output = functional.relu(input)
    return input.copy_(output.nan_to_num(0, torch.inf)) if inplace else output


@fault("relu", issue="tensorflow/tensorflow#40072")
def nan_to_zero_at_the_end(input: Tensor, *, inplace: bool = False) -> Tensor:
    """Return 0 for NaN in the last element, which the vectorised loop leaves over."""
    output = functional.relu(input, inplace)
    last = (-1,) * output.dim()
    if output.numel() % 4 and output[last].isnan():
        output[last] = 0
    return output


@fault("relu")
def nan_for_negative_infinity(input: Tensor, *, inplace: bool = False) -> Tensor:
    """Compute (x + |x|) / 2, which is NaN for minus infinity."""
    output = (input + input.abs()) / 2
    output = output.to(input.dtype)
    return input.copy_(output) if inplace else output


@fault("relu")
def overflow_of_the_largest(input: Tensor, *, inplace: bool = False) -> Tensor:
    """Compute (x + |x|) / 2 for finite numbers, which overflows for the largest."""
    output = functional.relu(input)
    if input.is_floating_point():
        output = torch.where(input.isfinite(), (input + input.abs()) / 2, output)
    return input.copy_(output) if inplace else output


@fault("relu", issue="jax-ml/jax#26668")
def subnormal_flushed(input: Tensor, *, inplace: bool = False) -> Tensor:
    """Return 0 for positive numbers below the smallest normal one."""
    output = functional.relu(input, inplace)
    if output.is_floating_point():
        output[output < torch.finfo(output.dtype).tiny] = 0
    return output


@fault("relu")
def relu_rounded_to_float32(input: Tensor, *, inplace: bool = False) -> Tensor:
    """Round float64 to float32."""
    output = functional.relu(input, inplace)
    return output.copy_(output.float()) if output.dtype == torch.float64 else output


@fault("relu")
def relu_rounded_to_float16(input: Tensor, *, inplace: bool = False) -> Tensor:
    """Carry bfloat16 through float16, which overflows."""
    output = functional.relu(input, inplace)
    return output.copy_(output.half()) if output.dtype == torch.bfloat16 else output


@fault("relu", issue="tensorflow/tensorflow#35430")
def integers_through_float32(input: Tensor, *, inplace: bool = False) -> Tensor:
    """Carry integers through float32, which has 24 bits."""
    output = functional.relu(input, inplace)
    return output if output.is_floating_point() else output.float().to(output.dtype)


@fault("relu")
def integers_through_float64(input: Tensor, *, inplace: bool = False) -> Tensor:
    """Carry integers through float64, which has 53 bits."""
    output = functional.relu(input, inplace)
    return output if output.is_floating_point() else output.double().to(output.dtype)


@fault("relu", issue="rustnn/rustnn#43")
def integers_wrap_at_32_bits(input: Tensor, *, inplace: bool = False) -> Tensor:
    """Carry integers through int32, which wraps around."""
    output = functional.relu(input, inplace)
    return output if output.is_floating_point() else output.int().relu().to(output.dtype)


@fault("relu", issue="pytorch/pytorch#15634")
def integers_compared_by_halves(input: Tensor, *, inplace: bool = False) -> Tensor:
    """Take the sign of int64 from its lower 32 bits."""
    if input.is_floating_point():
        return functional.relu(input, inplace)
    return torch.where(input.int() < 0, 0, input)


@fault("sigmoid", issue="clab/dynet#1525")
def half_beyond_overflow(input: Tensor) -> Tensor:
    """Return 0.5 where exp(|x|) overflows."""
    return torch.where(input.abs().exp().isinf(), 0.5, input.sigmoid()).to(input.dtype)


@fault("sigmoid", issue="Tencent/ncnn#1284")
def nan_below_overflow(input: Tensor) -> Tensor:
    """Return NaN where exp(-x) overflows, as an approximate reciprocal of infinity does."""
    return input.sigmoid() + 0 * (-input).exp()


@fault("sigmoid", issue="microsoft/onnxruntime#24685")
def tail_by_subtraction(input: Tensor) -> Tensor:
    """Compute 1 - sigmoid(-x) for negative x, which cancels."""
    return torch.where(input < 0, 1 - (-input).sigmoid(), input.sigmoid())


@fault("sigmoid")
def by_hyperbolic_tangent(input: Tensor) -> Tensor:
    """Compute (tanh(x / 2) + 1) / 2, which cancels for negative x."""
    return ((input / 2).tanh() + 1) / 2


@fault("sigmoid")
def clamped_at_thirty(input: Tensor) -> Tensor:
    """Limit x to [-30, 30] before the exponential."""
    return input.clamp(-30, 30).sigmoid()


@fault("sigmoid")
def sigmoid_rounded_to_float32(input: Tensor) -> Tensor:
    """Compute float64 in float32."""
    return input.float().sigmoid().to(input.dtype)


@fault("sigmoid")
def sigmoid_of_integers_is_an_integer(input: Tensor) -> Tensor:
    """Keep the dtype of integers."""
    return input.sigmoid().to(input.dtype)


@fault("sigmoid")
def float64_result_rounded(input: Tensor) -> Tensor:
    """Compute in float64 and store the result as float32."""
    return input.sigmoid().float().to(input.dtype)


@fault("sigmoid", issue="microsoft/onnxruntime#14727")
def computed_in_float16(input: Tensor) -> Tensor:
    """Round each step to float16, with a subtraction in the tail."""
    if input.dtype != torch.float16:
        return input.sigmoid()
    return 1 - 1 / (1 + input.exp())


@fault("sigmoid", issue="ml-explore/mlx#2666")
def float16_tail_is_zero(input: Tensor) -> Tensor:
    """Return 0 in float16 below exp(x) = 2^-11, the unit roundoff."""
    output = input.sigmoid()
    if input.dtype == torch.float16:
        output[output < 2.0**-11] = 0
    return output


@fault("sigmoid", issue="tensorflow/tensorflow#123104")
def computed_in_bfloat16(input: Tensor) -> Tensor:
    """Round each step to bfloat16, with a subtraction in the tail."""
    if input.dtype != torch.bfloat16:
        return input.sigmoid()
    return 1 - 1 / (1 + input.exp())


@fault("sigmoid")
def nan_saturates(input: Tensor) -> Tensor:
    """Return 1 for NaN: neither branch of the comparison is taken."""
    return torch.where(input.isnan(), 1.0, input.sigmoid()).to(input.dtype)


@fault("sigmoid")
def infinity_gives_nan(input: Tensor) -> Tensor:
    """Return NaN for infinity alone, where exp(x) / (1 + exp(x)) is taken."""
    return torch.where(input == torch.inf, torch.nan, input.sigmoid()).to(input.dtype)


@fault("sigmoid")
def tail_cut_off(input: Tensor) -> Tensor:
    """Return 0 below -40 and 1 above 16, as a lookup table does."""
    return torch.where(input < -40, 0.0, torch.where(input > 16, 1.0, input.sigmoid())).to(
        input.dtype
    )
