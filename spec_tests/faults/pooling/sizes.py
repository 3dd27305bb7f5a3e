"""Faults of the poolings: larger kernels, planes and channels, layouts and empty batches."""

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d, avg_pool2d, max_pool2d, pad

from spec_tests.faults import Function, Size, fault
from spec_tests.faults.pooling._elements import in_memory_order, is_channels_last, pair, windows

Pooled = Tensor | tuple[Tensor, Tensor]


def _zero_rest(output: Tensor, axis: int, group: int) -> Tensor:
    """Return the output with 0 where an axis goes beyond a multiple of `group`."""
    whole = output.shape[axis] // group * group
    if whole == 0:
        return output
    return output.index_fill(axis, torch.arange(whole, output.shape[axis]), 0)


def _values(function: Function, input: Tensor, rest: dict[str, Any]) -> Tensor:
    pooled = function(input, **rest)
    return pooled[0] if isinstance(pooled, tuple) else pooled


@fault("max_pool2d", issue="tenstorrent/tt-metal#14249")
def kernel_of_five_at_most(input: Tensor, **rest: Any) -> Pooled:
    """Search only the first five rows and columns of a window."""
    pooled = max_pool2d(input, **rest)
    rows, columns = (min(length, 5) for length in pair(rest["kernel_size"]))
    if (rows, columns) == pair(rest["kernel_size"]):
        return pooled
    elements = windows(input, rest, -torch.inf).unflatten(-1, pair(rest["kernel_size"]))
    values = elements[..., :rows, :columns].amax((-1, -2))
    return (values, pooled[1]) if rest.get("return_indices") else values


@fault("max_pool2d", issue="tenstorrent/tt-metal#15731")
def channels_beyond_groups_of_32(input: Tensor, **rest: Any) -> Pooled:
    """Leave out the channels beyond a multiple of 32."""
    pooled = max_pool2d(input, **rest)
    if isinstance(pooled, tuple):
        return _zero_rest(pooled[0], -3, 32), pooled[1]
    return _zero_rest(pooled, -3, 32)


@fault("avg_pool2d")
def channels_beyond_groups_of_16(input: Tensor, **rest: Any) -> Tensor:
    """Leave out the channels beyond a multiple of 16."""
    return _zero_rest(avg_pool2d(input, **rest), -3, 16)


@fault("adaptive_avg_pool2d")
def channels_beyond_groups_of_8(input: Tensor, output_size: Size) -> Tensor:
    """Leave out the channels beyond a multiple of 8."""
    return _zero_rest(adaptive_avg_pool2d(input, output_size), -3, 8)


@fault("max_pool2d")
def columns_beyond_groups_of_16(input: Tensor, **rest: Any) -> Pooled:
    """Leave out the windows of a row beyond a multiple of 16."""
    pooled = max_pool2d(input, **rest)
    if isinstance(pooled, tuple):
        return _zero_rest(pooled[0], -1, 16), pooled[1]
    return _zero_rest(pooled, -1, 16)


@fault("avg_pool2d")
def rows_beyond_groups_of_16(input: Tensor, **rest: Any) -> Tensor:
    """Leave out the windows of a column beyond a multiple of 16."""
    return _zero_rest(avg_pool2d(input, **rest), -2, 16)


@fault("max_pool2d", issue="PaddlePaddle/Anakin#210")
def last_column_of_last_window_left_out(input: Tensor, **rest: Any) -> Pooled:
    """Leave out the last column of the last window of 3x3 windows with stride 2."""
    pooled = max_pool2d(input, **rest)
    if pair(rest["kernel_size"]) != (3, 3) or pair(rest.get("stride")) != (2, 2):
        return pooled
    elements = windows(input, rest, -torch.inf).unflatten(-1, (3, 3))
    values = (pooled[0] if isinstance(pooled, tuple) else pooled).clone()
    values[..., -1] = elements[..., -1, :, :2].amax((-1, -2))
    return (values, pooled[1]) if isinstance(pooled, tuple) else values


