"""Claims about max pooling (P19)."""

import inspect
import warnings
from itertools import product

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

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
ROW = torch.tensor([[[1.0, 2.0, 3.0, 4.0, 5.0]]])
SQUARE = torch.arange(1.0, 17.0).reshape(1, 1, 4, 4)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("stride", None, marks=pytest.mark.claim("maxpool.default-stride")),
        pytest.param("padding", 0, marks=pytest.mark.claim("maxpool.default-padding")),
        pytest.param("dilation", 1, marks=pytest.mark.claim("maxpool.default-dilation")),
        pytest.param(
            "return_indices", False, marks=pytest.mark.claim("maxpool.default-return-indices")
        ),
        pytest.param("ceil_mode", False, marks=pytest.mark.claim("maxpool.default-ceil-mode")),
    ],
)
def test_default_argument(name: str, value: object) -> None:
    default = inspect.signature(nn.MaxPool2d).parameters[name].default
    assert default == value
    assert type(default) is type(value)


@pytest.mark.claim("maxpool.example-shape")
def test_example_shape() -> None:
    assert str(torch.reshape(IMAGE, (-1, 1, 5, 5)).shape) == "torch.Size([1, 1, 5, 5])"


@pytest.mark.claim("maxpool.stride-is-kernel-size")
def test_stride_defaults_to_the_kernel_size() -> None:
    assert nn.MaxPool2d(3).stride == 3
    assert nn.MaxPool2d((1, 2))(ROW).tolist() == [[[2, 4]]]


@pytest.mark.claim("maxpool.long-rejected")
def test_takes_integers() -> None:
    output = nn.MaxPool2d(kernel_size=3, ceil_mode=True)(IMAGE.reshape(1, 1, 5, 5))
    assert output.dtype == torch.long
    assert output.tolist() == [[[[2, 3], [5, 1]]]]
    with pytest.raises(RuntimeError, match="not implemented for 'Bool'"):
        nn.MaxPool2d(3)(torch.ones(1, 5, 5, dtype=torch.bool))


@pytest.mark.claim("maxpool.padding-is-minus-infinity")
def test_padding_is_never_the_maximum() -> None:
    output = nn.MaxPool2d(kernel_size=3, padding=1)(torch.full((1, 3, 3), -1.0))
    assert output.tolist() == [[[-1]]]


@pytest.mark.claim("maxpool.ceil-mode-rounds-size")
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.int64])
def test_ceil_mode_rounds_the_size_of_any_dtype(dtype: torch.dtype) -> None:
    image = IMAGE.reshape(1, 5, 5).to(dtype)
    assert nn.MaxPool2d(3, ceil_mode=True)(image).shape == (1, 2, 2)
    assert nn.MaxPool2d(3, ceil_mode=False)(image).shape == (1, 1, 1)


@pytest.mark.claim("maxpool.ceil-mode-rounds-size")
def test_ceil_mode_rounds_no_value() -> None:
    image = torch.tensor([[[0.2, 0.7, 0.4]]])
    torch.testing.assert_close(
        nn.MaxPool2d((1, 2), ceil_mode=True)(image), torch.tensor([[[0.7, 0.4]]]), rtol=0, atol=0
    )


@pytest.mark.claim("maxpool.ceil-keeps-border")
def test_ceil_mode_keeps_the_border() -> None:
    assert nn.MaxPool2d((1, 3), ceil_mode=True)(ROW).tolist() == [[[3, 5]]]
    assert nn.MaxPool2d((1, 3), ceil_mode=False)(ROW).tolist() == [[[3]]]


