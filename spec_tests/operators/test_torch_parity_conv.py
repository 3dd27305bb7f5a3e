"""Convolution compared with torch, for what the vectors and drawn cases omit, and its errors."""

import warnings

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from reference import functional as reference
from spec_tests.harness.torch_parity import (
    EXACT,
    Call,
    Options,
    Refused,
    assert_same,
    assert_same_error,
    draw,
    ones,
    refused_params,
)

CONVOLUTIONS = {
    "everything": (
        (2, 4, 9, 8),
        (6, 2, 3, 2),
        {"stride": (2, 3), "padding": (2, 1), "dilation": (1, 3), "groups": 2},
    ),
    "three groups": ((2, 3, 4, 4), (6, 1, 3, 3), {"groups": 3, "padding": 1}),
    "one-element tuple": ((1, 1, 5, 5), (1, 1, 2, 2), {"stride": (2,)}),
    "no images": ((0, 3, 5, 6), (4, 3, 3, 3), {}),
}


@pytest.mark.parametrize("bias", [True, False], ids=["bias", "no bias"])
@pytest.mark.parametrize("case", CONVOLUTIONS)
def test_conv2d(case: str, *, bias: bool) -> None:
    images, kernels, options = CONVOLUTIONS[case]
    tensors = [draw(*images), draw(*kernels, seed=1)] + [draw(kernels[0], seed=2)] * bias
    assert_same(reference.conv2d, functional.conv2d, *tensors, **options)


@pytest.mark.parametrize("mode", ["reflect", "replicate", "circular"])
def test_conv2d_pads_to_the_same_size_in_each_mode(mode: str) -> None:
    options: Options = {"padding": "same", "groups": 2, "padding_mode": mode}
    module = torch.nn.Conv2d(4, 6, (4, 3), **options, dtype=torch.float64)

    def ours(images: Tensor) -> Tensor:
        return reference.conv2d(images, module.weight, module.bias, **options)

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Using padding='same' with even kernel")
        assert_same(ours, module, draw(2, 4, 5, 7))


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int16, torch.int64], ids=str)
def test_conv2d_integers(dtype: torch.dtype) -> None:
    images = torch.arange(2 * 5 * 5).view(1, 2, 5, 5).remainder(7).to(dtype)
    kernels = torch.arange(3 * 2 * 2 * 3).view(3, 2, 2, 3).remainder(5).to(dtype)
    bias = torch.tensor([1, 2, 3], dtype=dtype)
    output = reference.conv2d(images, kernels, bias, stride=2, padding=1)
    expected = functional.conv2d(images, kernels, bias, stride=2, padding=1)
    torch.testing.assert_close(output, expected, **EXACT)


def test_conv2d_of_a_view() -> None:
    images, kernels = draw(2, 5, 6, 3).movedim(-1, 1), draw(3, 4, 3, 2, seed=1).transpose(0, 1)
    assert not images.is_contiguous()
    assert not kernels.is_contiguous()
    assert_same(reference.conv2d, functional.conv2d, images, kernels, padding=1)


