"""The definitions of `reference.functional` against torch: values, and gradients in float64."""

import ast
import inspect
import warnings
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from reference import functional as reference
from reference import losses, pooling, windows

Options = dict[str, Any]

# An output sums at most 100 products, a gradient at most 500, each below 10: the rounding of
# float64 (2.2e-16 for each term) stays below 10 * 500 * 2.2e-16 = 1.1e-12.
FLOAT64 = {"rtol": 1.1e-12, "atol": 1.1e-12}
EXACT = {"rtol": 0.0, "atol": 0.0}


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def value_and_gradients(operator: Callable[..., Any], *tensors: Tensor) -> tuple[Tensor, ...]:
    """Run an operator; weigh its output unevenly and differentiate with regard to every tensor."""
    leaves = [tensor.detach().clone().requires_grad_() for tensor in tensors]
    output = operator(*leaves)
    gradients = torch.autograd.grad(output, leaves, draw(*output.shape, seed=99))
    return (output.detach(), *gradients)


def assert_same(
    ours: Callable[..., Any], theirs: Callable[..., Any], *tensors: Tensor, **options: object
) -> None:
    """Hold one operator against another on the same tensors, all of which get a gradient."""
    torch.testing.assert_close(
        value_and_gradients(lambda *leaves: ours(*leaves, **options), *tensors),
        value_and_gradients(lambda *leaves: theirs(*leaves, **options), *tensors),
        **FLOAT64,
    )


CONVOLUTIONS = {
    "plain": ((2, 3, 5, 6), (4, 3, 3, 3), {}),
    "asymmetric kernel": ((2, 3, 5, 6), (4, 3, 2, 4), {}),
    "stride, rest left over": ((2, 3, 8, 6), (4, 3, 3, 2), {"stride": (3, 2)}),
    "stride beyond kernel": ((1, 2, 9, 9), (2, 2, 2, 2), {"stride": 4}),
    "padding pair": ((2, 3, 5, 6), (4, 3, 3, 3), {"padding": (0, 2)}),
    "padding beyond kernel": ((1, 1, 2, 3), (1, 1, 2, 2), {"padding": 4}),
    "dilation": ((1, 2, 8, 7), (3, 2, 3, 2), {"dilation": (2, 4)}),
    "groups": ((2, 6, 4, 4), (4, 3, 2, 2), {"groups": 2}),
    "depthwise": ((2, 3, 4, 4), (6, 1, 3, 3), {"groups": 3, "padding": 1}),
    "everything": (
        (2, 4, 9, 8),
        (6, 2, 3, 2),
        {"stride": (2, 3), "padding": (2, 1), "dilation": (1, 3), "groups": 2},
    ),
    "same, odd kernel": ((1, 2, 4, 5), (2, 2, 3, 5), {"padding": "same"}),
    "same, dilated": ((1, 2, 4, 5), (2, 2, 2, 3), {"padding": "same", "dilation": (2, 3)}),
    "valid": ((1, 2, 4, 5), (2, 2, 3, 3), {"padding": "valid"}),
    "one image": ((3, 5, 6), (4, 3, 3, 3), {"padding": 1}),
    "one-element tuple": ((1, 1, 5, 5), (1, 1, 2, 2), {"stride": (2,)}),
    "no images": ((0, 3, 5, 6), (4, 3, 3, 3), {}),
    "kernel as large as the image": ((2, 3, 3, 4), (4, 3, 3, 4), {}),
}


@pytest.mark.parametrize("bias", [True, False], ids=["bias", "no bias"])
@pytest.mark.parametrize("case", CONVOLUTIONS)
def test_conv2d(case: str, *, bias: bool) -> None:
    images, kernels, options = CONVOLUTIONS[case]
    tensors = [draw(*images), draw(*kernels, seed=1)] + [draw(kernels[0], seed=2)] * bias
    assert_same(reference.conv2d, functional.conv2d, *tensors, **options)


def test_conv2d_same_puts_the_odd_pixel_last() -> None:
    row, kernel = torch.arange(4.0).view(1, 1, 4), torch.tensor([[[[1.0, 10.0]]]])
    output = reference.conv2d(row, kernel, padding="same")
    assert output.tolist() == [[[10.0, 21.0, 32.0, 3.0]]]


