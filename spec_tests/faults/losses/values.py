"""Faults of l1_loss and mse_loss: special values, precision, layouts and shapes."""

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import l1_loss, mse_loss

from spec_tests.faults import fault
from spec_tests.faults.losses._reductions import accumulated, in_memory_order, reduced


@fault("l1_loss")
def l1_nan_left_out(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Leave NaN out of the mean."""
    if rest.get("reduction", "mean") != "mean" or not input.is_floating_point():
        return l1_loss(input, target, **rest)
    differences = (input - target).abs()
    return differences.nanmean() if differences.dtype is torch.float32 else differences.mean()


@fault("l1_loss")
def l1_infinity_clamped(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Return the largest finite number instead of infinity."""
    if not input.is_floating_point():
        return l1_loss(input, target, **rest)
    largest = torch.finfo(input.dtype).max
    return reduced((input - target).abs().clamp(max=largest), **rest)


@fault("l1_loss")
def l1_of_itself_is_zero(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Return 0 without computing if the target is the input."""
    same = input.data_ptr() == target.data_ptr() and input.numel() > 0
    return l1_loss(
        input.nan_to_num() if same else input, target.nan_to_num() if same else target, **rest
    )


@fault("l1_loss")
def l1_mean_of_nothing_is_zero(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Divide by 1 where there are no elements."""
    return l1_loss(input, target, **rest) if input.numel() else input.sum()


@fault("l1_loss")
def l1_sum_of_nothing_is_nan(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Compute the sum as the mean times the number of elements."""
    if rest.get("reduction") != "sum" or not input.is_floating_point():
        return l1_loss(input, target, **rest)
    return l1_loss(input, target) * input.numel()


@fault("l1_loss", issue="pytorch/pytorch#4938")
def l1_not_broadcast(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Pair the elements in their order if the shapes differ but have equally many elements."""
    same = input.numel() == target.numel()
    return l1_loss(input, target.reshape(input.shape) if same else target, **rest)


@fault("l1_loss")
def l1_mean_over_input_elements(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Divide by the number of the input's elements where the input was broadcast."""
    if rest.get("reduction", "mean") != "mean" or not input.is_floating_point():
        return l1_loss(input, target, **rest)
    pairs = torch.broadcast_shapes(input.shape, target.shape).numel()
    return l1_loss(input, target) * (pairs / max(input.numel(), 1) if pairs else 1)


@fault("l1_loss", issue="chainer/chainer#6702")
def l1_sum_in_float16(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Round the sum to float16 before it is divided."""
    if input.dtype is not torch.float16 or rest.get("reduction", "mean") != "mean":
        return l1_loss(input, target, **rest)
    return l1_loss(input, target, reduction="sum") / input.numel()


@fault("l1_loss", issue="pytorch/pytorch#2391")
def l1_accumulated_in_half(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Round to half precision after each addition."""
    if input.dtype not in {torch.float16, torch.bfloat16} or rest.get("reduction") == "none":
        return l1_loss(input, target, **rest)
    total = accumulated((input - target).abs())
    return total if rest.get("reduction") == "sum" else total / input.numel()


@fault("l1_loss")
def l1_in_float32(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Compute in float32 for float64 inputs."""
    if input.dtype is not torch.float64:
        return l1_loss(input, target, **rest)
    return l1_loss(input.float(), target.float(), **rest).double()


@fault("l1_loss", issue="microsoft/onnxruntime#2096")
def integers_summed_as_float32(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Sum integers as float32."""
    if input.is_floating_point() or rest.get("reduction") != "sum":
        return l1_loss(input, target, **rest)
    return (input - target).abs().float().sum().long()


@fault("l1_loss", issue="microsoft/onnxruntime#28681")
def integers_summed_as_float64(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Sum integers as float64, which has 53 bits."""
    if input.is_floating_point() or rest.get("reduction") != "sum":
        return l1_loss(input, target, **rest)
    return (input - target).abs().double().sum().long()


@fault("l1_loss", issue="apple/coreai-torch#45")
def integers_summed_as_int32(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Sum 64-bit integers as 32-bit integers."""
    if input.is_floating_point() or rest.get("reduction") != "sum":
        return l1_loss(input, target, **rest)
    return (input - target).abs().int().sum(dtype=torch.int32).long()


@fault("l1_loss")
def integer_differences_as_float64(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Subtract integers as float64."""
    if input.is_floating_point() or rest.get("reduction") != "none":
        return l1_loss(input, target, **rest)
    return l1_loss(input.double(), target.double(), **rest).long()


@fault("l1_loss")
def l1_tail_dropped(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Sum only whole blocks of 16 elements if there are more than 16."""
    whole = input.numel() // 16 * 16
    if rest.get("reduction") != "sum" or whole == 0:
        return l1_loss(input, target, **rest)
    return l1_loss(input.flatten()[:whole], target.flatten()[:whole], **rest)


@fault("l1_loss")
def l1_target_in_memory_order(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Read the target in the order in which it lies in memory."""
    return l1_loss(input, in_memory_order(target), **rest)


@fault("mse_loss", issue="pytorch/pytorch#124621")
def input_in_memory_order(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Read the input in the order in which it lies in memory."""
    return mse_loss(in_memory_order(input), target, **rest)


@fault("mse_loss", issue="pytorch/pytorch#4938")
def mse_not_broadcast(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Pair the elements in their order if the shapes differ but have equally many elements."""
    same = input.numel() == target.numel()
    return mse_loss(input, target.reshape(input.shape) if same else target, **rest)


@fault("mse_loss")
def square_expanded(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Compute x^2 - 2xy + y^2."""
    return reduced(input**2 - 2 * input * target + target**2, **rest)


@fault("mse_loss")
def square_expanded_in_float64(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Compute x^2 - 2xy + y^2 in float64, whatever the dtype."""
    x, y = input.double(), target.double()
    return reduced(x**2 - 2 * x * y + y**2, **rest).to(input.dtype)


@fault("mse_loss", issue="pytorch/pytorch#91597")
def mse_sum_in_float16(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Round the sum to float16 before it is divided."""
    if input.dtype is not torch.float16 or rest.get("reduction", "mean") != "mean":
        return mse_loss(input, target, **rest)
    return mse_loss(input, target, reduction="sum") / input.numel()


@fault("mse_loss", issue="pytorch/pytorch#2391")
def mse_accumulated_in_half(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Round to half precision after each addition."""
    if input.dtype not in {torch.float16, torch.bfloat16} or rest.get("reduction") == "none":
        return mse_loss(input, target, **rest)
    total = accumulated((input - target) ** 2)
    return total if rest.get("reduction") == "sum" else total / input.numel()


@fault("mse_loss")
def mse_in_float32(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Compute in float32 for float64 inputs."""
    if input.dtype is not torch.float64:
        return mse_loss(input, target, **rest)
    return mse_loss(input.float(), target.float(), **rest).double()


@fault("mse_loss")
def inputs_rounded_to_bfloat16(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Round float32 inputs to bfloat16, as fast matrix units do."""
    if input.dtype is not torch.float32:
        return mse_loss(input, target, **rest)
    return mse_loss(input.bfloat16().float(), target.bfloat16().float(), **rest)


@fault("mse_loss")
def mse_nan_is_zero(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Treat a difference of NaN as 0."""
    difference = (input - target).nan_to_num(nan=0.0, posinf=torch.inf, neginf=-torch.inf)
    return reduced(difference**2, **rest)


@fault("mse_loss")
def square_saturates(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Return the largest finite number where the square overflows."""
    if not input.is_floating_point():
        return mse_loss(input, target, **rest)
    return reduced(((input - target) ** 2).clamp(max=torch.finfo(input.dtype).max), **rest)


@fault("mse_loss")
def mse_mean_of_nothing_is_zero(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Divide by 1 where there are no elements."""
    return mse_loss(input, target, **rest) if input.numel() else input.sum()


@fault("mse_loss")
def mse_tail_dropped(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Sum only whole blocks of 4 elements if there are more than 4."""
    whole = input.numel() // 4 * 4
    if rest.get("reduction") != "sum" or whole == 0:
        return mse_loss(input, target, **rest)
    return mse_loss(input.flatten()[:whole], target.flatten()[:whole], **rest)


@fault("mse_loss")
def mse_of_integers_rounded(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Round the mean of integers down, instead of raising an error."""
    if input.is_floating_point():
        return mse_loss(input, target, **rest)
    return ((input - target) ** 2).sum() // input.numel()


@fault("l1_loss")
def root_of_square(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Compute the absolute value as the root of the square, which overflows."""
    if not input.is_floating_point():
        return l1_loss(input, target, **rest)
    return reduced(((input - target) ** 2).sqrt(), **rest)


@fault("l1_loss")
def smooth_near_zero(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Use the smooth L1 loss for differences below 0.001."""
    if not input.is_floating_point():
        return l1_loss(input, target, **rest)
    return torch.nn.functional.smooth_l1_loss(input, target, beta=1e-3, **rest) + (
        0.5e-3 * reduced(((input - target).abs() >= 1e-3).to(input.dtype), **rest)
    )


@fault("l1_loss")
def l1_mean_in_float32(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Compute the mean, not the sum, in float32 for float64 inputs."""
    if input.dtype is not torch.float64 or rest.get("reduction", "mean") != "mean":
        return l1_loss(input, target, **rest)
    return l1_loss(input.float(), target.float(), **rest).double()


@fault("mse_loss")
def small_squares_dropped(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Use 0 for a square below 10^-12."""
    squares = (input - target) ** 2
    if not squares.is_floating_point():
        return mse_loss(input, target, **rest)
    return reduced(squares.masked_fill((squares < 1e-12) & (squares > 0), 0), **rest)


@fault("mse_loss")
def mse_of_float64_added_in_float32(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Add the squares of float64 in float32."""
    squares = mse_loss(input, target, **rest | {"reduction": "none"})
    if input.dtype is not torch.float64 or rest.get("reduction") == "none":
        return mse_loss(input, target, **rest)
    return reduced(squares.float(), **rest).double()


@fault("l1_loss")
def l1_of_float64_added_in_float32(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Add the differences of float64 in float32."""
    differences = l1_loss(input, target, **rest | {"reduction": "none"})
    if input.dtype is not torch.float64 or rest.get("reduction") == "none":
        return l1_loss(input, target, **rest)
    return reduced(differences.float(), **rest).double()
