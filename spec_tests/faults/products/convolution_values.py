"""Faults of conv2d on special values, and in how exactly it computes."""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from spec_tests.faults import fault
from spec_tests.faults._rounding import (
    HALF,
    sums_in_dtype,
    through_float32,
    to_bfloat16,
    to_tf32,
)
from spec_tests.implementations.torch import TENSOR_FUNCTIONS

conv2d = TENSOR_FUNCTIONS["conv2d"]


def _finite(values: Tensor) -> Tensor:
    return values.nan_to_num(0, 0, 0) if values.is_floating_point() else values


@fault("conv2d", issue="Reference-LAPACK/lapack#179")
def zeros_of_the_kernel_skipped(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """Skip zero weights, which hides infinities and NaN under them."""
    if not input.is_floating_point() or input.isfinite().all():
        return conv2d(input, weight, **rest)
    options = {name: value for name, value in rest.items() if name != "bias"}
    reached = conv2d(input.isfinite().logical_not().float(), (weight != 0).float(), **options)
    return torch.where(
        reached > 0, conv2d(input, weight, **rest), conv2d(_finite(input), weight, **rest)
    )


@fault("conv2d", issue="tenstorrent/tt-metal#22517")
def nan_and_infinity_become_zero(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """Treat NaN and infinities of the input as 0."""
    return conv2d(_finite(input), weight, **rest)


@fault("conv2d")
def nan_of_the_kernel_lost(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """Treat NaN and infinities of the kernel as 0."""
    return conv2d(input, _finite(weight), **rest)


@fault("conv2d", issue="OpenMathLib/OpenBLAS#929")
def nan_of_the_bias_lost(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, **rest: Any
) -> Tensor:
    """Treat NaN and infinities of the bias as 0."""
    return conv2d(input, weight, None if bias is None else _finite(bias), **rest)


@fault("conv2d")
def zeros_of_the_input_skipped(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """Skip zero elements of the input, which hides infinities and NaN of the kernel."""
    if not weight.is_floating_point() or weight.isfinite().all():
        return conv2d(input, weight, **rest)
    options = {name: value for name, value in rest.items() if name != "bias"}
    reached = conv2d((input != 0).float(), weight.isfinite().logical_not().float(), **options)
    return torch.where(
        reached > 0, conv2d(input, weight, **rest), conv2d(input, _finite(weight), **rest)
    )


@fault("conv2d")
def padding_multiplied_by_zero(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """Pad with the elements of the border times 0, which is NaN if they are infinite."""
    if rest.get("padding") != 1 or "padding_mode" in rest or input.dim() < 4:
        return conv2d(input, weight, **rest)
    mask = functional.pad(torch.ones_like(input[:, :1]), (1, 1, 1, 1))
    planes = functional.pad(input.double(), (1, 1, 1, 1), mode="replicate").to(input.dtype)
    return conv2d(planes * mask, weight, **rest | {"padding": 0})


@fault("conv2d")
def running_sums(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """Subtract running sums for a row of equal weights, which loses small elements."""
    if weight.shape[1:3] != (1, 1) or rest or not (weight == weight[..., :1]).all():
        return conv2d(input, weight, **rest)
    sums = functional.pad(input.cumsum(-1), (1, 0))
    length = weight.shape[-1]
    return (sums[..., length:] - sums[..., :-length]) * weight[:, 0, :, :1]


@fault("conv2d")
def clipped_to_the_largest_number(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """Return the largest finite number instead of infinity."""
    output = conv2d(input, weight, **rest)
    return output.nan_to_num(torch.nan) if output.is_floating_point() else output


@fault("conv2d", issue="pytorch/pytorch#79537")
def factors_rounded_to_tf32(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """Round the factors to the 11 bits of TF32."""
    return conv2d(to_tf32(input), to_tf32(weight), **rest)


@fault("conv2d", issue="ml-explore/mlx#4242")
def wide_channels_rounded_to_tf32(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """Round the factors to TF32 if the channels are multiples of 32 and the kernel is 3x3."""
    wide = weight.shape[0] % 32 == 0 == weight.shape[1] % 32 and weight.shape[2:] == (3, 3)
    return conv2d(to_tf32(input) if wide else input, weight, **rest)


@fault("conv2d")
def factors_rounded_to_bfloat16(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """Round the factors to bfloat16."""
    return conv2d(to_bfloat16(input), to_bfloat16(weight), **rest)


@fault("conv2d")
def kernel_rounded_to_tf32(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """Round the weights, but not the input, to TF32."""
    return conv2d(input, to_tf32(weight), **rest)


def _half_sums(input: Tensor, weight: Tensor, lanes: int, rest: dict[str, Any]) -> Tensor:
    whole = input.shape[1:] == weight.shape[1:]
    if input.dtype not in HALF or rest or not whole:
        return conv2d(input, weight, **rest)
    return sums_in_dtype(input.flatten(1), weight.flatten(1).T, lanes)[:, :, None, None]


@fault("conv2d", issue="tenstorrent/tt-metal#8449")
def sums_in_half_precision(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """Accumulate float16 and bfloat16 in their own precision."""
    return _half_sums(input, weight, 1, rest)


@fault("conv2d")
def partial_sums_in_half_precision(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """Accumulate float16 and bfloat16 in eight partial sums of their own precision."""
    return _half_sums(input, weight, 8, rest)


@fault("conv2d")
def products_in_half_precision(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """Round products of float16 and bfloat16, before they are added up in float32."""
    if input.dtype not in HALF or rest or input.shape[1:] != weight.shape[1:]:
        return conv2d(input, weight, **rest)
    products = input.flatten(1)[:, None] * weight.flatten(1)
    return products.float().sum(-1).to(input.dtype)[:, :, None, None]


@fault("conv2d")
def half_becomes_float32(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """Return float32 for float16 and bfloat16."""
    output = conv2d(input, weight, **rest)
    return output.float() if output.dtype in HALF else output


def _integers_as(dtype: torch.dtype, input: Tensor, weight: Tensor, rest: dict[str, Any]) -> Tensor:
    if input.is_floating_point():
        return conv2d(input, weight, **rest)
    rest |= {"bias": rest["bias"].to(dtype)} if "bias" in rest else {}
    return conv2d(input.to(dtype), weight.to(dtype), **rest).to(input.dtype)


@fault("conv2d", issue="tinygrad/tinygrad#18086")
def integers_as_float32(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """Compute integers in float32."""
    return _integers_as(torch.float32, input, weight, rest)


@fault("conv2d", issue="cupy/cupy#3941")
def integers_as_float64(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """Compute integers in float64."""
    return _integers_as(torch.float64, input, weight, rest)


@fault("conv2d")
def integers_as_int32(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """Compute int64 in int32."""
    return _integers_as(torch.int32, input, weight, rest)


@fault("conv2d", issue="jax-ml/jax#940")
def float64_input_through_float32(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """Round a float64 input to float32."""
    return conv2d(through_float32(input), weight, **rest)


@fault("conv2d")
def float64_kernel_through_float32(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """Round float64 weights to float32."""
    return conv2d(input, through_float32(weight), **rest)


@fault("conv2d")
def float64_bias_through_float32(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, **rest: Any
) -> Tensor:
    """Round a float64 bias to float32."""
    return conv2d(input, weight, None if bias is None else through_float32(bias), **rest)