@pytest.mark.parametrize("padding", [0, 2, (1, 3), "same"])
@pytest.mark.parametrize("mode", ["zeros", "reflect", "replicate", "circular"])
def test_conv2d_padding_modes(mode: str, padding: int | tuple[int, int] | str) -> None:
    module = torch.nn.Conv2d(
        4, 6, (4, 3), padding=padding, groups=2, padding_mode=mode, dtype=torch.float64
    )

    def ours(images: Tensor) -> Tensor:
        weights = (module.weight, module.bias)
        return reference.conv2d(images, *weights, padding=padding, groups=2, padding_mode=mode)

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


POOLINGS = {
    "plain": ((2, 3, 6, 6), (2,), {}),
    "stride defaults to kernel_size": ((2, 3, 7, 8), ((3, 2),), {}),
    "empty stride means the default": ((1, 1, 6, 6), (3, ()), {}),
    "stride below kernel": ((2, 3, 7, 8), (3, (1, 2)), {}),
    "stride beyond kernel": ((1, 2, 9, 9), (2, 4), {}),
    "padding": ((2, 3, 5, 6), (3, 2, 1), {}),
    "padding, other each way": ((2, 3, 5, 6), ((2, 5), 1, (1, 2)), {}),
    "ceil": ((1, 2, 5, 5), (3,), {"ceil_mode": True}),
    "ceil, last window would start in the padding": ((1, 2, 3, 3), (2, 2, 1), {"ceil_mode": True}),
    "ceil, stride beyond kernel": ((1, 2, 5, 5), (1, 3), {"ceil_mode": True}),
    "ceil, last window would start outside": ((1, 2, 6, 6), (2, 4), {"ceil_mode": True}),
    "ceil, kernel beyond the image": ((1, 2, 4, 5), (6, 6), {"ceil_mode": True}),
    "one image": ((2, 6, 6), (2,), {}),
    "no images": ((0, 2, 6, 6), (2,), {}),
}
DILATED = {
    "dilation": ((1, 2, 8, 9), (2, 2, 1, (2, 3)), {}),
    "dilation, ceil": ((1, 2, 8, 8), ((2, 3), 3, (0, 1), 2), {"ceil_mode": True}),
}


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


def test_max_pool2d_sends_the_gradient_to_one_of_equals() -> None:
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


def test_max_pool2d_passes_nan_on() -> None:
    plane = torch.tensor([[[1.0, torch.nan], [5.0, 2.0]]])
    assert reference.max_pool2d(plane, (2, 1)).isnan().tolist() == [[[False, True]]]


def test_max_pool2d_of_nothing_but_padding_is_minus_infinity() -> None:
    output = reference.max_pool2d(torch.ones(1, 3, 3), 2, 2, 1, 5, ceil_mode=True)
    assert output.tolist() == [[[-torch.inf]]]


@pytest.mark.parametrize(
    "counting",
    [{}, {"count_include_pad": False}, {"divisor_override": 3}, {"divisor_override": -2}],
    ids=str,
)
@pytest.mark.parametrize("case", POOLINGS)
def test_avg_pool2d(case: str, counting: Options) -> None:
    shape, arguments, options = POOLINGS[case]
    assert_same(
        lambda x: reference.avg_pool2d(x, *arguments, **options, **counting),
        lambda x: functional.avg_pool2d(x, *arguments, **options, **counting),
        draw(*shape),
    )


def test_avg_pool2d_cuts_integers_towards_zero() -> None:
    plane = torch.tensor([[[-1, -2, 1, 2], [-2, -2, 2, 2]]])
    output = reference.avg_pool2d(plane, 2)
    torch.testing.assert_close(output, torch.tensor([[[-1, 1]]]), **EXACT)


@pytest.mark.parametrize("output_size", [1, 3, (2, 5), (7, 8), 9, (None, 3), (2, None)], ids=str)
@pytest.mark.parametrize("shape", [(2, 3, 7, 8), (3, 5, 6), (0, 2, 4, 4)], ids=str)
def test_adaptive_avg_pool2d(
    shape: tuple[int, ...], output_size: int | tuple[int | None, int | None]
) -> None:
    ours, theirs = reference.adaptive_avg_pool2d, functional.adaptive_avg_pool2d
    assert_same(ours, theirs, draw(*shape), output_size=output_size)


def test_adaptive_avg_pool2d_keeps_infinity_in_its_window() -> None:
    plane = torch.tensor([[[1.0, torch.inf], [2.0, 3.0]]])
    assert reference.adaptive_avg_pool2d(plane, 2).tolist() == plane.tolist()


