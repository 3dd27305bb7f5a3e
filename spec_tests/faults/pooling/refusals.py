"""Faults of the poolings: arguments that are accepted although PyTorch raises an error."""

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d, avg_pool2d, max_pool2d, pad

from spec_tests.faults import Function, Size, fault
from spec_tests.faults.pooling._elements import Options, pair


def _numbers(value: Size) -> tuple[int, ...]:
    return value if isinstance(value, tuple) else (value,)


def _without_batch_of_one(function: Function, input: Tensor, rest: Options) -> Tensor:
    return function(input[None], **rest)[0]


def _negative_as_positive(function: Function, name: str, input: Tensor, rest: Options) -> Tensor:
    if rest.get(name) is not None:
        rest[name] = tuple(abs(number) for number in _numbers(rest[name]))
    return function(input, **rest)


@fault("max_pool2d", issue="ml-explore/mlx#4101")
def sign_of_kernel_ignored(input: Tensor, **rest: Any) -> Tensor:
    """Use the absolute value of the kernel size."""
    return _negative_as_positive(max_pool2d, "kernel_size", input, rest)


@fault("avg_pool2d", issue="ml-explore/mlx#4101")
def sign_of_stride_ignored(input: Tensor, **rest: Any) -> Tensor:
    """Use the absolute value of the stride."""
    return _negative_as_positive(avg_pool2d, "stride", input, rest)


@fault("max_pool2d")
def sign_of_stride_ignored_in_max(input: Tensor, **rest: Any) -> Tensor:
    """Use the absolute value of the stride."""
    return _negative_as_positive(max_pool2d, "stride", input, rest)


@fault("avg_pool2d")
def sign_of_kernel_ignored_in_avg(input: Tensor, **rest: Any) -> Tensor:
    """Use the absolute value of the kernel size."""
    return _negative_as_positive(avg_pool2d, "kernel_size", input, rest)


@fault("max_pool2d", issue="pytorch/pytorch#83224")
def negative_padding_is_none(input: Tensor, **rest: Any) -> Tensor:
    """Use no padding if it is negative."""
    padding = tuple(max(number, 0) for number in _numbers(rest.pop("padding", 0)))
    return max_pool2d(input, padding=padding, **rest)


@fault("avg_pool2d")
def negative_padding_crops(input: Tensor, **rest: Any) -> Tensor:
    """Remove rows and columns if the padding is negative."""
    rows, columns = pair(rest.get("padding", 0))
    if rows >= 0 or columns >= 0:
        return avg_pool2d(input, **rest)
    return avg_pool2d(input[..., -rows:rows, -columns:columns], **rest | {"padding": 0})


def _zero_as(function: Function, name: str, input: Tensor, rest: Options, other: int) -> Tensor:
    """Call with another number instead of 0."""
    if 0 in _numbers(rest.get(name, 1)):
        rest[name] = tuple(number or other for number in _numbers(rest[name]))
    return function(input, **rest)


@fault("max_pool2d", issue="chainer/chainer#6025")
def stride_zero_is_one(input: Tensor, **rest: Any) -> Tensor:
    """Use a stride of 1 instead of 0."""
    return _zero_as(max_pool2d, "stride", input, rest, 1)


@fault("avg_pool2d", issue="pytorch/pytorch#149274")
def stride_zero_is_the_kernel(input: Tensor, **rest: Any) -> Tensor:
    """Use the kernel size as the stride instead of 0."""
    return _zero_as(avg_pool2d, "stride", input, rest, pair(rest["kernel_size"])[1])


@fault("max_pool2d", issue="tenstorrent/tt-metal#25208")
def dilation_zero_is_one(input: Tensor, **rest: Any) -> Tensor:
    """Use a dilation of 1 instead of 0."""
    return _zero_as(max_pool2d, "dilation", input, rest, 1)


@fault("max_pool2d", issue="tenstorrent/tt-metal#25208")
def max_kernel_zero_is_one(input: Tensor, **rest: Any) -> Tensor:
    """Use a kernel size of 1 instead of 0."""
    return _zero_as(max_pool2d, "kernel_size", input, rest, 1)


@fault("avg_pool2d", issue="tensorflow/tensorflow#46994")
def kernel_zero_gives_nan(input: Tensor, **rest: Any) -> Tensor:
    """Return NaN, 0 / 0, for windows without elements."""
    if 0 not in _numbers(rest["kernel_size"]):
        return avg_pool2d(input, **rest)
    return torch.full_like(input, torch.nan)


@fault("avg_pool2d")
def divisor_zero_is_none(input: Tensor, **rest: Any) -> Tensor:
    """Use the number of elements instead of a divisor of 0."""
    return avg_pool2d(input, **rest | {"divisor_override": rest.get("divisor_override") or None})


@fault("max_pool2d")
def kernel_truncated(input: Tensor, **rest: Any) -> Tensor:
    """Truncate a kernel size that is no integer."""
    kernel = tuple(int(number) for number in _numbers(rest["kernel_size"]))
    return max_pool2d(input, **rest | {"kernel_size": kernel})


@fault("avg_pool2d")
def any_number_as_divisor(input: Tensor, **rest: Any) -> Tensor:
    """Divide by divisor_override also if it is no integer."""
    if not isinstance(rest.get("divisor_override"), float):
        return avg_pool2d(input, **rest)
    return avg_pool2d(input, **rest | {"divisor_override": 1}) / rest["divisor_override"]


