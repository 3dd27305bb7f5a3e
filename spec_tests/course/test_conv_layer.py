"""Claims about the layer torch.nn.Conv2d (P18)."""

import inspect
from itertools import product
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import nn
from torch.nn.functional import conv2d
from torch.utils.tensorboard import SummaryWriter
from torchvision.transforms import ToTensor

from spec_tests.harness.shown_errors import ShowsError

ROWS = [[1, 2, 0, 3, 1], [0, 1, 2, 3, 1], [1, 2, 1, 0, 0], [5, 2, 3, 1, 1], [2, 1, 0, 1, 1]]
EXAMPLE = torch.tensor(ROWS).reshape(1, 1, 5, 5)
KERNEL = torch.tensor([[1, 2, 1], [0, 1, 0], [2, 1, 0]]).reshape(1, 1, 3, 3)


class Net(nn.Module):
    """The module of the lesson's listing."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels=3, out_channels=6, kernel_size=3, stride=1, padding=0)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the convolution of a batch."""
        return self.conv1(x)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("stride", 1, marks=pytest.mark.claim("conv.default-stride")),
        pytest.param("padding", 0, marks=pytest.mark.claim("conv.default-padding")),
        pytest.param("dilation", 1, marks=pytest.mark.claim("conv.default-dilation")),
        pytest.param("groups", 1, marks=pytest.mark.claim("conv.default-groups")),
        pytest.param("bias", True, marks=pytest.mark.claim("conv.default-bias")),
        pytest.param("padding_mode", "zeros", marks=pytest.mark.claim("conv.default-padding-mode")),
        pytest.param("device", None, marks=pytest.mark.claim("conv.default-device")),
        pytest.param("dtype", None, marks=pytest.mark.claim("conv.default-dtype")),
    ],
)
def test_default_argument(name: str, value: object) -> None:
    default = inspect.signature(nn.Conv2d).parameters[name].default
    assert default == value
    assert type(default) is type(value)


@pytest.mark.claim("conv.printed-layer", "conv.printed-layer-channels")
def test_printed_layer() -> None:
    printed = "Net(\n  (conv1): Conv2d(3, 6, kernel_size=(3, 3), stride=(1, 1))\n)"
    assert str(Net()) == printed


@pytest.mark.data
@pytest.mark.claim("conv.bees-picture-shape", "conv.bees-output-shape")
def test_output_shape_of_the_bees_image(real_data: Path) -> None:
    bees = real_data / "hymenoptera_data" / "train" / "bees"
    image = ToTensor()(Image.open(bees / "95238259_98470c5b10.jpg"))
    batch = torch.unsqueeze(image, 0)
    assert str(type(batch)) == "<class 'torch.Tensor'>"
    assert str(batch.shape) == "torch.Size([1, 3, 333, 500])"
    assert str(Net()(batch).shape) == "torch.Size([1, 6, 331, 498])"


@pytest.mark.claim("conv.bees-output-shape", "conv.bees-reshaped")
def test_output_shape_of_a_333x500_image() -> None:
    output = Net()(torch.zeros(1, 3, 333, 500))
    assert str(output.shape) == "torch.Size([1, 6, 331, 498])"
    _, _, h, w = output.shape
    assert str(torch.reshape(output, (-1, 3, h, w)).shape) == "torch.Size([2, 3, 331, 498])"


@pytest.mark.claim("conv.layer-input-4d")
def test_takes_a_single_image() -> None:
    assert Net()(torch.zeros(3, 333, 500)).shape == (6, 331, 498)


@pytest.mark.claim("conv.batch-shape")
def test_batch_shape() -> None:
    output = Net()(torch.zeros(64, 3, 32, 32))
    assert output.shape == (64, 6, 30, 30)
    assert torch.reshape(output, (-1, 3, 30, 30)).shape == (128, 3, 30, 30)


@pytest.mark.claim("conv.last-batch-shape")
def test_last_batch_shape() -> None:
    *_, last = torch.zeros(1, 3, 32, 32).expand(10000, -1, -1, -1).split(64)
    assert str(Net()(last).shape) == "torch.Size([16, 6, 30, 30])"


@pytest.mark.claim("conv.reshape-minus-one")
def test_reshape_infers_minus_one() -> None:
    output = torch.zeros(4, 6, 5, 5)
    assert output.reshape(-1, 3, 5, 5).shape == (8, 3, 5, 5)
    with pytest.raises(RuntimeError, match="is invalid for input of size 600"):
        output.reshape(-1, 7, 5, 5)


@pytest.mark.claim("conv.six-channels-need-reshape")
def test_six_channels_need_reshape(tmp_path: Path) -> None:
    output = torch.zeros(2, 6, 30, 30)
    with SummaryWriter(tmp_path) as writer:
        with pytest.raises(AssertionError):
            writer.add_images("outputs", output)
        writer.add_images("outputs", torch.reshape(output, (-1, 3, 30, 30)))


@pytest.mark.claim("conv.out-channels-are-kernels", "conv.kernel-int-is-square")
def test_weight_and_bias_shapes() -> None:
    layer = nn.Conv2d(3, 6, 3)
    assert layer.kernel_size == (3, 3)
    assert layer.weight.shape == (6, 3, 3, 3)
    assert layer.bias.shape == (6,)


