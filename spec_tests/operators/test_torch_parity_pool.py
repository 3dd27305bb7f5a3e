"""Pooling compared with torch, for what the vectors and drawn cases omit, and its errors."""

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

POOLINGS = {
    "empty stride means the default": ((1, 1, 6, 6), (3, ()), {}),
    "padding, other each way": ((2, 3, 5, 6), ((2, 5), 1, (1, 2)), {}),
    "ceil, kernel beyond the image": ((1, 2, 4, 5), (6, 6), {"ceil_mode": True}),
    "no images": ((0, 2, 6, 6), (2,), {}),
}
DILATED = {"dilation, ceil": ((1, 2, 8, 8), ((2, 3), 3, (0, 1), 2), {"ceil_mode": True})}


@pytest.mark.parametrize("case", POOLINGS | DILATED)
def test_max_pool2d(case: str) -> None:
    shape, arguments, options = (POOLINGS | DILATED)[case]
    images = draw(*shape) - 10  # all negative, so that a padding of 0 would win
    assert_same(
        lambda x: reference.max_pool2d(x, *arguments, **options),
        lambda x: functional.max_pool2d(x, *arguments, **options),
        images,
    )
    pooled = reference.max_pool2d(images, *arguments, **options, return_indices=True)
    expected = functional.max_pool2d(images, *arguments, **options, return_indices=True)
    torch.testing.assert_close(pooled, expected, **EXACT)


@pytest.mark.parametrize(
    "plane",
    [torch.zeros(3, 4), torch.full((3, 4), -torch.inf), torch.full((3, 4), -128, dtype=torch.int8)],
    ids=["zeros", "minus infinity", "lowest integer"],
)
def test_max_pool2d_gives_ties_to_the_first_pixel(plane: Tensor) -> None:
    pooled = reference.max_pool2d(plane[None], 2, 1, 1, return_indices=True)
    expected = functional.max_pool2d(plane[None], 2, 1, 1, return_indices=True)
    torch.testing.assert_close(pooled, expected, **EXACT)


def test_max_pool2d_gives_the_gradient_to_one_of_equal_pixels() -> None:
    plane = torch.full((1, 2, 2), -torch.inf, requires_grad=True)
    output = reference.max_pool2d(plane, 2, padding=1)
    assert isinstance(output, Tensor)
    output.sum().backward()
    assert plane.grad is not None
    assert plane.grad.tolist() == [[[1.0, 1.0], [1.0, 1.0]]]
    assert_same(
        lambda x: reference.max_pool2d(x, 3, 1, 1),
        lambda x: functional.max_pool2d(x, 3, 1, 1),
        torch.ones(1, 4, 4, dtype=torch.float64),
    )


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int8, torch.int32, torch.int64], ids=str)
def test_max_pool2d_integers(dtype: torch.dtype) -> None:
    images = (torch.arange(25).view(1, 5, 5) * 7 % 25 - 30 * dtype.is_signed).to(dtype)
    output = reference.max_pool2d(images, 3, 2, 1)
    expected = functional.max_pool2d(images, 3, 2, 1)
    torch.testing.assert_close(output, expected, **EXACT)


def test_max_pool2d_propagates_nan() -> None:
    plane = torch.tensor([[[1.0, torch.nan], [5.0, 2.0]]])
    assert reference.max_pool2d(plane, (2, 1)).isnan().tolist() == [[[False, True]]]


def test_max_pool2d_returns_the_index_of_the_first_nan_and_torch_of_the_last() -> None:
    row = torch.tensor([[[torch.nan, 1.0, torch.nan]]])
    _, indices = reference.max_pool2d(row, (1, 3), return_indices=True)
    assert indices.tolist() == [[[0]]]
    _, indices = functional.max_pool2d(row, (1, 3), return_indices=True)
    assert indices.tolist() == [[[2]]]


def test_max_pool2d_of_padding_only_is_minus_infinity_with_the_index_past_the_plane() -> None:
    """Torch's gradient is not compared: it is written past the plane, for the last one anywhere."""
    pixels, window = ones(3, 1, 1).requires_grad_(), ((1, 2), 1, (0, 1), (1, 2))
    output, indices = reference.max_pool2d(pixels, *window, return_indices=True)
    assert output.tolist() == [[[-torch.inf]]] * 3
    assert indices.tolist() == [[[1]]] * 3
    expected = functional.max_pool2d(pixels.detach(), *window, return_indices=True)
    torch.testing.assert_close((output.detach(), indices), expected, **EXACT)
    (gradient,) = torch.autograd.grad(output.sum(), pixels)
    assert gradient.tolist() == [[[0.0]]] * 3


@pytest.mark.parametrize(
    "counting", [{}, {"count_include_pad": False}, {"divisor_override": -2}], ids=str
)
@pytest.mark.parametrize("case", POOLINGS)
def test_avg_pool2d(case: str, counting: Options) -> None:
    shape, arguments, options = POOLINGS[case]
    assert_same(
        lambda x: reference.avg_pool2d(x, *arguments, **options, **counting),
        lambda x: functional.avg_pool2d(x, *arguments, **options, **counting),
        draw(*shape),
    )


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
def test_avg_pool2d_sums_half_precision_in_float32(dtype: torch.dtype) -> None:
    """The sum of four 60,000 is beyond float16, and 257 is no number of bfloat16."""
    for value, side in ((60000, 2), (1, 32)):
        plane = torch.full((1, side, side), value, dtype=dtype)
        assert reference.avg_pool2d(plane, side).equal(plane[:, :1, :1])