@pytest.mark.claim("maxpool.floor-size", "maxpool.ceil-size")
def test_output_size() -> None:
    for length, kernel, stride in product(range(5, 12), range(1, 6), range(1, 6)):
        image = torch.zeros(1, length, 1)
        shape = nn.MaxPool2d((kernel, 1), (stride, 1))(image).shape
        assert shape == (1, (length - kernel) // stride + 1, 1)
        if stride <= kernel:
            shape = nn.MaxPool2d((kernel, 1), (stride, 1), ceil_mode=True)(image).shape
            assert shape == (1, -(-(length - kernel) // stride) + 1, 1)


@pytest.mark.claim("maxpool.ceil-last-window")
def test_drops_a_last_window_outside_the_image() -> None:
    pool = nn.MaxPool2d((1, 1), stride=(1, 2), ceil_mode=True)
    assert pool(torch.tensor([[[1.0, 2.0]]])).tolist() == [[[1]]]  # (2 - 1) / 2 + 1 rounds up to 2


@pytest.mark.claim("maxpool.avgpool-ceil-mode")
def test_avgpool_has_ceil_mode_too() -> None:
    assert nn.AvgPool2d((1, 3), ceil_mode=True)(ROW).tolist() == [[[2, 4.5]]]
    assert nn.AvgPool2d((1, 3))(ROW).tolist() == [[[2]]]


@pytest.mark.claim("maxpool.halves-4x4")
def test_halves_4x4() -> None:
    assert nn.MaxPool2d(2)(SQUARE).tolist() == [[[[6, 8], [14, 16]]]]


@pytest.mark.claim("maxpool.largest-in-window")
@pytest.mark.parametrize(("size", "largest"), [(2, -1), (3, 9)])
def test_keeps_the_largest(size: int, largest: int) -> None:
    image = torch.tensor([[[-4.0, -2.0, 9.0], [-3.0, -1.0, 0.0], [5.0, 7.0, 8.0]]])
    assert nn.MaxPool2d(size)(image).tolist() == [[[largest]]]


@pytest.mark.claim("maxpool.return-indices")
def test_indices_restore_the_positions() -> None:
    values, indices = nn.MaxPool2d(2, return_indices=True)(SQUARE)
    assert indices.tolist() == [[[[5, 7], [13, 15]]]]
    back = nn.MaxUnpool2d(2)(values, indices)
    assert back.tolist() == [[[[0, 0, 0, 0], [0, 6, 0, 8], [0, 0, 0, 0], [0, 14, 0, 16]]]]


@pytest.mark.claim("maxpool.dilation-spreads")
def test_dilation_leaves_gaps() -> None:
    image = torch.tensor([[[1.0, 99.0, 3.0, 99.0, 5.0]]])
    assert nn.MaxPool2d((1, 2), stride=2, dilation=2)(image).tolist() == [[[3, 5]]]


@pytest.mark.claim("maxpool.small-shift")
def test_small_shift_may_not_change_the_output() -> None:
    def pooled(row: int, column: int) -> list[list[float]]:
        image = torch.zeros(1, 4, 4)
        image[0, row, column] = 1
        return nn.MaxPool2d(2)(image)[0].tolist()

    assert pooled(0, 0) == pooled(1, 1) == [[1, 0], [0, 0]]
    assert pooled(1, 2) == [[0, 1], [0, 0]]


@pytest.mark.claim("maxpool.no-parameters")
def test_reduces_the_features() -> None:
    pool = nn.MaxPool2d(2)
    assert list(pool.parameters()) == []
    image = torch.zeros(1, 64, 8, 8)
    assert image.flatten(1).shape == (1, 4096)
    assert pool(image).flatten(1).shape == (1, 1024)


def cost(layer: nn.Module, side: int) -> tuple[int, int]:
    """Return the number of parameters of a layer and its FLOPs for an image of 3 channels."""
    with FlopCounterMode(display=False) as counter:
        layer(torch.zeros(1, 3, side, side))
    return sum(p.numel() for p in layer.parameters()), counter.get_total_flops()


@pytest.mark.claim("maxpool.layers-behind")
def test_saves_a_convolution_no_parameters() -> None:
    layer = nn.Conv2d(3, 4, 3, padding=1)
    one_pixel = 2 * (3 * 3 * 3) * 4  # a product and a sum for each weight, for each of 4 channels
    assert cost(layer, 32) == (112, 32 * 32 * one_pixel)
    assert cost(layer, 16) == (112, 16 * 16 * one_pixel)
    assert cost(nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 10)), 32)[0] == 30_730
    assert cost(nn.Sequential(nn.Flatten(), nn.Linear(3 * 16 * 16, 10)), 16)[0] == 7690


@pytest.mark.claim("maxpool.receptive-field")
@pytest.mark.parametrize(("pool", "field"), [(nn.Identity(), 3 * 3), (nn.MaxPool2d(2), 6 * 6)])
def test_widens_the_receptive_field(pool: nn.Module, field: int) -> None:
    sum_of_nine = nn.AvgPool2d(3, stride=1, divisor_override=1)
    network = nn.Sequential(pool, sum_of_nine)
    pixels = torch.eye(12 * 12).reshape(144, 1, 12, 12)  # image i has a 1 in pixel i only
    assert int((network(pixels)[:, 0, 1, 1] > 0).sum()) == field


@pytest.mark.claim("maxpool.keeps-channels")
def test_keeps_the_channels() -> None:
    images = torch.zeros(64, 3, 32, 32)
    assert nn.MaxPool2d(3, ceil_mode=True)(images).shape == (64, 3, 11, 11)
    assert nn.MaxPool2d(3, ceil_mode=False)(images).shape == (64, 3, 10, 10)


@pytest.mark.claim("maxpool.two-dims-rejected")
@pytest.mark.shows("maxpool.two-dims-rejected")
def test_rejects_2d_input(shows_error: ShowsError) -> None:
    with shows_error("maxpool.two-dims-rejected"):
        nn.MaxPool2d(3)(IMAGE.float())


@pytest.mark.claim("maxpool.ceil-removes")
def test_keeps_the_maximum_of_the_border() -> None:
    row = torch.tensor([[[[4.0, 6.0, 5.0, 1.0, 9.0]]]])
    assert nn.MaxPool2d((1, 3), ceil_mode=True)(row).tolist() == [[[[6, 9]]]]


@pytest.mark.claim("maxpool.output-too-small")
@pytest.mark.shows("maxpool.output-too-small")
def test_window_larger_than_the_image_fails(shows_error: ShowsError) -> None:
    with shows_error("maxpool.output-too-small"):
        nn.MaxPool2d(2)(torch.ones(1, 64, 1, 1))
    assert nn.MaxPool2d(2)(torch.ones(1, 64, 2, 2)).shape == (1, 64, 1, 1)


@pytest.mark.claim("maxpool.named-tensors")
def test_no_warning_of_named_tensors() -> None:
    with warnings.catch_warnings(action="error"):
        assert nn.MaxPool2d(2)(torch.ones(1, 2, 2)).tolist() == [[[1]]]