@pytest.mark.claim("conv.weights-initialised")
def test_weights_are_random() -> None:
    first, second = nn.Conv2d(3, 6, 3).weight, nn.Conv2d(3, 6, 3).weight
    assert first.requires_grad
    assert not torch.equal(first, second)
    assert 0 < first.abs().max() <= 0.19246  # 1 / sqrt(3 * 3 * 3)


@pytest.mark.claim("conv.padding-mode-names")
@pytest.mark.parametrize(
    ("mode", "padded"),
    [
        ("zeros", [0, 0, 1, 2, 3, 0, 0]),
        ("reflect", [3, 2, 1, 2, 3, 2, 1]),
        ("replicate", [1, 1, 1, 2, 3, 3, 3]),
        ("circular", [2, 3, 1, 2, 3, 1, 2]),
    ],
)
def test_padding_mode(mode: str, padded: list[int]) -> None:
    layer = nn.Conv2d(1, 1, 1, padding=(0, 2), padding_mode=mode, bias=False)
    nn.init.ones_(layer.weight)
    assert layer(torch.tensor([[[[1.0, 2.0, 3.0]]]])).tolist() == [[[padded]]]


@pytest.mark.claim("conv.padding-mode-chinese")
@pytest.mark.shows("conv.padding-mode-chinese")
def test_padding_mode_in_chinese_is_rejected(shows_error: ShowsError) -> None:
    for mode in "零", "反射", "复制", "圆形":
        with shows_error("conv.padding-mode-chinese"):
            nn.Conv2d(3, 6, 3, padding_mode=mode)


@pytest.mark.claim("conv.padding-ring-of-zeros")
def test_padding_is_a_ring_of_zeros() -> None:
    layer = nn.Conv2d(1, 1, 1, padding=1, bias=False)
    nn.init.ones_(layer.weight)
    output = layer(torch.tensor([[[[5.0, 6.0]]]]))
    assert output.tolist() == [[[[0, 0, 0, 0], [0, 5, 6, 0], [0, 0, 0, 0]]]]