IMAGES, KERNELS = ones(1, 3, 5, 5), ones(4, 3, 3, 3)
REFUSED: dict[str, Refused] = {
    "conv2d input": (
        lambda f: f.conv2d(ones(5, 5), KERNELS),
        ("conv2d", "(5, 5)", "(1, C, H, W)"),
    ),
    "conv2d input, five dimensions": (
        lambda f: f.conv2d(ones(1, 1, 3, 5, 5), KERNELS),
        ("conv2d", "(1, 1, 3, 5, 5)"),
    ),
    "conv2d weight": (
        lambda f: f.conv2d(IMAGES, ones(3, 3)),
        ("weight", "(3, 3)", "(1, 3, 5, 5)"),
    ),
    "conv2d channels": (
        lambda f: f.conv2d(IMAGES, ones(4, 2, 3, 3)),
        ("input", "2 channels", "got 3", "(1, 3, 5, 5)", "(4, 2, 3, 3)"),
    ),
    "conv2d groups, channels in": (
        lambda f: f.conv2d(IMAGES, KERNELS, groups=2),
        ("6 channels", "got 3", "groups=2"),
    ),
    "conv2d groups, channels out": (
        lambda f: f.conv2d(ones(1, 4, 5, 5), ones(3, 2, 3, 3), groups=2),
        ("groups=2", "(3, 2, 3, 3)"),
    ),
    "conv2d groups zero": (lambda f: f.conv2d(IMAGES, KERNELS, groups=0), ("groups=0",)),
    "conv2d bias": (
        lambda f: f.conv2d(IMAGES, KERNELS, ones(3)),
        ("bias (3,)", "(4, 3, 3, 3)"),
    ),
    "conv2d bias, two dimensions": (
        lambda f: f.conv2d(IMAGES, KERNELS, ones(4, 1)),
        ("bias (4, 1)",),
    ),
    "conv2d dtype": (
        lambda f: f.conv2d(IMAGES, KERNELS.double()),
        ("weight", "float32", "float64"),
    ),
    "conv2d bias dtype": (
        lambda f: f.conv2d(IMAGES.long(), KERNELS.long(), ones(4)),
        ("bias", "float32", "int64"),
    ),
    "conv2d stride": (lambda f: f.conv2d(IMAGES, KERNELS, stride=(1, 0)), ("stride=(1, 0)",)),
    "conv2d stride, three numbers": (
        lambda f: f.conv2d(IMAGES, KERNELS, stride=(1, 2, 3)),
        ("stride=(1, 2, 3)",),
    ),
    "conv2d stride, no integer": (
        lambda f: f.conv2d(IMAGES, KERNELS, stride=1.5),
        ("stride=1.5",),
    ),
    "conv2d padding": (lambda f: f.conv2d(IMAGES, KERNELS, padding=-1), ("padding=-1",)),
    "conv2d padding, a word": (
        lambda f: f.conv2d(IMAGES, KERNELS, padding="full"),
        ("padding='full'", "'same'", "'valid'"),
    ),
    "conv2d padding same with stride": (
        lambda f: f.conv2d(IMAGES, KERNELS, padding="same", stride=2),
        ("padding='same'", "stride=2"),
    ),
    "conv2d dilation": (lambda f: f.conv2d(IMAGES, KERNELS, dilation=0), ("dilation=0",)),
    "conv2d kernel": (
        lambda f: f.conv2d(IMAGES, ones(4, 3, 3, 8), padding=1),
        ("kernel_size=8", "5", "padding=1"),
    ),
    "conv2d kernel, dilated": (
        lambda f: f.conv2d(IMAGES, KERNELS, dilation=(1, 3)),
        ("kernel_size=3", "dilation=3", "7 pixels"),
    ),
    "conv2d kernel, empty": (lambda f: f.conv2d(IMAGES, ones(4, 3, 0, 3)), ("kernel_size",)),
}


@pytest.mark.parametrize(("call", "words"), refused_params(REFUSED))
def test_refused_as_by_torch(call: Call, words: tuple[str, ...]) -> None:
    assert_same_error(call, words)


@pytest.mark.parametrize(("mode", "padding"), [("reflect", 5), ("circular", 6)])
def test_conv2d_refuses_to_reflect_or_wrap_beyond_the_image(mode: str, padding: int) -> None:
    with pytest.raises(RuntimeError):
        torch.nn.Conv2d(3, 4, 3, padding=padding, padding_mode=mode)(IMAGES)
    message = rf"padding={padding} with .*'{mode}' must be at most {padding - 1} .*\(1, 3, 5, 5\)"
    with pytest.raises(RuntimeError, match=message):
        reference.conv2d(IMAGES, KERNELS, padding=padding, padding_mode=mode)
    output = reference.conv2d(IMAGES, KERNELS, padding=padding - 1, padding_mode=mode)
    assert output.shape == (1, 4, 3 + 2 * (padding - 1), 3 + 2 * (padding - 1))


def test_conv2d_refuses_an_unknown_padding_mode() -> None:
    with pytest.raises(ValueError, match=r"padding_mode must be one of .*'mirror'"):
        torch.nn.Conv2d(3, 4, 3, padding_mode="mirror")
    with pytest.raises(ValueError, match=r"padding_mode must be one of .*'reflect'.*'mirror'"):
        reference.conv2d(IMAGES, KERNELS, padding_mode="mirror")


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("padding", [0, 1])
@pytest.mark.parametrize("kernel_size", [2, 3])
@pytest.mark.parametrize("dilation", [1, 2])
def test_output_size(stride: int, padding: int, kernel_size: int, dilation: int) -> None:
    kernel, options = ones(1, 1, kernel_size, kernel_size), (stride, padding, dilation)
    for size in range(5, 12):
        expected = functional.conv2d(ones(1, 1, size, size), kernel, None, *options)
        assert reference.conv_output_size(size, kernel_size, *options) == expected.shape[-1]


def test_output_size_defaults() -> None:
    assert reference.conv_output_size(32, 5) == 28
    assert reference.conv_output_size(32, 5, padding=2) == 32