@pytest.mark.parametrize("inplace", [False, True])
def test_relu(*, inplace: bool) -> None:
    values = torch.tensor([-2.0, -0.0, 0.0, 1.5, torch.inf, -torch.inf], dtype=torch.float64)
    assert_same(
        lambda x: reference.relu(x.clone(), inplace),
        lambda x: functional.relu(x.clone(), inplace),
        values,
    )
    assert reference.relu(torch.tensor([torch.nan, -1.0]), inplace).isnan().tolist() == [
        True,
        False,
    ]
    assert reference.relu(torch.tensor([-1, 2]), inplace).tolist() == [0, 2]


def test_relu_in_place_overwrites_its_input() -> None:
    values = torch.tensor([-1.0, 2.0])
    assert reference.relu(values) is not values
    assert values.tolist() == [-1.0, 2.0]
    assert reference.relu(values, inplace=True) is values
    assert values.tolist() == [0.0, 2.0]


def test_sigmoid() -> None:
    values = torch.tensor([-745.0, -40.0, -1.0, 0.0, 1.0, 40.0, 1000.0], dtype=torch.float64)
    assert_same(reference.sigmoid, torch.sigmoid, values)
    edges = torch.tensor([-torch.inf, -1000.0, 1000.0, torch.inf, torch.nan])
    torch.testing.assert_close(
        value_and_gradients(lambda x: reference.sigmoid(x).double(), edges),
        value_and_gradients(lambda x: torch.sigmoid(x).double(), edges),
        **EXACT,
        equal_nan=True,
    )


def test_sigmoid_of_integers_is_floating_point() -> None:
    output = reference.sigmoid(torch.tensor([-1, 0, 2]))
    # Three float32 operations, each exact to half a unit in the last place.
    expected = torch.sigmoid(torch.tensor([-1.0, 0.0, 2.0]))
    torch.testing.assert_close(output, expected, rtol=4e-7, atol=0)


@pytest.mark.parametrize(
    "shapes",
    [
        ((2, 3), (4, 3)),
        ((2, 3), (4, 3), (4,)),
        ((3,), (4, 3), (4,)),
        ((2, 0, 3), (4, 3), (4,)),
        ((2, 5, 3), (4, 3), (4,)),
        ((2, 3), (4, 3), (1,)),
        ((2, 3), (4, 3), ()),
        ((2, 3), (3,)),
        ((3,), (3,)),
    ],
    ids=str,
)
def test_linear(shapes: tuple[tuple[int, ...], ...]) -> None:
    tensors = [draw(*shape, seed=seed) for seed, shape in enumerate(shapes)]
    assert_same(reference.linear, functional.linear, *tensors)


@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (3,), (), (0, 3, 4)], ids=str)
@pytest.mark.parametrize("dims", [{}, {"start_dim": -1}, {"end_dim": 0}], ids=str)
def test_flatten(shape: tuple[int, ...], dims: Options) -> None:
    assert_same(reference.flatten, torch.flatten, draw(*shape), **dims)


@pytest.mark.parametrize("dims", [(1,), (1, 2), (-3, -2), (2, 2), (0, 3)], ids=str)
def test_flatten_part(dims: tuple[int, ...]) -> None:
    values = draw(2, 3, 4, 5).transpose(1, 3)
    torch.testing.assert_close(
        reference.flatten(values, *dims), torch.flatten(values, *dims), **EXACT
    )


def test_dropout_draws_as_torch_does() -> None:
    ones = torch.ones(1000, dtype=torch.float64)
    for p in (0.0, 0.25, 0.5, 1.0):
        torch.manual_seed(1)
        output = value_and_gradients(lambda x, p=p: reference.dropout(x, p), ones)
        torch.manual_seed(1)
        expected = value_and_gradients(lambda x, p=p: functional.dropout(x, p), ones)
        torch.testing.assert_close(output, expected, **FLOAT64)


def test_dropout_keeps_the_mean() -> None:
    torch.manual_seed(2)
    output = reference.dropout(torch.full((100_000,), 3.0), 0.25)
    assert sorted(set(output.tolist())) == [0.0, 4.0]
    # Six standard deviations of the mean: 4 * sqrt(0.25 * 0.75 / 100000) = 0.0055 each.
    assert abs(output.mean().item() - 3) < 0.033


def test_dropout_outside_training_returns_its_input() -> None:
    values = torch.tensor([1.0, -2.0])
    assert reference.dropout(values, 0.9, training=False) is values


def test_dropout_in_place_overwrites_its_input() -> None:
    torch.manual_seed(3)
    values = torch.ones(50)
    assert reference.dropout(values, 0.5, inplace=True) is values
    assert sorted(set(values.tolist())) == [0.0, 2.0]


