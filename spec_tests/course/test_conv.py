"""Claims about torch.nn.functional.conv2d (P17)."""

import pytest
import torch
from torch.nn.functional import conv2d

from spec_tests.harness.shown_errors import ShowsError

IMAGE = torch.tensor(
    [
        [1, 2, 0, 3, 1],
        [0, 1, 2, 3, 1],
        [1, 2, 1, 0, 0],
        [5, 2, 3, 1, 1],
        [2, 1, 0, 1, 1],
    ]
)
KERNEL = torch.tensor([[1, 2, 1], [0, 1, 0], [2, 1, 0]])
INPUT = IMAGE.reshape(1, 1, 5, 5)
WEIGHT = KERNEL.reshape(1, 1, 3, 3)


@pytest.mark.claim("conv.functional-module")
@pytest.mark.shows("conv.functional-module")
def test_conv2d_is_in_nn_functional(shows_error: ShowsError) -> None:
    with shows_error("conv.functional-module"):
        _ = torch.functional.conv2d
    assert callable(torch.nn.functional.conv2d)


@pytest.mark.claim("conv.example-shapes")
def test_example_shapes() -> None:
    assert str(IMAGE.shape) == "torch.Size([5, 5])"
    assert str(KERNEL.shape) == "torch.Size([3, 3])"
    assert str(torch.reshape(IMAGE, (1, 1, 5, 5)).shape) == "torch.Size([1, 1, 5, 5])"
    assert str(torch.reshape(KERNEL, (1, 1, 3, 3)).shape) == "torch.Size([1, 1, 3, 3])"


@pytest.mark.claim("conv.printed")
@pytest.mark.parametrize(
    ("stride", "padding", "printed"),
    [
        pytest.param(
            1,
            0,
            """\
tensor([[[[10, 12, 12],
          [18, 16, 16],
          [13,  9,  3]]]]) torch.Size([1, 1, 3, 3])""",
            id="stride 1",
        ),
        pytest.param(
            2,
            0,
            """\
tensor([[[[10, 12],
          [13,  3]]]]) torch.Size([1, 1, 2, 2])""",
            id="stride 2",
        ),
        pytest.param(
            1,
            1,
            """\
tensor([[[[ 1,  3,  4, 10,  8],
          [ 5, 10, 12, 12,  6],
          [ 7, 18, 16, 16,  8],
          [11, 13,  9,  3,  4],
          [14, 13,  9,  7,  4]]]]) torch.Size([1, 1, 5, 5])""",
            id="stride 1, padding 1",
        ),
        pytest.param(
            2,
            1,
            """\
tensor([[[[ 1,  4,  8],
          [ 7, 16,  8],
          [14,  9,  4]]]]) torch.Size([1, 1, 3, 3])""",
            id="stride 2, padding 1",
        ),
    ],
)
def test_printed_output(stride: int, padding: int, printed: str) -> None:
    output = conv2d(input=INPUT, weight=WEIGHT, stride=stride, padding=padding)
    assert f"{output} {output.shape}" == printed


@pytest.mark.claim("conv.input-4d")
def test_takes_a_3d_input() -> None:
    output = conv2d(IMAGE.reshape(1, 5, 5), WEIGHT)
    assert output.tolist() == [[[10, 12, 12], [18, 16, 16], [13, 9, 3]]]


@pytest.mark.claim("conv.two-dims-rejected")
@pytest.mark.shows("conv.two-dims-rejected")
def test_rejects_2d_input(shows_error: ShowsError) -> None:
    with shows_error("conv.two-dims-rejected"):
        conv2d(IMAGE, KERNEL)
    with shows_error("conv.two-dims-rejected"):
        conv2d(INPUT, KERNEL)


@pytest.mark.claim("conv.functional-defaults")
def test_default_arguments() -> None:
    output = conv2d(input=INPUT, weight=WEIGHT)
    assert output.tolist() == [[[[10, 12, 12], [18, 16, 16], [13, 9, 3]]]]


@pytest.mark.claim("conv.padding-valid")
def test_padding_valid() -> None:
    output = conv2d(INPUT, WEIGHT, padding="valid")
    assert output.tolist() == [[[[10, 12, 12], [18, 16, 16], [13, 9, 3]]]]