@fault("adaptive_avg_pool2d")
def bins_truncated(input: Tensor, output_size: Size) -> Tensor:
    """Truncate a number of bins that is no integer."""
    sizes = (None if count is None else int(count) for count in pair(output_size))
    return adaptive_avg_pool2d(input, tuple(sizes))


@fault("avg_pool2d")
def divisor_zero_gives_infinity(input: Tensor, **rest: Any) -> Tensor:
    """Divide by 0."""
    if rest.get("divisor_override") != 0:
        return avg_pool2d(input, **rest)
    return avg_pool2d(input, **rest | {"divisor_override": 1}) / 0


def _any_padding_of_columns(
    function: Function, fill: float, input: Tensor, rest: Options
) -> Tensor:
    columns, width = pair(rest.get("padding", 0))[1], pair(rest["kernel_size"])[1]
    if columns * 2 <= width or columns < 0:
        return function(input, **rest)
    wide = pad(input, (columns, columns), value=fill)
    return function(wide, **rest | {"padding": (pair(rest["padding"])[0], 0)})


@fault("max_pool2d")
def any_padding_of_columns_in_max(input: Tensor, **rest: Any) -> Tensor:
    """Check the padding of the rows only."""
    return _any_padding_of_columns(max_pool2d, -torch.inf, input, rest)


@fault("avg_pool2d", issue="CanReader/FastNN#5")
def any_padding_of_columns_in_avg(input: Tensor, **rest: Any) -> Tensor:
    """Check the padding of the rows only."""
    return _any_padding_of_columns(avg_pool2d, 0, input, rest)


@fault("avg_pool2d", issue="keras-team/keras#22916")
def oversized_window_gives_nothing(input: Tensor, **rest: Any) -> Tensor:
    """Return an empty result for a window that is larger than the input."""
    kernel = pair(rest["kernel_size"])
    if input.ndim < 3 or all(k <= n for k, n in zip(kernel, input.shape[-2:], strict=True)):
        return avg_pool2d(input, **rest)
    return input[..., :0, :0].clone()


def _pooled_padding(input: Tensor, fill: float) -> Tensor:
    return torch.full((*input.shape[:-2], 1, 1), fill, dtype=input.dtype)


@fault("max_pool2d")
def empty_plane_gives_minus_infinity(input: Tensor, **rest: Any) -> Tensor:
    """Return -inf, the padding, for a plane without elements."""
    if 0 in input.shape[-2:]:
        return _pooled_padding(input, -torch.inf)
    return max_pool2d(input, **rest)


@fault("avg_pool2d")
def empty_plane_gives_zero(input: Tensor, **rest: Any) -> Tensor:
    """Return 0, the padding, for a plane without elements."""
    if 0 in input.shape[-2:]:
        return _pooled_padding(input, 0)
    return avg_pool2d(input, **rest)


@fault("adaptive_avg_pool2d")
def empty_plane_gives_nan(input: Tensor, output_size: Size) -> Tensor:
    """Return NaN, 0 / 0, for a plane without elements."""
    if 0 in input.shape[-2:]:
        return _pooled_padding(input, torch.nan)
    return adaptive_avg_pool2d(input, output_size)


@fault("max_pool2d")
def third_number_of_kernel_ignored(input: Tensor, **rest: Any) -> Tensor:
    """Use the first two numbers of the kernel size."""
    return max_pool2d(input, **rest | {"kernel_size": _numbers(rest["kernel_size"])[:2]})


@fault("adaptive_avg_pool2d", issue="pytorch/pytorch#42831")
def third_number_of_bins_ignored(input: Tensor, output_size: Size) -> Tensor:
    """Use the first two numbers of the output size."""
    sizes = output_size[:2] if isinstance(output_size, tuple) else output_size
    return adaptive_avg_pool2d(input, sizes)


@fault("adaptive_avg_pool2d")
def negative_size_keeps_the_axis(input: Tensor, output_size: Size) -> Tensor:
    """Keep the size of an axis whose number of bins is negative."""
    sizes = tuple(None if (count or 0) < 0 else count for count in pair(output_size))
    return adaptive_avg_pool2d(input, sizes)


@fault("max_pool2d")
def plane_alone_searched(input: Tensor, **rest: Any) -> Tensor:
    """Accept a plane without a channel."""
    if input.ndim == 2:
        return _without_batch_of_one(max_pool2d, input, rest)
    return max_pool2d(input, **rest)


@fault("avg_pool2d")
def plane_alone_averaged(input: Tensor, **rest: Any) -> Tensor:
    """Accept a plane without a channel."""
    if input.ndim == 2:
        return _without_batch_of_one(avg_pool2d, input, rest)
    return avg_pool2d(input, **rest)


@fault("adaptive_avg_pool2d")
def plane_alone_divided_into_bins(input: Tensor, output_size: Size) -> Tensor:
    """Accept a plane without a channel."""
    if input.ndim == 2:
        return adaptive_avg_pool2d(input[None], output_size)[0]
    return adaptive_avg_pool2d(input, output_size)


@fault("max_pool2d")
def further_axes_taken_for_batches(input: Tensor, **rest: Any) -> Tensor:
    """Accept more than four axes."""
    if input.ndim == 5:
        return max_pool2d(input.flatten(0, 1), **rest).unflatten(0, input.shape[:2])
    return max_pool2d(input, **rest)
