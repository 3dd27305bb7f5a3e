"""Convolution."""

from collections.abc import Sequence
from typing import Literal

import numpy as np

from spec_tests.implementations._numpy.dtypes import check_same, exact
from spec_tests.implementations._numpy.windows import (
    Pair,
    Widths,
    Windows,
    check_planes,
    numbered,
    pair,
    scatter,
)

# torch's names of numpy.pad's modes
MODES: dict[str, Literal["constant", "edge", "reflect", "wrap"]] = {
    "zeros": "constant",
    "reflect": "reflect",
    "replicate": "edge",
    "circular": "wrap",
}


def conv2d(
    input: np.ndarray,
    weight: np.ndarray,
    bias: np.ndarray | None = None,
    *,
    stride: int | Sequence[int] = 1,
    padding: str | int | Sequence[int] = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
    padding_mode: str = "zeros",
) -> np.ndarray:
    """Return the sum of the products of the kernel and each window of the input."""
    _check(input, weight, bias, groups)
    pixels = _pixels(input, weight, stride, padding, dilation, padding_mode=padding_mode)
    columns, kernels = _columns(input, pixels, groups), _kernels(weight, groups)
    # (N, G, oH * oW, K) @ (G, K, C_out / G) -> (N, G, oH * oW, C_out / G)
    products = columns @ kernels
    # (N, G, oH * oW, C_out / G) -> (N, G, C_out / G, oH * oW) -> (N, C_out, oH, oW)
    shape = (*input.shape[:-3], len(weight), *pixels.shape[:2])
    output = products.swapaxes(-1, -2).reshape(shape)
    output = output if bias is None else output + exact(bias)[:, None, None]
    return output.astype(input.dtype)


