"""Layers compared with torch, for what the vectors and drawn cases omit, and their errors."""

import pytest
import torch
from torch.nn import functional

from reference import functional as reference
from spec_tests.harness.torch_parity import (
    EXACT,
    FLOAT64,
    Call,
    Options,
    Refused,
    assert_same,
    assert_same_error,
    draw,
    ones,
    refused_params,
    value_and_gradients,
)


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


@pytest.mark.parametrize("shape", [(), (0, 3, 4)], ids=str)
@pytest.mark.parametrize("dims", [{}, {"start_dim": -1}, {"end_dim": 0}], ids=str)
def test_flatten(shape: tuple[int, ...], dims: Options) -> None:
    assert_same(reference.flatten, torch.flatten, draw(*shape), **dims)


@pytest.mark.parametrize("dims", [(1, 2), (-3, -2), (0, 3)], ids=str)
def test_flatten_of_a_view(dims: tuple[int, ...]) -> None:
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
@pytest.mark.parametrize("shape", [(2, 3, 4), (1, 3, 2, 1)], ids=str)
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


@pytest.mark.parametrize("shape", [(2, 0, 3), (1, 0)], ids=str)
def test_batch_norm_without_channels(shape: tuple[int, ...]) -> None:
    statistics = torch.ones(0)
    expected = functional.batch_norm(torch.ones(shape), statistics, statistics)
    output = reference.batch_norm(torch.ones(shape), statistics, statistics)
    assert output.shape == expected.shape == shape
    if shape[0] > 1:
        assert reference.batch_norm(torch.ones(shape), None, None, training=True).shape == shape


LOGITS = ones(4, 3)
STATISTICS = (torch.zeros(3), torch.ones(3))
REFUSED: dict[str, Refused] = {
    "linear features": (
        lambda f: f.linear(ones(2, 3), ones(4, 2)),
        ("weight", "(2, 3)", "(4, 2)", "in_features"),
    ),
    "linear bias": (
        lambda f: f.linear(ones(2, 3), ones(4, 3), ones(3)),
        ("bias (3,)", "(4, 3)"),
    ),
    "linear weight": (lambda f: f.linear(ones(2, 3), ones(1, 4, 3)), ("weight", "(1, 4, 3)")),
    "linear scalar": (lambda f: f.linear(ones(), ones(4, 3)), ("input ()", "(4, 3)")),
    "linear bias dtype": (
        lambda f: f.linear(ones(2, 3), ones(4, 3), ones(4).double()),
        ("bias", "float32", "float64"),
    ),
    "linear dtype": (
        lambda f: f.linear(ones(2, 3), ones(4, 3).double()),
        ("weight", "float32", "float64"),
    ),
    "flatten order": (
        lambda f: f.flatten(ones(2, 3, 4), 2, 1),
        ("start_dim=2", "end_dim=1", "(2, 3, 4)"),
    ),
    "flatten end": (lambda f: f.flatten(ones(2, 3), 0, 2), ("end_dim=2", "(2, 3)")),
    "flatten start": (lambda f: f.flatten(ones(2, 3), -3), ("start_dim=-3", "-2 to 1")),
    "flatten scalar": (lambda f: f.flatten(ones(), 1), ("start_dim=1", "-1 to 0")),
    "dropout p": (lambda f: f.dropout(ones(2), 1.5), ("p=1.5",)),
    "dropout p, negative, evaluation": (
        lambda f: f.dropout(ones(2), -0.1, training=False),
        ("p=-0.1",),
    ),
    "dropout integers": (
        lambda f: f.dropout(ones(2, dtype=torch.int64)),
        ("input", "int64", "float()"),
    ),
    "dropout in place on a leaf": (
        lambda f: f.dropout(ones(2).requires_grad_(), inplace=True),
        ("leaf", "in-place"),
    ),
    "relu in place on a leaf": (
        lambda f: f.relu(ones(2).requires_grad_(), inplace=True),
        ("leaf", "in-place"),
    ),
    "batch_norm one value": (
        lambda f: f.batch_norm(ones(1, 3), *STATISTICS, training=True),
        ("(1, 3)", "training=False"),
    ),
    "batch_norm evaluation": (
        lambda f: f.batch_norm(LOGITS, None, None),
        ("running_mean", "training"),
    ),
    "batch_norm evaluation, no variance": (
        lambda f: f.batch_norm(LOGITS, torch.zeros(3), None),
        ("running_var", "training"),
    ),
    "batch_norm half of the statistics": (
        lambda f: f.batch_norm(LOGITS, torch.zeros(3), None, training=True),
        ("running_mean", "running_var"),
        "2.8",
    ),
    "batch_norm running_mean": (
        lambda f: f.batch_norm(LOGITS, torch.zeros(2), torch.ones(3)),
        ("running_mean", "(2,)", "(4, 3)"),
    ),
    "batch_norm running_var": (
        lambda f: f.batch_norm(LOGITS, torch.zeros(3), torch.ones(2)),
        ("running_var", "(2,)", "(4, 3)"),
    ),
    "batch_norm weight": (
        lambda f: f.batch_norm(LOGITS, *STATISTICS, ones(2)),
        ("weight", "(2,)", "(4, 3)"),
    ),
    "batch_norm bias": (
        lambda f: f.batch_norm(LOGITS, *STATISTICS, None, ones(4)),
        ("bias", "(4,)", "(4, 3)"),
    ),
    "batch_norm dtype": (
        lambda f: f.batch_norm(LOGITS.double(), *STATISTICS),
        ("running_mean", "float32", "float64"),
    ),
    "batch_norm dimensions": (
        lambda f: f.batch_norm(ones(3), *STATISTICS, training=True),
        ("(3,)",),
    ),
    "batch_norm eps": (
        lambda f: f.batch_norm(LOGITS, *STATISTICS, eps=-1.0),
        ("eps=-1.0",),
        "2.10",
    ),
    "batch_norm eps, training": (
        lambda f: f.batch_norm(LOGITS, None, None, training=True, eps=0.0),
        ("eps=0.0",),
        "2.10",
    ),
}


@pytest.mark.parametrize(("call", "words"), refused_params(REFUSED))
def test_refused_as_by_torch(call: Call, words: tuple[str, ...]) -> None:
    assert_same_error(call, words)
