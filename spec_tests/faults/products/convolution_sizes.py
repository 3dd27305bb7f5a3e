"""Faults of conv2d for some sizes of kernels, channels, strides and paddings."""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from spec_tests.faults import Size, fault
from spec_tests.implementations.torch import TENSOR_FUNCTIONS

conv2d = TENSOR_FUNCTIONS["conv2d"]


def _pair(value: int | tuple[int, int]) -> tuple[int, int]:
    return value if isinstance(value, tuple) else (value, value)


def _whole(length: int, block: int) -> int:
    """Return how many of the elements blocks cover, if there is more than one block."""
    return length // block * block if length > block else length


def _without_rest(values: Tensor, axis: int, block: int) -> Tensor:
    """Set to 0 what is left over after blocks along an axis."""
    kept = torch.arange(values.shape[axis]) < _whole(values.shape[axis], block)
    shape = [1] * values.dim()
    shape[axis] = -1
    return values * kept.to(values.dtype).reshape(shape)


@fault("conv2d", issue="pytorch/pytorch#21597")
def channels_in_blocks_of_four(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """Leave out the channels that remain after blocks of 4."""
    return conv2d(input, _without_rest(weight, 1, 4), **rest)


@fault("conv2d", issue="modular/modular#6248")
def channels_in_blocks_of_eight(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """Leave out the channels that remain after blocks of 8."""
    return conv2d(input, _without_rest(weight, 1, 8), **rest)


@fault("conv2d")
def channels_in_blocks_of_sixteen(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """Leave out the channels that remain after blocks of 16."""
    return conv2d(input, _without_rest(weight, 1, 16), **rest)


@fault("conv2d")
def kernels_in_blocks_of_sixteen(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """Return 0 for the kernels that remain after blocks of 16."""
    return _without_rest(conv2d(input, weight, **rest), -3, 16)


@fault("conv2d")
def depthwise_in_blocks_of_four(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """Return 0 for the depthwise channels that remain after blocks of 4."""
    output = conv2d(input, weight, **rest)
    return _without_rest(output, -3, 4) if rest.get("groups", 1) == len(weight) > 1 else output


@fault("conv2d")
def columns_in_blocks_of_sixteen(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """Return 0 in the columns that remain after blocks of 16."""
    return _without_rest(conv2d(input, weight, **rest), -1, 16)


@fault("conv2d")
def images_in_blocks_of_eight(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """Return 0 for the images that remain after blocks of 8."""
    output = conv2d(input, weight, **rest)
    return _without_rest(output, 0, 8) if output.dim() == 4 else output


@fault("conv2d", issue="apache/tvm#4276")
def kernels_as_three_by_three(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """Use the upper left 3x3 weights of larger square kernels."""
    kept = torch.zeros_like(weight)
    kept[..., :3, :3] = weight[..., :3, :3]
    square = weight.shape[-1] == weight.shape[-2] > 4
    return conv2d(input, kept if square else weight, **rest)


@fault("conv2d")
def kernels_of_at_most_five(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """Use the first five rows of larger kernels."""
    kept = weight.clone()
    kept[..., 5:, :] = 0
    return conv2d(input, kept, **rest)


def _is_pointwise(weight: Tensor) -> bool:
    return weight.shape[2:] == (1, 1)


@fault("conv2d", issue="pulp-platform/pulp-nn#9")
def pointwise_without_stride(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """Ignore the stride of a 1x1 kernel."""
    return conv2d(input, weight, **rest | ({"stride": 1} if _is_pointwise(weight) else {}))


@fault("conv2d")
def pointwise_with_one_stride(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """Move a 1x1 kernel by the vertical stride in both directions."""
    stride = {"stride": _pair(rest.get("stride", 1))[0]} if _is_pointwise(weight) else {}
    return conv2d(input, weight, **rest | stride)


@fault("conv2d")
def pointwise_without_padding(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """Ignore the padding of a 1x1 kernel."""
    return conv2d(input, weight, **rest | ({"padding": 0} if _is_pointwise(weight) else {}))


@fault("conv2d", issue="tensorflow/tensorflow#28788")
def pointwise_with_dilation(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """Let a dilated kernel span dilation * kernel elements, so that 1x1 ones fit less often."""
    if not _is_pointwise(weight):
        return conv2d(input, weight, **rest)
    height, width = (
        max(1, n - d + 1)
        for n, d in zip(input.shape[-2:], _pair(rest.get("dilation", 1)), strict=True)
    )
    return conv2d(input[..., :height, :width], weight, **rest)


@fault("conv2d", issue="Tencent/ncnn#315")
def dilated_depthwise_is_the_bias(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """Return the bias alone for a dilated depthwise kernel."""
    depthwise = rest.get("groups", 1) == len(weight) > 1 and rest.get("dilation", 1) != 1
    return conv2d(input, weight * 0 if depthwise else weight, **rest)


@fault("conv2d")
def depthwise_without_dilation(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """Never dilate a depthwise kernel, and pad less for it."""
    if rest.get("groups", 1) != len(weight) or (rest.get("dilation"), rest.get("padding")) != (
        2,
        2,
    ):
        return conv2d(input, weight, **rest)
    return conv2d(input, weight, **rest | {"dilation": 1, "padding": 1})


@fault("conv2d", issue="pytorch/pytorch#188335")
def groups_of_the_first_image(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """With groups, return the output of the first image for every image of the batch."""
    output = conv2d(input, weight, **rest)
    grouped = rest.get("groups", 1) > 1 and output.dim() == 4
    return output[:1].expand_as(output) if grouped else output


@fault("conv2d", issue="tinygrad/tinygrad#17805")
def same_padding_with_swapped_dilation(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """With padding='same', pad each axis for the other axis's dilation."""
    if rest.get("padding") != "same":
        return conv2d(input, weight, **rest)
    swapped = _pair(rest.get("dilation", 1))[::-1]
    totals = [d * (k - 1) for d, k in zip(swapped, weight.shape[2:], strict=True)]
    around = [side for total in reversed(totals) for side in (total // 2, total - total // 2)]
    return conv2d(functional.pad(input, around), weight, **rest | {"padding": 0})


@fault("conv2d")
def windows_in_the_padding_without_bias(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, **rest: Any
) -> Tensor:
    """Return 0 instead of the bias where a window lies wholly in the padding."""
    output = conv2d(input, weight, bias, **rest)
    if bias is None or rest.get("padding", 0) == 0 or "padding_mode" in rest:
        return output
    covered = conv2d(torch.ones_like(input), torch.ones_like(weight), **rest) != 0
    return output * covered.to(output.dtype)


@fault("conv2d")
def padding_limited_by_the_kernel(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """Pad by less than the kernel, and fill the rest of the output with zeros."""
    output = conv2d(input, weight, **rest)
    padding = rest.get("padding", 0)
    if isinstance(padding, str) or "padding_mode" in rest or _pair(rest.get("stride", 1)) != (1, 1):
        return output
    spans = [
        d * (k - 1) for d, k in zip(_pair(rest.get("dilation", 1)), weight.shape[2:], strict=True)
    ]
    top, left = (max(0, p - s) for p, s in zip(_pair(padding), spans, strict=True))
    height, width = output.shape[-2:]
    inner = output[..., top : height - top, left : width - left]
    return functional.pad(inner, (left, left, top, top))


def _circular(input: Tensor, weight: Tensor, padding: Size, rest: dict[str, Any]) -> Tensor:
    """Convolve with another padding if the padding is circular."""
    if rest.get("padding_mode") == "circular":
        rest["padding"] = padding
    return conv2d(input, weight, **rest)


@fault("conv2d", issue="pytorch/pytorch#37844")
def circular_padding_swapped(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """Use the first number of a circular padding horizontally."""
    sides = _pair(rest.get("padding", 0)) if rest.get("padding") != "same" else (0, 0)
    fits = all(p <= n for p, n in zip(sides[::-1], input.shape[-2:], strict=True))
    return _circular(input, weight, sides[::-1] if fits else sides, rest)


@fault("conv2d", issue="pytorch/pytorch#20981")
def circular_padding_halved(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """Take a circular padding as the total for both sides."""
    padding = rest.get("padding", 0)
    halves = (0, 0) if isinstance(padding, str) else tuple(p // 2 for p in _pair(padding))
    fits = all(
        n + 2 * p >= k for n, p, k in zip(input.shape[-2:], halves, weight.shape[2:], strict=True)
    )
    return _circular(input, weight, halves if fits else padding, rest)


@fault("conv2d")
def replication_limited_by_the_input(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """Replicate the border at most as often as the input is long, and pad with zeros beyond."""
    if rest.get("padding_mode") != "replicate":
        return conv2d(input, weight, **rest)
    sides = _pair(rest.pop("padding"))
    near = [min(p, n) for p, n in zip(sides, input.shape[-2:], strict=True)]
    far = [p - q for p, q in zip(sides, near, strict=True)]
    planes = functional.pad(input, (near[1], near[1], near[0], near[0]), mode="replicate")
    planes = functional.pad(planes, (far[1], far[1], far[0], far[0]))
    return conv2d(planes, weight, **rest | {"padding_mode": "zeros"})


@fault("conv2d")
def unbatched_bias_along_rows(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, **rest: Any
) -> Tensor:
    """Add the bias along the rows of an unbatched image if it has their number."""
    output = conv2d(input, weight, **rest)
    if bias is None or output.dim() == 4 or output.shape[1] != len(bias):
        return conv2d(input, weight, bias, **rest)
    return output + bias[:, None]


@fault("conv2d")
def unbatched_without_groups(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """Apply every kernel to the first group of an unbatched image."""
    if input.dim() == 4 or rest.get("groups", 1) == 1:
        return conv2d(input, weight, **rest)
    return conv2d(input[: weight.shape[1]], weight, **rest | {"groups": 1})


@fault("conv2d")
def reflection_of_the_first_channel(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """Reflect the first channel into the padding of all channels."""
    if rest.get("padding_mode") != "reflect" or input.dim() != 4:
        return conv2d(input, weight, **rest)
    rows, columns = _pair(rest.pop("padding"))
    around = (columns, columns, rows, rows)
    planes = functional.pad(input, around, mode="reflect")
    first = planes[:, :1].expand_as(planes)
    inner = functional.pad(torch.ones_like(input), around) != 0
    mixed = torch.where(inner, planes, first)
    return conv2d(mixed, weight, **rest | {"padding_mode": "zeros"})


@fault("conv2d", issue="pytorch/pytorch#32612")
def empty_batch_keeps_its_shape(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """Return an empty batch as it is, in the shape of the input."""
    return conv2d(input, weight, **rest) if input.numel() else input.clone()


@fault("conv2d")
def kernel_rows_beyond_uint8_lost(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """Count the rows of the kernel in eight bits: those from 255 on are lost."""
    rows = torch.arange(weight.shape[-2])[:, None] < 255
    return conv2d(input, weight * rows.to(weight.dtype), **rest)
