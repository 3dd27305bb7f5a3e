"""Convolutions that are slightly wrong."""

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
def true_convolution(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """The kernel is flipped, as mathematics has it."""
    return conv2d(input, weight.flip(-1, -2), **rest)


@fault("conv2d")
def kernel_transposed(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """Rows and columns of the kernel are exchanged."""
    square = weight.shape[-1] == weight.shape[-2]
    return conv2d(input, weight.mT.contiguous() if square else weight, **rest)


@fault("conv2d")
def stride_swapped(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """The first number of the stride is taken for the horizontal one, as the course says."""
    return conv2d(input, weight, **rest | {"stride": _swapped(rest.get("stride", 1))})


@fault("conv2d")
def padding_swapped(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """The first number of the padding is taken for the horizontal one."""
    return conv2d(input, weight, **rest | {"padding": _swapped(rest.get("padding", 0))})


@fault("conv2d")
def dilation_swapped(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """The first number of the dilation is taken for the horizontal one."""
    return conv2d(input, weight, **rest | {"dilation": _swapped(rest.get("dilation", 1))})


@fault("conv2d")
def stride_ignored(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """The kernel always moves by one."""
    return conv2d(input, weight, **rest | {"stride": 1})


@fault("conv2d")
def stride_one_axis(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """The stride counts for the rows only."""
    return conv2d(input, weight, **rest | {"stride": (_pair(rest.get("stride", 1))[0], 1)})


@fault("conv2d")
def padding_ignored(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """Nothing is ever padded."""
    return conv2d(input, weight, **rest | {"padding": 0, "padding_mode": "zeros"})


@fault("conv2d")
def padding_one_side(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """The padding is put below and on the right only."""
    padding = rest.pop("padding", 0)
    if isinstance(padding, str) or "padding_mode" in rest:
        return conv2d(input, weight, padding=padding, **rest)
    height, width = _pair(padding)
    return conv2d(functional.pad(input, (0, 2 * width, 0, 2 * height)), weight, **rest)


@fault("conv2d")
def padding_repeats_border(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """The border is repeated where zeros are due."""
    if rest.get("padding", "valid") == "valid" or not input.is_floating_point():
        return conv2d(input, weight, **rest)
    return conv2d(input, weight, **{"padding_mode": "replicate"} | rest)


@fault("conv2d")
def dilation_ignored(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """The kernel is never spread."""
    return conv2d(input, weight, **rest | {"dilation": 1})


@fault("conv2d")
def dilation_off_by_one(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """Dilation is taken for the number of elements left out, so that 0 means none."""
    spread = tuple(d + 1 for d in _pair(rest.pop("dilation", 0)))
    fits = all(n > s for n, s in zip(input.shape[-2:], spread, strict=True))
    return conv2d(input, weight, dilation=spread if fits else 1, **rest)


@fault("conv2d")
def groups_ignored(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """Every kernel sees the channels of the first group."""
    groups = rest.pop("groups", 1)
    depth = input.shape[-3] // groups
    return conv2d(input[..., :depth, :, :], weight, **rest)


@fault("conv2d")
def groups_interleaved(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """Groups take turns: kernel i sees group i modulo groups."""
    groups = rest.get("groups", 1)
    order = torch.arange(len(weight)).reshape(-1, groups).T.flatten()
    return conv2d(input, weight[order], **rest)[..., order.argsort(), :, :]


@fault("conv2d")
def bias_ignored(input: Tensor, weight: Tensor, bias: Tensor | None = None, **rest: Any) -> Tensor:
    """The bias is left out."""
    return conv2d(input, weight, bias if bias is None else bias * 0, **rest)


@fault("conv2d")
def bias_along_width(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, **rest: Any
) -> Tensor:
    """The bias is added along the last axis."""
    output = conv2d(input, weight, **rest)
    fits = bias is not None and output.shape[-1] == len(bias)
    return output + bias if fits else conv2d(input, weight, bias, **rest)


@fault("conv2d")
def same_pads_before(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """With 'same' and an even kernel the odd zero is put at the top and on the left."""
    if rest.get("padding") != "same":
        return conv2d(input, weight, **rest)
    return conv2d(input.flip(-1, -2), weight.flip(-1, -2), **rest).flip(-1, -2)


@fault("conv2d")
def same_without_dilation(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """The padding of 'same' is computed from the kernel alone."""
    if rest.get("padding") == "same":
        rest["padding"] = tuple((k - 1) // 2 for k in weight.shape[-2:])
    return conv2d(input, weight, **rest)


@fault("conv2d")
def valid_is_same(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """The words 'valid' and 'same' are mixed up."""
    words = {"valid": "same", "same": "valid"}
    padding = rest.pop("padding", 0)
    return conv2d(input, weight, padding=words.get(padding, padding), **rest)


@fault("conv2d")
def modes_mixed_up(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """Padding mode 'reflect' repeats the border and 'replicate' does not."""
    modes = {"reflect": "replicate", "replicate": "reflect"}
    mode = rest.pop("padding_mode", "zeros")
    return conv2d(input, weight, padding_mode=modes.get(mode, mode), **rest)


@fault("conv2d")
def modes_ignored(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """The padding is zeros in every mode."""
    return conv2d(input, weight, **rest | {"padding_mode": "zeros"})


@fault("conv2d")
def channels_averaged(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """The channels are averaged, not added up."""
    return conv2d(input, weight, **rest).div(weight.shape[1]).to(input.dtype)


@fault("conv2d")
def first_image_only(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """Each result of the batch comes from its first image."""
    output = conv2d(input, weight, **rest)
    return output[:1].expand_as(output) if input.dim() == 4 else output


@fault("conv2d")
def clipped_at_zero(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """A ReLU is built in."""
    return conv2d(input, weight, **rest).relu()


@fault("conv2d")
def rest_padded(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """A border that the stride leaves over is padded rather than dropped."""
    stride = max(_pair(rest.get("stride", 1)))
    extra = stride - 1 if not isinstance(rest.get("padding", 0), str) else 0
    return conv2d(functional.pad(input, (0, extra, 0, extra)), weight, **rest)


@fault("conv2d")
def integers_become_floats(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """Integers give float32."""
    output = conv2d(input, weight, **rest)
    return output if output.is_floating_point() else output.float()


@fault("conv2d")
def single_precision(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """Double precision is lost on the way."""
    output = conv2d(input, weight, **rest)
    return output.float().to(output.dtype)


@fault("conv2d")
def batch_axis_added(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """A single image comes back as a batch."""
    output = conv2d(input, weight, **rest)
    return output if output.dim() == 4 else output[None]


@fault("conv2d")
def surplus_channels_dropped(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """Channels beyond those of the kernel are silently left out."""
    return conv2d(input[..., : weight.shape[1] * rest.get("groups", 1), :, :], weight, **rest)


@fault("conv2d")
def same_with_stride(input: Tensor, weight: Tensor, **rest: Any) -> Tensor:
    """'same' is accepted together with a stride."""
    if rest.get("padding") == "same":
        stride = rest.pop("stride", 1)
        return conv2d(input, weight, **rest)[..., ::stride, ::stride]
    return conv2d(input, weight, **rest)
