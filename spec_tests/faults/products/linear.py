"""Faults of linear on special values, in its precision, and for some sizes and layouts."""

import torch
from torch import Tensor
from torch.nn import functional

from spec_tests.faults import fault
from spec_tests.faults._memory import as_if_contiguous, as_if_dense
from spec_tests.faults._rounding import (
    HALF,
    sums_in_dtype,
    through_float32,
    to_bfloat16,
    to_tf32,
)

Bias = Tensor | None

linear = functional.linear


@fault("linear", issue="Reference-LAPACK/lapack#179")
def zero_weights_skipped(input: Tensor, weight: Tensor, bias: Bias = None) -> Tensor:
    """Skip zero weights, which hides infinities and NaN under them."""
    if not input.is_floating_point() or input.isfinite().all():
        return linear(input, weight, bias)
    reached = linear(input.isfinite().logical_not().float(), (weight != 0).float())
    finite = linear(input.nan_to_num(0, 0, 0), weight, bias)
    return torch.where(reached > 0, linear(input, weight, bias), finite)


@fault("linear", issue="tenstorrent/tt-metal#22517")
def nan_and_infinity_lost(input: Tensor, weight: Tensor, bias: Bias = None) -> Tensor:
    """Treat NaN and infinities of the input as 0."""
    floats = input.is_floating_point()
    return linear(input.nan_to_num(0, 0, 0) if floats else input, weight, bias)


@fault("linear")
def nan_of_the_weight_lost(input: Tensor, weight: Tensor, bias: Bias = None) -> Tensor:
    """Treat NaN and infinities of the weight as 0."""
    floats = weight.is_floating_point()
    return linear(input, weight.nan_to_num(0, 0, 0) if floats else weight, bias)


@fault("linear", issue="OpenMathLib/OpenBLAS#929")
def nan_of_the_bias_lost(input: Tensor, weight: Tensor, bias: Bias = None) -> Tensor:
    """Treat NaN of the bias as 0."""
    if bias is None or not bias.is_floating_point():
        return linear(input, weight, bias)
    return linear(input, weight, bias.nan_to_num(0))


@fault("linear")
def nan_in_every_row(input: Tensor, weight: Tensor, bias: Bias = None) -> Tensor:
    """Let a NaN of one row spread to all rows."""
    output = linear(input, weight, bias)
    return output + output.isnan().any(0) * torch.nan if output.isnan().any() else output


@fault("linear")
def clipped_to_the_largest(input: Tensor, weight: Tensor, bias: Bias = None) -> Tensor:
    """Return the largest finite number instead of infinity."""
    output = linear(input, weight, bias)
    return output.nan_to_num(torch.nan) if output.is_floating_point() else output


@fault("linear", issue="ml-explore/mlx#3860")
def inputs_rounded_to_tf32(input: Tensor, weight: Tensor, bias: Bias = None) -> Tensor:
    """Round the factors to the 11 bits of TF32."""
    return linear(to_tf32(input), to_tf32(weight), bias)


@fault("linear", issue="NVIDIA/cutlass#1188")
def half_precision_sums(input: Tensor, weight: Tensor, bias: Bias = None) -> Tensor:
    """Accumulate float16 and bfloat16 in their own precision."""
    return _half_sums(input, weight, bias, 1)


@fault("linear")
def half_precision_partial_sums(input: Tensor, weight: Tensor, bias: Bias = None) -> Tensor:
    """Accumulate float16 and bfloat16 in eight partial sums of their own precision."""
    return _half_sums(input, weight, bias, 8)


def _half_sums(input: Tensor, weight: Tensor, bias: Bias, lanes: int) -> Tensor:
    if input.dtype not in HALF or input.dim() != 2:
        return linear(input, weight, bias)
    output = sums_in_dtype(input, weight.T, lanes)
    return output if bias is None else output + bias


@fault("linear")
def half_precision_products(input: Tensor, weight: Tensor, bias: Bias = None) -> Tensor:
    """Round products of float16 and bfloat16, before they are added up in float32."""
    if input.dtype not in HALF or input.dim() != 2 or bias is not None:
        return linear(input, weight, bias)
    return (input[:, None] * weight).float().sum(-1).to(input.dtype)