@fault("max_pool2d", issue="xboot/libonnx#24")
def dilation_only_in_output_size(input: Tensor, **rest: Any) -> Pooled:
    """Compute the output's size with the dilation, and its elements without it."""
    pooled = max_pool2d(input, **rest)
    height, width = _values(max_pool2d, input, rest).shape[-2:]
    if pair(rest.get("dilation", 1)) == (1, 1):
        return pooled
    dense = max_pool2d(input, **rest | {"dilation": 1})
    if isinstance(dense, tuple):
        return dense[0][..., :height, :width], dense[1][..., :height, :width]
    return dense[..., :height, :width]


@fault("max_pool2d")
def ceil_mode_off_beyond_kernel(input: Tensor, **rest: Any) -> Pooled:
    """Ignore ceil_mode if the stride is larger than the kernel."""
    kernel = pair(rest["kernel_size"])
    steps = pair(rest.get("stride") or kernel)
    ceil = rest.get("ceil_mode", False) and all(s <= k for s, k in zip(steps, kernel, strict=True))
    return max_pool2d(input, **rest | {"ceil_mode": ceil})


@fault("avg_pool2d", issue="PaddlePaddle/Paddle#51542")
def window_beyond_input_averaged(input: Tensor, **rest: Any) -> Tensor:
    """Keep a window that starts beyond the input in ceil_mode: the mean of nothing."""
    pooled = avg_pool2d(input, **rest)
    kernel, margins = pair(rest["kernel_size"]), pair(rest.get("padding", 0))
    steps = pair(rest.get("stride") or kernel)
    for axis in (-2, -1):
        room = input.shape[axis] + 2 * margins[axis] - kernel[axis]
        missing = -(-room // steps[axis]) + 1 - pooled.shape[axis]
        if rest.get("ceil_mode") and missing > 0:
            empty = pooled.narrow(axis, 0, missing) * torch.nan
            pooled = torch.cat([pooled, empty], axis)
    return pooled


@fault("max_pool2d", issue="microsoft/onnxruntime#15446")
def last_window_dropped_over_padding(input: Tensor, **rest: Any) -> Pooled:
    """Forget the padding where ceil_mode drops the windows that start beyond the input."""
    pooled = max_pool2d(input, **rest)
    if not rest.get("ceil_mode"):
        return pooled
    for axis, step in zip((-2, -1), pair(rest.get("stride") or rest["kernel_size"]), strict=True):
        parts = pooled if isinstance(pooled, tuple) else (pooled,)
        count = min(parts[0].shape[axis], -(-input.shape[axis] // step))
        parts = tuple(part.narrow(axis, 0, count) for part in parts)
        pooled = parts if isinstance(pooled, tuple) else parts[0]
    return pooled


def _height_from_last_axis(input: Tensor, fill: float) -> Tensor:
    """Return an input of three axes with as many rows as it has columns."""
    if input.ndim != 3:
        return input
    return pad(input, (0, 0, 0, input.shape[-1] - input.shape[-2]), value=fill)


@fault("max_pool2d")
def axes_counted_from_the_batch_in_max(input: Tensor, **rest: Any) -> Pooled:
    """Use axis 2 as the rows, also without a batch, where it holds the columns."""
    return max_pool2d(_height_from_last_axis(input, -torch.inf), **rest)


@fault("avg_pool2d")
def axes_counted_from_the_batch_in_avg(input: Tensor, **rest: Any) -> Tensor:
    """Use axis 2 as the rows, also without a batch, where it holds the columns."""
    return avg_pool2d(_height_from_last_axis(input, 0), **rest)


@fault("adaptive_avg_pool2d")
def axes_counted_from_the_batch_in_bins(input: Tensor, output_size: Size) -> Tensor:
    """Use axis 2 as the rows, also without a batch, where it holds the columns."""
    return adaptive_avg_pool2d(_height_from_last_axis(input, 0), output_size)


def _with_window_for_no_rest(pooled: Tensor, input: Tensor, rest: dict[str, Any]) -> Tensor:
    """Repeat the last window along the axes on which the windows fit exactly, in ceil_mode."""
    steps = pair(rest.get("stride") or rest["kernel_size"])
    for axis in (-2, -1):
        span = pair(rest.get("dilation", 1))[axis] * (pair(rest["kernel_size"])[axis] - 1) + 1
        margin = pair(rest.get("padding", 0))[axis]
        room = input.shape[axis] + 2 * margin - span
        inside = pooled.shape[axis] * steps[axis] < input.shape[axis] + margin
        if rest.get("ceil_mode") and room % steps[axis] == 0 and inside:
            last = pooled.narrow(axis, pooled.shape[axis] - 1, 1)
            pooled = torch.cat([pooled, last], axis)
    return pooled


@fault("max_pool2d")
def ceil_mode_always_adds_a_maximum(input: Tensor, **rest: Any) -> Pooled:
    """Add a window in ceil_mode also if the windows fit exactly."""
    pooled = max_pool2d(input, **rest)
    if isinstance(pooled, tuple):
        return pooled
    return _with_window_for_no_rest(pooled, input, rest)


@fault("avg_pool2d", issue="openvinotoolkit/openvino#33369")
def ceil_mode_always_adds_a_mean(input: Tensor, **rest: Any) -> Tensor:
    """Add a window in ceil_mode also if the windows fit exactly."""
    return _with_window_for_no_rest(avg_pool2d(input, **rest), input, rest)


@fault("max_pool2d")
def max_in_memory_order(input: Tensor, **rest: Any) -> Pooled:
    """Read the memory in its order, as if every input were contiguous."""
    return max_pool2d(in_memory_order(input), **rest)


@fault("avg_pool2d")
def avg_in_memory_order(input: Tensor, **rest: Any) -> Tensor:
    """Read the memory in its order, as if every input were contiguous."""
    return avg_pool2d(in_memory_order(input), **rest)


@fault("adaptive_avg_pool2d")
def adaptive_in_memory_order(input: Tensor, output_size: Size) -> Tensor:
    """Read the memory in its order, as if every input were contiguous."""
    return adaptive_avg_pool2d(in_memory_order(input), output_size)


@fault("avg_pool2d", issue="pytorch/pytorch#67239")
def channels_last_output_read_as_contiguous(input: Tensor, **rest: Any) -> Tensor:
    """Write the output with the channels last, and read it as if they were second."""
    pooled = avg_pool2d(input, **rest)
    if not is_channels_last(input):
        return pooled
    return pooled.movedim(1, -1).reshape(pooled.shape)


@fault("avg_pool2d")
def expanded_images_averaged_once(input: Tensor, **rest: Any) -> Tensor:
    """Return one image for a batch of one image that is repeated with a stride of 0."""
    pooled = avg_pool2d(input, **rest)
    return pooled[:1] if input.ndim == 4 and input.stride(0) == 0 else pooled


@fault("max_pool2d", issue="pytorch/pytorch#62088")
def empty_batch_returned(input: Tensor, **rest: Any) -> Pooled:
    """Return an empty batch as it is, in the shape of the input."""
    pooled = max_pool2d(input, **rest)
    if input.numel() or not rest.get("return_indices"):
        return pooled
    return input.clone(), input.long()


@fault("avg_pool2d", issue="pytorch/pytorch#40694")
def empty_batch_without_axes(input: Tensor, **rest: Any) -> Tensor:
    """Return an empty vector for an empty batch."""
    pooled = avg_pool2d(input, **rest)
    return pooled if pooled.numel() else pooled.flatten()


@fault("adaptive_avg_pool2d", issue="pytorch/pytorch#62025")
def empty_batch_keeps_plane(input: Tensor, output_size: Size) -> Tensor:
    """Return an empty batch as it is, in the shape of the input."""
    pooled = adaptive_avg_pool2d(input, output_size)
    return pooled if input.numel() else input.clone()
