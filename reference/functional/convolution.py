"""Convolution (P17-P18)."""

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from reference.functional._checks import check_dtypes, check_planes
from reference.functional._windows import conv_windows, pad

PADDING_MODES = ("zeros", "reflect", "replicate", "circular")


def conv2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: int | Sequence[int] = 1,
    padding: str | int | Sequence[int] = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
    *,
    padding_mode: str = "zeros",
) -> Tensor:
    """Return, for each position of a kernel on an image, the sum of the products of the two.

    The kernel is not flipped: strictly, this is a cross-correlation.

    Args:
        input: (N, C_in, H, W) or (C_in, H, W), of any numeric dtype.
        weight: (C_out, C_in / groups, kH, kW), of the input's dtype.
        bias: (C_out,), of the input's dtype.
        stride: pixels from one window to the next.
        padding: pixels added on each side; 'valid' is 0, 'same' keeps H and W.
        dilation: pixels from one element of the kernel to the next.
        groups: the number of groups that the channels are divided into, each with its own kernels.
        padding_mode: 'zeros', 'reflect', 'replicate' or 'circular'.

    Returns:
        (N, C_out, H_out, W_out) or (C_out, H_out, W_out), see `conv_output_size`.

    Raises:
        TypeError: stride, padding or dilation is not made of integers.
        ValueError: `padding_mode` is unknown.
        RuntimeError: shapes or dtypes do not match, or a number is out of range.

    Source: P17-P18.
    """
    _check_conv2d(input, weight, bias, groups)
    if padding_mode not in PADDING_MODES:
        raise ValueError(f"padding_mode must be one of {PADDING_MODES}, got {padding_mode!r}")
    grid = conv_windows(input.shape[-2:], weight.shape[-2:], stride, padding, dilation)
    planes = input
    if padding_mode != "zeros":  # unfold pads with a constant only
        planes = pad(input, grid.pad_before, grid.pad_after, padding_mode)
        grid = replace(grid, pad_before=(0, 0), pad_after=(0, 0))
    # (N, C_in, H, W) -> (N, G, C_in / G, H, W)
    images = planes.reshape(*planes.shape[:-3], groups, weight.shape[1], *planes.shape[-2:])
    # (C_out, C_in / G, kH, kW) -> (G, C_out / G, C_in / G, kH, kW)
    kernels = weight.reshape(groups, -1, *weight.shape[1:])
    # (N, G, C_in / G, oH, oW, kH, kW) with the kernels -> (N, G, C_out / G, oH, oW)
    output = torch.einsum("...gchwij,gocij->...gohw", grid.unfold(images, 0), kernels)
    # (N, G, C_out / G, oH, oW) -> (N, C_out, oH, oW)
    output = output.flatten(-4, -3)
    return output if bias is None else output + bias[:, None, None]


def _check_conv2d(input: Tensor, weight: Tensor, bias: Tensor | None, groups: int) -> None:
    shapes = f"input {tuple(input.shape)}, weight {tuple(weight.shape)}, groups={groups}"
    check_planes("conv2d", input)
    if weight.ndim != 4:
        raise RuntimeError(f"weight must be (C_out, C_in / groups, kH, kW): {shapes}")
    if groups < 1 or weight.shape[0] % groups:
        raise RuntimeError(f"groups must be positive and divide weight's C_out: {shapes}")
    if input.shape[-3] != weight.shape[1] * groups:
        raise RuntimeError(
            f"input must have weight.shape[1] * groups = {weight.shape[1] * groups} channels, "
            f"got {input.shape[-3]}: {shapes}"
        )
    if bias is not None and bias.shape != weight.shape[:1]:
        raise RuntimeError(f"bias must be (C_out,), got bias {tuple(bias.shape)}: {shapes}")
    check_dtypes(input, weight=weight, bias=bias)
