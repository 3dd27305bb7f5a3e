"""Faults of conv2d."""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from spec_tests.faults import Size, fault
from spec_tests.implementations.torch import TENSOR_FUNCTIONS

conv2d = TENSOR_FUNCTIONS["conv2d"]


def _swapped(value: Size) -> Size:
    return value[::-1] if isinstance(value, tuple) else value


def _pair(value: int | tuple[int, int]) -> tuple[int, int]:
    return value if isinstance(value, tuple) else (value, value)


@fault("conv2d")
def kernel_flipped(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """Flip the kernel, as in the mathematical definition of convolution."""
    return conv2d(input, weight.flip(-1, -2), **rest)


@fault("conv2d")
def kernel_transposed(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """Transpose a square kernel."""
    square = weight.shape[-1] == weight.shape[-2]
    return conv2d(input, weight.mT.contiguous() if square else weight, **rest)


@fault("conv2d")
def stride_swapped(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """Use the first number of the stride horizontally, as the course says."""
    return conv2d(input, weight, **rest | {"stride": _swapped(rest.get("stride", 1))})


@fault("conv2d")
def padding_swapped(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """Use the first number of the padding horizontally."""
    return conv2d(input, weight, **rest | {"padding": _swapped(rest.get("padding", 0))})


@fault("conv2d")
def dilation_swapped(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """Use the first number of the dilation horizontally."""
    return conv2d(input, weight, **rest | {"dilation": _swapped(rest.get("dilation", 1))})


@fault("conv2d")
def stride_ignored(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """Move the kernel by one, whatever the stride."""
    return conv2d(input, weight, **rest | {"stride": 1})


@fault("conv2d")
def stride_ignored_for_columns(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """Apply the stride to the rows only."""
    return conv2d(input, weight, **rest | {"stride": (_pair(rest.get("stride", 1))[0], 1)})


@fault("conv2d")
def padding_ignored(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """Never pad."""
    return conv2d(input, weight, **rest | {"padding": 0, "padding_mode": "zeros"})


@fault("conv2d")
def padding_below_and_right(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """Put all of the padding below and to the right."""
    padding = rest.pop("padding", 0)
    if isinstance(padding, str) or "padding_mode" in rest:  # the correct conv2d
        return conv2d(input, weight, padding=padding, **rest)
    height, width = _pair(padding)
    return conv2d(functional.pad(input, (0, 2 * width, 0, 2 * height)), weight, **rest)


@fault("conv2d")
def padding_repeats_border(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """Pad with the values of the border where zeros are required."""
    if rest.get("padding", "valid") == "valid" or not input.is_floating_point():
        return conv2d(input, weight, **rest)
    return conv2d(input, weight, **{"padding_mode": "replicate"} | rest)


@fault("conv2d")
def dilation_ignored(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """Never dilate the kernel."""
    return conv2d(input, weight, **rest | {"dilation": 1})


@fault("conv2d")
def dilation_off_by_one(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """Treat the dilation as the number of elements skipped, so that 0 means none."""
    spread = tuple(d + 1 for d in _pair(rest.pop("dilation", 0)))
    # Where the wider kernel would not fit, torch would raise, and an error rejects no fault.
    fits = all(n > s for n, s in zip(input.shape[-2:], spread, strict=True))
    return conv2d(input, weight, dilation=spread if fits else 1, **rest)


@fault("conv2d")
def groups_ignored(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """Apply every kernel to the channels of the first group."""
    groups = rest.pop("groups", 1)
    depth = input.shape[-3] // groups
    return conv2d(input[..., :depth, :, :], weight, **rest)


@fault("conv2d")
def groups_interleaved(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """Apply kernel i to group i modulo groups."""
    groups = rest.get("groups", 1)
    # (0, 1, 2, 3) -> (0, 2, 1, 3) for two groups: kernels 0 and 2 see the first group
    order = torch.arange(len(weight)).reshape(-1, groups).T.flatten()
    return conv2d(input, weight[order], **rest)[..., order.argsort(), :, :]


@fault("conv2d")
def bias_ignored(input: Tensor, weight: Tensor, bias: Tensor | None = None, **rest: Any) -> Tensor:
    """Omit the bias."""
    return conv2d(input, weight, bias if bias is None else bias * 0, **rest)


@fault("conv2d")
def bias_along_width(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, **rest: Any
) -> Tensor:
    """Add the bias along the last axis instead of the channels."""
    output = conv2d(input, weight, **rest)
    fits = bias is not None and output.shape[-1] == len(bias)
    return output + bias if fits else conv2d(input, weight, bias, **rest)


@fault("conv2d")
def same_pads_before(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """With padding='same' and an even kernel, put the extra zero above and to the left."""
    if rest.get("padding") != "same":
        return conv2d(input, weight, **rest)
    # Turned by 180 degrees, before is after.
    return conv2d(input.flip(-1, -2), weight.flip(-1, -2), **rest).flip(-1, -2)


@fault("conv2d")
def same_without_dilation(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """Compute the padding of 'same' without the dilation."""
    if rest.get("padding") == "same":
        rest["padding"] = tuple((k - 1) // 2 for k in weight.shape[-2:])
    return conv2d(input, weight, **rest)


@fault("conv2d")
def valid_and_same_swapped(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """Exchange the paddings 'valid' and 'same'."""
    swapped = {"valid": "same", "same": "valid"}
    padding = rest.pop("padding", 0)
    return conv2d(input, weight, padding=swapped.get(padding, padding), **rest)


@fault("conv2d")
def reflect_and_replicate_swapped(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """Exchange the padding modes 'reflect' and 'replicate'."""
    swapped = {"reflect": "replicate", "replicate": "reflect"}
    mode = rest.pop("padding_mode", "zeros")
    return conv2d(input, weight, padding_mode=swapped.get(mode, mode), **rest)


@fault("conv2d")
def padding_mode_ignored(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """Pad with zeros in every padding mode."""
    return conv2d(input, weight, **rest | {"padding_mode": "zeros"})


@fault("conv2d")
def channels_averaged(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """Average over the input channels instead of adding them up."""
    return conv2d(input, weight, **rest).div(weight.shape[1]).to(input.dtype)


@fault("conv2d")
def first_image_repeated(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """Return the output of the first image for every image of the batch."""
    output = conv2d(input, weight, **rest)
    return output[:1].expand_as(output) if input.dim() == 4 else output


@fault("conv2d")
def relu_applied(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """Apply ReLU to the output."""
    return conv2d(input, weight, **rest).relu()


@fault("conv2d")
def leftover_border_padded(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """Pad a border that the stride leaves over, instead of dropping it."""
    stride = max(_pair(rest.get("stride", 1)))
    extra = stride - 1 if not isinstance(rest.get("padding", 0), str) else 0
    return conv2d(functional.pad(input, (0, extra, 0, extra)), weight, **rest)


@fault("conv2d")
def integers_become_floats(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """Return float32 for integers."""
    output = conv2d(input, weight, **rest)
    return output if output.is_floating_point() else output.float()


@fault("conv2d")
def rounded_to_float32(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """Round float64 to float32."""
    output = conv2d(input, weight, **rest)
    return output.float().to(output.dtype)


@fault("conv2d")
def batch_axis_added(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """Return a batch of one for an unbatched image."""
    output = conv2d(input, weight, **rest)
    return output if output.dim() == 4 else output[None]


@fault("conv2d")
def surplus_channels_dropped(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """Ignore channels beyond those of the kernel, instead of raising an error."""
    return conv2d(input[..., : weight.shape[1] * rest.get("groups", 1), :, :], weight, **rest)


@fault("conv2d")
def same_with_stride_accepted(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """Accept padding='same' together with a stride."""
    if rest.get("padding") == "same":
        stride = rest.pop("stride", 1)
        return conv2d(input, weight, **rest)[..., ::stride, ::stride]
    return conv2d(input, weight, **rest)