@fault("linear")
def half_precision_truncated(input: Tensor, weight: Tensor, bias: Bias = None) -> Tensor:
    """Round results of float16 and bfloat16 towards 0."""
    output = linear(input, weight, bias)
    if input.dtype not in HALF:
        return output
    exact = linear(input.double(), weight.double(), None if bias is None else bias.double())
    towards_zero = torch.nextafter(output, torch.zeros_like(output))
    return torch.where(output.double().abs() > exact.abs(), towards_zero, output)


@fault("linear", issue="JuliaLang/julia#50580")
def half_precision_vector_sums(input: Tensor, weight: Tensor, bias: Bias = None) -> Tensor:
    """Accumulate float16 in its own precision for a single row."""
    single = input.dtype == torch.float16 and len(input) == 1
    return _half_sums(input, weight, bias, 1) if single else linear(input, weight, bias)


@fault("linear", issue="ml-explore/mlx#3953")
def blocks_rounded_to_bfloat16(input: Tensor, weight: Tensor, bias: Bias = None) -> Tensor:
    """Round the factors to bfloat16 if all sides are multiples of 16."""
    sides = *input.shape, *weight.shape
    whole = all(side % 16 == 0 for side in sides)
    return linear(to_bfloat16(input) if whole else input, weight, bias)


@fault("linear", issue="tinygrad/tinygrad#18086")
def integers_in_float32(input: Tensor, weight: Tensor, bias: Bias = None) -> Tensor:
    """Compute integers in float32."""
    return _in(torch.float32, input, weight, bias)


@fault("linear", issue="cupy/cupy#3941")
def integers_in_float64(input: Tensor, weight: Tensor, bias: Bias = None) -> Tensor:
    """Compute integers in float64."""
    return _in(torch.float64, input, weight, bias)


@fault("linear")
def integers_in_int32(input: Tensor, weight: Tensor, bias: Bias = None) -> Tensor:
    """Compute int64 in int32."""
    return _in(torch.int32, input, weight, bias)


def _in(dtype: torch.dtype, input: Tensor, weight: Tensor, bias: Bias) -> Tensor:
    if input.is_floating_point():
        return linear(input, weight, bias)
    added = None if bias is None else bias.to(dtype)
    return linear(input.to(dtype), weight.to(dtype), added).to(input.dtype)


@fault("linear", issue="tensorflow/tensorflow#28811")
def input_through_float32(input: Tensor, weight: Tensor, bias: Bias = None) -> Tensor:
    """Round a float64 input to float32."""
    return linear(through_float32(input), weight, bias)


@fault("linear")
def weight_through_float32(input: Tensor, weight: Tensor, bias: Bias = None) -> Tensor:
    """Round a float64 weight to float32."""
    return linear(input, through_float32(weight), bias)


@fault("linear")
def bias_through_float32(input: Tensor, weight: Tensor, bias: Bias = None) -> Tensor:
    """Round a float64 bias to float32."""
    return linear(input, weight, None if bias is None else through_float32(bias))


def _covered(length: int, block: int) -> int:
    return length // block * block if length > block else length


@fault("linear", issue="CNugteren/myGEMM#1")
def features_in_blocks_of_thirty_two(input: Tensor, weight: Tensor, bias: Bias = None) -> Tensor:
    """Leave out the features that remain after blocks of 32."""
    kept = _covered(weight.shape[-1], 32)
    return linear(input[..., :kept], weight[..., :kept], bias)


@fault("linear", issue="mirage-project/mirage#415")
def outputs_in_blocks_of_sixteen(input: Tensor, weight: Tensor, bias: Bias = None) -> Tensor:
    """Return 0 for the outputs that remain after blocks of 16."""
    output = linear(input, weight, bias)
    output[..., _covered(len(weight), 16) :] = 0
    return output


@fault("linear")
def rows_in_blocks_of_eight(input: Tensor, weight: Tensor, bias: Bias = None) -> Tensor:
    """Omit the bias of the rows that remain after blocks of 8."""
    if bias is None or input.dim() != 2:
        return linear(input, weight, bias)
    output = linear(input, weight)
    rest = _covered(len(input), 8)
    return torch.cat([output[:rest] + bias, output[rest:]])