@pytest.mark.parametrize("training", [True, False], ids=["training", "evaluation"])
@pytest.mark.parametrize("shape", [(5, 3), (2, 3, 4), (2, 3, 4, 5), (1, 3, 2, 1)], ids=str)
def test_batch_norm(shape: tuple[int, ...], *, training: bool) -> None:
    images, weight, bias = draw(*shape) * 3 + 1, draw(3, seed=1), draw(3, seed=2)
    running = [[draw(3, seed=3), draw(3, seed=4).abs() + 0.5] for _ in range(2)]
    options = {"training": training, "momentum": 0.3, "eps": 1e-3}
    assert_same(
        lambda x, w, b: reference.batch_norm(x, *running[0], w, b, **options),
        lambda x, w, b: functional.batch_norm(x, *running[1], w, b, **options),
        images,
        weight,
        bias,
    )
    torch.testing.assert_close(running[0], running[1], **FLOAT64)


def test_batch_norm_defaults() -> None:
    images, running = draw(4, 3, 2, 2), [torch.zeros(3).double(), torch.ones(3).double()]
    assert_same(
        lambda x: reference.batch_norm(x, *running),
        lambda x: functional.batch_norm(x, *running),
        images,
    )
    assert_same(
        lambda x: reference.batch_norm(x, None, None, training=True),
        lambda x: functional.batch_norm(x, None, None, training=True),
        images,
    )


def test_batch_norm_of_no_images_leaves_the_running_statistics() -> None:
    running = [torch.zeros(3), torch.ones(3)]
    output = reference.batch_norm(torch.ones(0, 3), *running, training=True)
    assert output.shape == (0, 3)
    assert [statistic.tolist() for statistic in running] == [[0.0] * 3, [1.0] * 3]


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("name", ["l1_loss", "mse_loss"])
def test_l1_and_mse_loss(name: str, reduction: str) -> None:
    ours, theirs = getattr(reference, name), getattr(functional, name)
    assert_same(ours, theirs, draw(2, 3), draw(2, 3, seed=1), reduction=reduction)
    assert_same(ours, theirs, draw(2, 3), draw(2, 3), reduction=reduction)
    assert_same(ours, theirs, draw(0, 3), draw(0, 3), reduction="sum")


@pytest.mark.parametrize("name", ["l1_loss", "mse_loss"])
def test_l1_and_mse_loss_warn_before_they_broadcast(name: str) -> None:
    arguments = (draw(2, 1), draw(2, seed=1))
    with pytest.warns(UserWarning, match="different to the input size") as theirs:
        expected = getattr(functional, name)(*arguments)
    with pytest.warns(UserWarning, match="different to the input size") as ours:
        output = getattr(reference, name)(*arguments)
    assert ours[0].filename == theirs[0].filename == __file__
    assert "(torch.Size([2]))" in str(ours[0].message)
    assert "(torch.Size([2, 1]))" in str(ours[0].message)
    torch.testing.assert_close(output, expected, **FLOAT64)


LOGITS = {"one sample": (5,), "batch": (6, 5), "series": (3, 5, 4), "images": (2, 5, 3, 2)}


def labels(shape: tuple[int, ...], seed: int = 0) -> Tensor:
    """Draw class indices for logits of a shape, the first of them -100."""
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.randint(0, 5, shape[:1] * (len(shape) > 1) + shape[2:], generator=generator)
    if drawn.ndim:
        drawn.view(-1)[0] = -100
    return drawn


@pytest.mark.parametrize("label_smoothing", [0.0, 0.1, 1.0])
@pytest.mark.parametrize("weighted", [False, True], ids=["", "weight"])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("case", LOGITS)
def test_cross_entropy(
    case: str, reduction: str, label_smoothing: float, *, weighted: bool
) -> None:
    shape = LOGITS[case]
    options: Options = {"reduction": reduction, "label_smoothing": label_smoothing}
    if weighted:
        options["weight"] = draw(5, seed=1).abs()
    ours, theirs = reference.cross_entropy, functional.cross_entropy
    assert_same(ours, theirs, draw(*shape) * 3, target=labels(shape), **options)
    assert_same(ours, theirs, draw(*shape), draw(*shape, seed=2).abs(), **options)


@pytest.mark.parametrize("ignore_index", [-100, 2, -1])
@pytest.mark.parametrize("label_smoothing", [0.0, 0.3])
def test_cross_entropy_ignores_one_index(ignore_index: int, label_smoothing: float) -> None:
    target = torch.tensor([1, ignore_index, 0, 4, ignore_index, 1])
    assert_same(
        reference.cross_entropy,
        functional.cross_entropy,
        draw(6, 5),
        target=target,
        ignore_index=ignore_index,
        label_smoothing=label_smoothing,
        weight=draw(5, seed=1).abs(),
    )