def conv2d_gradients(
    grad_output: np.ndarray,
    input: np.ndarray,
    weight: np.ndarray,
    *,
    stride: int | Sequence[int] = 1,
    padding: str | int | Sequence[int] = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
    padding_mode: str = "zeros",
    **_: object,
) -> dict[str, np.ndarray]:
    """Return the gradients of input, weight and bias."""
    pixels = _pixels(input, weight, stride, padding, dilation, padding_mode=padding_mode)
    columns, kernels = _columns(input, pixels, groups), _kernels(weight, groups)
    grads = exact(grad_output)
    # (N, C_out, oH, oW) -> (N, G, C_out / G, oH * oW)
    products = grads.reshape(-1, groups, len(weight) // groups, columns.shape[-2])
    # (N, G, C_out / G, oH * oW) @ (N, G, oH * oW, K) -> (N, G, C_out / G, K) -> (C_out, ...)
    weights = (products @ columns.reshape(-1, *columns.shape[-3:])).sum(0).reshape(weight.shape)
    # (N, G, oH * oW, C_out / G) @ (G, C_out / G, K) -> (N, G, oH * oW, K)
    elements = products.swapaxes(-1, -2) @ kernels.swapaxes(-1, -2)
    # -> (N, G, oH, oW, C_in / G, kH, kW) -> (N, G, C_in / G, oH, oW, kH, kW)
    places = elements.reshape(-1, groups, *pixels.shape[:2], *weight.shape[1:])
    places = np.moveaxis(places, 4, 2).reshape(*input.shape[:-2], *pixels.shape)
    return {
        "input": scatter(places, pixels, input.shape),
        "weight": weights,
        "bias": grads.reshape(-1, *grads.shape[-3:]).sum((0, 2, 3)),
    }


def _columns(input: np.ndarray, pixels: np.ndarray, groups: int) -> np.ndarray:
    """Return the windows as the rows of matrices, (N, G, oH * oW, K), K = C_in / G * kH * kW."""
    windows = numbered(exact(input), 0)[..., pixels]  # (N, C_in, oH, oW, kH, kW)
    batch, channels = input.shape[:-3], input.shape[-3] // groups
    grouped = windows.reshape(*batch, groups, channels, *pixels.shape)
    rows, columns, height, width = pixels.shape
    # (N, G, C_in / G, oH, oW, kH, kW) -> (N, G, oH, oW, C_in / G, kH, kW) -> (N, G, oH * oW, K)
    by_window = np.moveaxis(grouped, -5, -3)
    return by_window.reshape(*batch, groups, rows * columns, channels * height * width)


def _kernels(weight: np.ndarray, groups: int) -> np.ndarray:
    """Return the kernels as the columns of matrices, (G, K, C_out / G)."""
    elements = weight.shape[1] * weight.shape[2] * weight.shape[3]
    return exact(weight).reshape(groups, len(weight) // groups, elements).swapaxes(1, 2)


def _pixels(
    input: np.ndarray,
    weight: np.ndarray,
    stride: int | Sequence[int],
    padding: str | int | Sequence[int],
    dilation: int | Sequence[int],
    *,
    padding_mode: str,
) -> np.ndarray:
    """Return the pixels of the windows, (oH, oW, kH, kW); refuse what does not fit."""
    if padding_mode not in MODES:
        raise ValueError(f"padding_mode must be one of {tuple(MODES)}, got {padding_mode!r}")
    size, kernel = input.shape[-2:], pair("kernel_size", weight.shape[2:], 1)
    step, gap = pair("stride", stride, 1), pair("dilation", dilation, 1)
    widths = _widths(kernel, step, gap, padding)
    for length, extent, distance, (before, after) in zip(size, kernel, gap, widths, strict=True):
        span = distance * (extent - 1) + 1
        if span > length + before + after:
            raise RuntimeError(
                f"kernel_size={extent} with dilation={distance} spans {span} pixels, more than "
                f"the input's {length} with padding={padding!r}: use a smaller kernel or more "
                "padding"
            )
        limit = {"reflect": length - 1, "circular": length}.get(padding_mode, after)
        if max(before, after) > limit:
            raise RuntimeError(
                f"padding={padding!r} with padding_mode={padding_mode!r} must be at most {limit} "
                f"for input {input.shape}: pad less or use padding_mode='zeros'"
            )
    windows = Windows(
        size=size,
        kernel_size=kernel,
        stride=step,
        dilation=gap,
        widths=widths,
        mode=MODES[padding_mode],
    )
    return windows.pixels()


def _widths(
    kernel: Pair, stride: Pair, dilation: Pair, padding: str | int | Sequence[int]
) -> Widths:
    """Return the padding as rows above and below, and columns to the left and to the right."""
    if padding == "valid":
        return (0, 0), (0, 0)
    if padding == "same" and stride == (1, 1):
        # The number of added pixels may be odd: the larger half is at the end.
        added = [gap * (length - 1) for length, gap in zip(kernel, dilation, strict=True)]
        (above, below), (left, right) = ((n // 2, n - n // 2) for n in added)
        return (above, below), (left, right)
    if isinstance(padding, str):
        raise RuntimeError(  # noqa: TRY004 - as torch
            "padding must be a number, 'valid', or with stride=1 'same', got "
            f"padding={padding!r}, stride={stride!r}"
        )
    rows, columns = pair("padding", padding, 0)
    return (rows, rows), (columns, columns)


def _check(input: np.ndarray, weight: np.ndarray, bias: np.ndarray | None, groups: int) -> None:
    shapes = f"input {input.shape}, weight {weight.shape}, groups={groups}"
    check_planes("conv2d", input)
    if weight.ndim != 4:
        raise RuntimeError(f"weight must be (C_out, C_in / groups, kH, kW): {shapes}")
    if groups < 1 or len(weight) % groups:
        raise RuntimeError(f"groups must be positive and divide weight's C_out: {shapes}")
    if input.shape[-3] != weight.shape[1] * groups:
        raise RuntimeError(
            f"input must have weight.shape[1] * groups = {weight.shape[1] * groups} channels, "
            f"got {input.shape[-3]}: {shapes}"
        )
    if bias is not None and bias.shape != weight.shape[:1]:
        raise RuntimeError(f"bias must be (C_out,), got bias {bias.shape}: {shapes}")
    check_same(input, weight=weight, bias=bias)