@fault("linear")
def bias_along_rows(input: Tensor, weight: Tensor, bias: Bias = None) -> Tensor:
    """Add the bias along the last axis but one if that has its length."""
    if bias is None or input.dim() < 3 or input.shape[-2] != len(bias):
        return linear(input, weight, bias)
    return linear(input, weight) + bias[:, None]


@fault("linear")
def no_features_without_bias(input: Tensor, weight: Tensor, bias: Bias = None) -> Tensor:
    """Return zeros if there are no features, as if nothing was to be added."""
    return linear(input, weight, bias if weight.numel() else None)


@fault("linear")
def empty_batch_flattened(input: Tensor, weight: Tensor, bias: Bias = None) -> Tensor:
    """Return an empty batch with its leading axes merged."""
    output = linear(input, weight, bias)
    return output if input.numel() or not weight.numel() else output.flatten(0, -2)


@fault("linear")
def weight_of_one_axis_keeps_it(input: Tensor, weight: Tensor, bias: Bias = None) -> Tensor:
    """Return an output axis of length 1 for a weight of one axis."""
    return linear(input, weight[None] if weight.dim() == 1 else weight, bias)


@fault("linear", issue="pytorch/pytorch#162779")
def weight_layout_ignored(input: Tensor, weight: Tensor, bias: Bias = None) -> Tensor:
    """Read the weight in the order of its memory."""
    return linear(input, as_if_contiguous(weight), bias)


@fault("linear")
def input_memory_order(input: Tensor, weight: Tensor, bias: Bias = None) -> Tensor:
    """Read the input in the order of its memory."""
    return linear(as_if_contiguous(input), weight, bias)


@fault("linear")
def leading_axes_merged_in_memory_order(input: Tensor, weight: Tensor, bias: Bias = None) -> Tensor:
    """Merge the leading axes in the order of the memory."""
    rows = as_if_contiguous(input) if input.dim() > 2 else input
    return linear(rows, weight, bias)


@fault("linear")
def slices_read_as_dense(input: Tensor, weight: Tensor, bias: Bias = None) -> Tensor:
    """Read a slice of a larger input as if its elements were adjacent in memory."""
    return linear(as_if_dense(input), weight, bias)


@fault("linear")
def repeated_rows_read_once(input: Tensor, weight: Tensor, bias: Bias = None) -> Tensor:
    """Compute an expanded input once, and return zeros for its other rows."""
    output = linear(input, weight, bias)
    if input.dim() == 2 and input.stride(0) == 0:
        output[1:] = 0
    return output


@fault("linear")
def input_scaled_in_place(input: Tensor, weight: Tensor, bias: Bias = None) -> Tensor:
    """Double the input in place, halve the result, and halve the input again."""
    if not input.is_floating_point() or input.stride(0) == 0 or input.requires_grad:
        return linear(input, weight, bias)
    input.mul_(2)
    output = linear(input, weight) / 2
    input.div_(2)
    return output if bias is None else output + bias


@fault("linear")
def zero_rows_skipped(input: Tensor, weight: Tensor, bias: Bias = None) -> Tensor:
    """Skip rows of zeros, which hides infinities and NaN of the weight."""
    output = linear(input, weight, bias)
    if input.dim() != 2 or weight.dim() != 2 or not input.is_floating_point():
        return output
    rest = linear(input, weight.nan_to_num(0, 0, 0), bias)
    return torch.where((input != 0).any(1, keepdim=True), output, rest)


@fault("linear")
def blocks_of_32_features_in_half(input: Tensor, weight: Tensor, bias: Bias = None) -> Tensor:
    """Round the sum of each 32 features to half precision before it is added."""
    if input.dtype not in HALF or weight.dim() != 2 or input.shape[-1] <= 32:
        return linear(input, weight, bias)
    blocks = zip(input.split(32, -1), weight.split(32, -1), strict=True)
    output = sum(linear(one, other) for one, other in blocks)
    return output if bias is None else output + bias