def test_avg_pool2d_truncates_integers_towards_zero() -> None:
    plane = torch.tensor([[[-1, -2, 1, 2], [-2, -2, 2, 2]]])
    output = reference.avg_pool2d(plane, 2)
    torch.testing.assert_close(output, torch.tensor([[[-1, 1]]]), **EXACT)


@pytest.mark.parametrize("output_size", [3, (None, 3), (2, None)], ids=str)
@pytest.mark.parametrize("shape", [(2, 3, 7, 8), (0, 2, 4, 4)], ids=str)
def test_adaptive_avg_pool2d(
    shape: tuple[int, ...], output_size: int | tuple[int | None, int | None]
) -> None:
    ours, theirs = reference.adaptive_avg_pool2d, functional.adaptive_avg_pool2d
    assert_same(ours, theirs, draw(*shape), output_size=output_size)


def test_adaptive_avg_pool2d_to_zero_rows() -> None:
    assert reference.adaptive_avg_pool2d(draw(2, 3, 7, 8), (0, 3)).shape == (2, 3, 0, 3)


def test_adaptive_avg_pool2d_of_infinity_does_not_affect_other_windows() -> None:
    plane = torch.tensor([[[1.0, torch.inf], [2.0, 3.0]]])
    assert reference.adaptive_avg_pool2d(plane, 2).tolist() == plane.tolist()


IMAGES = ones(1, 3, 5, 5)
REFUSED: dict[str, Refused] = {
    "adaptive_avg_pool2d input": (
        lambda f: f.adaptive_avg_pool2d(ones(5, 5), 2),
        ("adaptive_avg_pool2d", "(5, 5)"),
    ),
    "adaptive_avg_pool2d output_size": (
        lambda f: f.adaptive_avg_pool2d(IMAGES, (-1, None)),
        ("output_size=[-1, 5]",),
    ),
    "adaptive_avg_pool2d output_size, three numbers": (
        lambda f: f.adaptive_avg_pool2d(IMAGES, (1, 2, 3)),
        ("output_size=(1, 2, 3)",),
    ),
    "adaptive_avg_pool2d output_size, one number in a tuple": (
        lambda f: f.adaptive_avg_pool2d(IMAGES, (2,)),
        ("output_size=(2,)",),
    ),
    "adaptive_avg_pool2d empty plane": (
        lambda f: f.adaptive_avg_pool2d(ones(1, 2, 0, 4), 2),
        ("adaptive_avg_pool2d", "(1, 2, 0, 4)"),
    ),
    "avg_pool2d divisor": (
        lambda f: f.avg_pool2d(IMAGES, 3, divisor_override=0),
        ("divisor_override",),
    ),
    "avg_pool2d divisor, no integer": (
        lambda f: f.avg_pool2d(IMAGES, 3, divisor_override=1.5),
        ("divisor_override=1.5",),
    ),
    "avg_pool2d input": (
        lambda f: f.avg_pool2d(ones(1, 1, 1, 5, 5), 2),
        ("avg_pool2d", "(1, 1, 1, 5, 5)"),
    ),
    "max_pool2d input": (lambda f: f.max_pool2d(ones(5, 5), 2), ("max_pool2d", "(5, 5)")),
    "max_pool2d dilation": (lambda f: f.max_pool2d(IMAGES, 2, dilation=0), ("dilation=0",)),
    "max_pool2d padding, dilated": (
        lambda f: f.max_pool2d(IMAGES, 3, padding=2, dilation=2),
        ("padding=2", "kernel_size=3"),
    ),
}


for name in ("max_pool2d", "avg_pool2d"):
    REFUSED |= {
        f"{name} kernel_size, {case}": (
            lambda f, name=name, arguments=arguments: getattr(f, name)(IMAGES, *arguments),
            words,
        )
        for case, arguments, words in (
            ("zero", (0,), ("kernel_size=0",)),
            ("three numbers", ((1, 2, 3),), ("kernel_size=(1, 2, 3)",)),
            ("no integer", (2.5,), ("kernel_size=2.5",)),
            ("beyond the image", ((2, 6),), ("kernel_size=6", "5 pixels")),
            ("and stride zero", (2, 0), ("stride=0",)),
            ("and padding beyond half", (3, 1, (1, 2)), ("padding=(1, 2)", "kernel_size=3")),
            ("and padding negative", (3, 1, -1), ("padding=-1",)),
        )
    }
    REFUSED |= {
        f"{name} empty input {shape}": (
            lambda f, name=name, shape=shape: getattr(f, name)(ones(*shape), 2, padding=1),
            (name, str(shape)),
        )
        for shape in ((1, 2, 0, 4), (1, 2, 4, 0), (2, 0, 4, 4), (0, 4, 4))
    }


@pytest.mark.parametrize(("call", "words"), refused_params(REFUSED))
def test_refused_as_by_torch(call: Call, words: tuple[str, ...]) -> None:
    assert_same_error(call, words)


@pytest.mark.parametrize("ceil_mode", [False, True], ids=["floor", "ceil"])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("padding", [0, 1])
@pytest.mark.parametrize("kernel_size", [2, 3])
@pytest.mark.parametrize("dilation", [1, 2])
def test_output_size(
    stride: int, padding: int, kernel_size: int, dilation: int, *, ceil_mode: bool
) -> None:
    window = (kernel_size, stride, padding, dilation)
    for size in range(5, 12):
        expected = functional.max_pool2d(ones(1, 1, size, size), *window, ceil_mode=ceil_mode)
        output = reference.pool_output_size(size, *window, ceil_mode=ceil_mode)
        assert output == expected.shape[-1]


def test_output_size_defaults() -> None:
    assert reference.pool_output_size(5, 3) == 1
    assert reference.pool_output_size(5, 3, ceil_mode=True) == 2