@pytest.mark.claim("conv.half-padding")
@pytest.mark.parametrize(
    ("kernel", "size"), [(1, 9), (2, 10), (3, 9), (4, 10), (5, 9), (6, 10), (7, 9)]
)
def test_half_padding(kernel: int, size: int) -> None:
    layer = nn.Conv2d(1, 1, kernel, padding=kernel // 2)
    assert layer(torch.zeros(1, 9, 9)).shape == (1, size, size)


@pytest.mark.claim("conv.size-formula")
def test_output_size_formula() -> None:
    for height, kernel, stride, padding in product((5, 8, 32), (1, 2, 3, 5), (1, 2, 3), (0, 1, 2)):
        image, weight = torch.zeros(1, 1, height, 5), torch.zeros(1, 1, kernel, 1)
        output = conv2d(image, weight, stride=stride, padding=(padding, 0))
        assert output.shape[2] == (height + 2 * padding - kernel) // stride + 1


@pytest.mark.claim("conv.size-formula-dilation")
def test_output_size_with_dilation() -> None:
    layer = nn.Conv2d(1, 1, 3, dilation=2)
    # the course's formula, which has no dilation, gives 5
    assert layer(torch.zeros(1, 7, 7)).shape == (1, 3, 3)


@pytest.mark.claim("conv.dilation-1-is-none")
@pytest.mark.shows("conv.dilation-1-is-none")
def test_dilation_of_1_leaves_no_gaps(shows_error: ShowsError) -> None:
    row, pair = torch.tensor([[[[1, 10, 100, 1000]]]]), torch.ones(1, 1, 1, 2, dtype=torch.long)
    assert conv2d(row, pair, dilation=1).tolist() == [[[[11, 110, 1100]]]]
    assert conv2d(row, pair, dilation=2).tolist() == [[[[101, 1010]]]]
    with shows_error("conv.dilation-1-is-none"):
        conv2d(row, pair, dilation=0)


@pytest.mark.claim("conv.rgb-channels")
@pytest.mark.shows("conv.rgb-channels")
def test_rejects_other_channel_counts(shows_error: ShowsError) -> None:
    with shows_error("conv.rgb-channels"):
        Net()(torch.zeros(1, 1, 8, 8))
    assert Net()(torch.zeros(1, 3, 8, 8)).shape == (1, 6, 6, 6)


@pytest.mark.claim("conv.more-channels")
def test_four_channels() -> None:
    colours, depth = torch.zeros(1, 3, 8, 8), torch.ones(1, 1, 8, 8)
    layer = nn.Conv2d(4, 6, 3, bias=False)
    output = layer(torch.cat([colours, depth], 1))
    assert output.shape == (1, 6, 6, 6)
    torch.testing.assert_close(output[0, :, 0, 0], layer.weight[:, 3].sum((1, 2)))


@pytest.mark.claim("conv.kernel-one-tuple")
@pytest.mark.shows("conv.kernel-one-tuple")
def test_kernel_size_of_a_1_tuple_fails(shows_error: ShowsError) -> None:
    images = torch.zeros(64, 3, 32, 32)
    layer = nn.Conv2d(in_channels=3, out_channels=32, kernel_size=(5,), padding=2)
    with shows_error("conv.kernel-one-tuple"):
        layer(images)
    assert nn.Conv2d(3, 32, kernel_size=5, padding=2)(images).shape == (64, 32, 32, 32)


@pytest.mark.claim("conv.layer-rejects-integers")
@pytest.mark.shows("conv.layer-rejects-integers")
def test_rejects_integers(shows_error: ShowsError) -> None:
    image = torch.ones(1, 1, 5, 5, dtype=torch.long)
    assert conv2d(image, torch.ones(1, 1, 5, 5, dtype=torch.long)).tolist() == [[[[25]]]]
    layers = [nn.Conv2d(1, 1, 3), nn.Conv2d(1, 1, 3, bias=False), nn.Linear(5, 1)]
    for layer in (*layers, nn.Linear(5, 1, bias=False)):
        for wrong in (image, image.double()):
            with shows_error("conv.layer-rejects-integers"):
                layer(wrong)


@pytest.mark.claim("conv.kernel-pair")
def test_kernel_pair_is_height_and_width() -> None:
    layers_of_ones = [nn.Conv2d(1, 1, size, bias=False) for size in ((1, 3), (3, 1))]
    for layer in layers_of_ones:
        nn.init.ones_(layer.weight)
    wide, high = (layer(EXAMPLE.float())[0, 0].tolist() for layer in layers_of_ones)
    assert wide[0] == [3, 5, 4]  # 1+2+0, 2+0+3, 0+3+1
    assert len(wide) == 5
    assert high[0] == [2, 5, 3, 6, 2]  # 1+0+1, 2+1+2, 0+2+1, 3+3+0, 1+1+0
    assert len(high) == 3


@pytest.mark.claim("conv.padding-pair")
def test_padding_pair_is_rows_and_columns() -> None:
    """Compare with the printed result for padding 1 without its outer columns or rows."""
    assert conv2d(EXAMPLE, KERNEL, padding=(1, 0)).tolist() == [
        [[[3, 4, 10], [10, 12, 12], [18, 16, 16], [13, 9, 3], [13, 9, 7]]]
    ]
    assert conv2d(EXAMPLE, KERNEL, padding=(0, 1)).tolist() == [
        [[[5, 10, 12, 12, 6], [7, 18, 16, 16, 8], [11, 13, 9, 3, 4]]]
    ]


@pytest.mark.claim("conv.bias-learnable")
def test_bias_is_added_and_learned() -> None:
    layer = nn.Conv2d(1, 2, 1)
    nn.init.zeros_(layer.weight)
    with torch.no_grad():
        layer.bias.copy_(torch.tensor([0.5, -2.0]))
    output = layer(torch.rand(1, 1, 2, 2))
    assert output.tolist() == [[[[0.5, 0.5], [0.5, 0.5]], [[-2, -2], [-2, -2]]]]
    output.sum().backward()
    assert layer.bias.grad.tolist() == [4, 4]  # each of the four positions adds it once
    assert nn.Conv2d(1, 2, 1, bias=False).bias is None


@pytest.mark.claim("conv.groups")
@pytest.mark.parametrize(
    ("groups", "sums"),
    [(1, [1111, 1111, 1111, 1111]), (2, [11, 11, 1100, 1100]), (4, [1, 10, 100, 1000])],
)
def test_groups_separate_channels(groups: int, sums: list[int]) -> None:
    layer = nn.Conv2d(4, 4, 1, groups=groups, bias=False)
    nn.init.ones_(layer.weight)
    image = torch.tensor([1.0, 10.0, 100.0, 1000.0]).reshape(4, 1, 1)
    assert layer(image).flatten().tolist() == sums
    with pytest.raises(ValueError, match="in_channels must be divisible by groups"):
        nn.Conv2d(4, 4, 1, groups=3)


@pytest.mark.claim("conv.animations")
@pytest.mark.parametrize(
    ("size", "kernel", "options", "result"),
    [
        pytest.param(4, 3, {}, 2, id="no-padding"),
        pytest.param(5, 4, {"padding": 2}, 6, id="arbitrary-padding"),
        pytest.param(5, 3, {"padding": 1}, 5, id="half-padding"),
        pytest.param(5, 3, {"padding": 2}, 7, id="full-padding"),
        pytest.param(5, 3, {"stride": 2}, 2, id="stride"),
        pytest.param(5, 3, {"padding": 1, "stride": 2}, 3, id="padding-and-stride"),
        pytest.param(6, 3, {"padding": 1, "stride": 2}, 3, id="padding-and-stride-odd"),
        pytest.param(7, 3, {"dilation": 2}, 3, id="dilation"),
    ],
)
def test_animated_examples(size: int, kernel: int, options: dict[str, int], result: int) -> None:
    image, weight = torch.zeros(1, 1, size, size), torch.zeros(1, 1, kernel, kernel)
    assert conv2d(image, weight, **options).shape == (1, 1, result, result)