def test_cross_entropy_of_nothing_counted_is_nan() -> None:
    logits, target = draw(2, 3), torch.tensor([-100, -100])
    assert reference.cross_entropy(logits, target).isnan()
    assert reference.cross_entropy(logits, target, reduction="sum").item() == 0
    assert reference.cross_entropy(logits, target, reduction="none").tolist() == [0, 0]


@pytest.mark.parametrize("target", [[1], 1], ids=str)
@pytest.mark.parametrize("dtype", [torch.uint8, torch.int64], ids=str)
@pytest.mark.parametrize("reduction", ["mean", "none"])
def test_cross_entropy_of_one_sample(
    target: int | list[int], dtype: torch.dtype, reduction: str
) -> None:
    arguments, options = (draw(3), torch.tensor(target, dtype=dtype)), {"reduction": reduction}
    output = reference.cross_entropy(*arguments, **options)
    torch.testing.assert_close(output, functional.cross_entropy(*arguments, **options), **FLOAT64)


def test_cross_entropy_of_large_logits() -> None:
    logits = torch.tensor([[1e4, 0.0, -1e4], [0.0, -torch.inf, 1.0]], dtype=torch.float64)
    for target in (torch.tensor([2, 0]), torch.tensor([0, 1])):
        torch.testing.assert_close(
            reference.cross_entropy(logits, target, reduction="none"),
            functional.cross_entropy(logits, target, reduction="none"),
            **FLOAT64,
        )


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("padding", [0, 1])
@pytest.mark.parametrize("kernel_size", [2, 3])
@pytest.mark.parametrize("dilation", [1, 2])
def test_output_sizes_of_conv_and_pool(
    stride: int, padding: int, kernel_size: int, dilation: int
) -> None:
    for size in range(5, 12):
        image, options = torch.ones(1, 1, size, size), (stride, padding, dilation)
        expected = functional.conv2d(
            image, torch.ones(1, 1, kernel_size, kernel_size), None, *options
        )
        assert reference.conv_output_size(size, kernel_size, *options) == expected.shape[-1]
        for ceil_mode in (False, True):
            expected = functional.max_pool2d(image, kernel_size, *options, ceil_mode=ceil_mode)
            output = reference.pool_output_size(size, kernel_size, *options, ceil_mode=ceil_mode)
            assert output == expected.shape[-1]


def test_output_size_defaults_of_conv_and_pool() -> None:
    assert reference.conv_output_size(32, 5) == 28
    assert reference.conv_output_size(32, 5, padding=2) == 32
    assert reference.pool_output_size(5, 3) == 1
    assert reference.pool_output_size(5, 3, ceil_mode=True) == 2


@pytest.mark.parametrize(
    "name", ["dropout", "batch_norm", "relu", "l1_loss", "mse_loss", "cross_entropy"]
)
def test_signatures_are_those_of_torch(name: str) -> None:
    retired = {"size_average", "reduce"}
    ours = inspect.signature(getattr(reference, name)).parameters
    theirs = inspect.signature(getattr(functional, name)).parameters
    by_position = [p for p in ours.values() if p.kind is p.POSITIONAL_OR_KEYWORD]
    assert [p.name for p in by_position] == list(theirs)[: len(by_position)]
    assert {n: p.default for n, p in ours.items()}.items() <= {
        n: p.default for n, p in theirs.items() if n not in retired
    }.items()


DEFINED = {name for name in reference.__all__ if not name.endswith("output_size")}
HIDING = {"nn", "ops", "_C", "softmax", "log_softmax", "logsumexp", "addmm", "convolution"}


def attributes(tree: ast.AST) -> set[str]:
    """Return the names that code looks up on something, such as `conv2d` in `f.conv2d`."""
    return {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}


@pytest.mark.parametrize("module", [reference, pooling, losses, windows], ids=lambda m: m.__name__)
def test_nothing_that_conv_and_the_others_define_is_called_on_torch(module: ModuleType) -> None:
    tree = ast.parse(inspect.getsource(module))
    forbidden = {spelling for name in DEFINED for spelling in (name, f"{name}_")} - {"flatten"}
    assert not attributes(tree) & (forbidden | HIDING)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name == "flatten":
            assert "flatten" not in attributes(node)
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("torch"):
            assert [alias.name for alias in node.names] == ["Tensor"]
        if isinstance(node, ast.Import):
            assert not any(alias.name.startswith("torch.") for alias in node.names)