@pytest.mark.claim("conv.padding-same")
@pytest.mark.parametrize(
    ("kernel", "dilation"), [((3, 3), 1), ((5, 5), 1), ((1, 3), 1), ((3, 3), 2)]
)
def test_padding_same_keeps_the_size(kernel: tuple[int, int], dilation: int) -> None:
    weight = torch.ones(1, 1, *kernel)
    output = conv2d(torch.ones(1, 1, 5, 7), weight, padding="same", dilation=dilation)
    assert output.shape == (1, 1, 5, 7)


@pytest.mark.claim("conv.padding-same-needs-stride-1")
@pytest.mark.shows("conv.padding-same-needs-stride-1")
def test_padding_same_needs_stride_1(shows_error: ShowsError) -> None:
    with shows_error("conv.padding-same-needs-stride-1"):
        conv2d(INPUT, WEIGHT, stride=2, padding="same")
    with shows_error("conv.padding-same-needs-stride-1"):
        torch.nn.Conv2d(1, 1, 3, stride=2, padding="same")


@pytest.mark.claim("conv.stride-pair")
@pytest.mark.parametrize("stride", [2, (2, 2)])
def test_stride_is_a_number_or_a_pair(stride: int | tuple[int, int]) -> None:
    assert conv2d(INPUT, WEIGHT, stride=stride).tolist() == [[[[10, 12], [13, 3]]]]


@pytest.mark.claim("conv.stride-order")
def test_stride_is_vertical_then_horizontal() -> None:
    assert conv2d(INPUT, WEIGHT, stride=(1, 2)).tolist() == [[[[10, 12], [18, 16], [13, 3]]]]
    assert conv2d(INPUT, WEIGHT, stride=(2, 1)).tolist() == [[[[10, 12, 12], [13, 9, 3]]]]


@pytest.mark.claim("conv.padding-one-number")
def test_padding_is_on_all_four_sides() -> None:
    output = conv2d(torch.tensor([[[[7]]]]), torch.tensor([[[[1]]]]), padding=1)
    assert output.tolist() == [[[[0, 0, 0], [0, 7, 0], [0, 0, 0]]]]


@pytest.mark.claim("conv.stride-is-step")
@pytest.mark.parametrize(("stride", "seen"), [(1, [1, 2, 3, 4, 5, 6]), (2, [1, 3, 5]), (3, [1, 4])])
def test_stride_is_the_step(stride: int, seen: list[int]) -> None:
    row = torch.tensor([[[[1, 2, 3, 4, 5, 6]]]])
    assert conv2d(row, torch.tensor([[[[1]]]]), stride=stride).tolist() == [[[seen]]]


@pytest.mark.claim("conv.stride-2-needs-padding-18", "conv.padding-for-same-size")
@pytest.mark.parametrize(("stride", "needed"), [(1, 2), (2, 18)])
def test_padding_that_keeps_a_size_of_32(stride: int, needed: int) -> None:
    image, kernel = torch.ones(1, 1, 32, 32), torch.ones(1, 1, 5, 5)
    sizes = [conv2d(image, kernel, stride=stride, padding=p).shape[-1] for p in range(20)]
    assert [p for p, size in enumerate(sizes) if size == 32] == [needed]


@pytest.mark.claim("conv.outputs-stacked")
def test_outputs_of_the_kernels_are_stacked() -> None:
    image = torch.tensor([[[[1, 2], [3, 4]]]])
    kernels = torch.tensor([1, 10, -1]).reshape(3, 1, 1, 1)
    stacked = [[[1, 2], [3, 4]], [[10, 20], [30, 40]], [[-1, -2], [-3, -4]]]
    assert conv2d(image, kernels).tolist() == [stacked]


@pytest.mark.claim("conv.kernel-larger")
@pytest.mark.shows("conv.kernel-larger")
def test_kernel_larger_than_the_image_fails(shows_error: ShowsError) -> None:
    with shows_error("conv.kernel-larger"):
        conv2d(IMAGE[None, None, :2], WEIGHT)
    assert conv2d(IMAGE[None, None, :2], WEIGHT, padding=1).shape == (1, 1, 2, 5)
