"""Losses compared with torch, for what the vectors and drawn cases omit, and their errors."""

import re

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from reference import functional as reference
from spec_tests.harness.torch_parity import (
    FLOAT64,
    Call,
    Options,
    Refused,
    assert_same,
    assert_same_error,
    draw,
    ones,
    refused_params,
    since,
)


@pytest.mark.parametrize("name", ["l1_loss", "mse_loss"])
def test_l1_and_mse_loss_of_equal_and_of_empty_tensors(name: str) -> None:
    ours, theirs = getattr(reference, name), getattr(functional, name)
    assert_same(ours, theirs, draw(2, 3), draw(2, 3))
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


SHAPES = {"one sample": (5,), "batch": (6, 5), "series": (3, 5, 4), "images": (2, 5, 3, 2)}


def labels(shape: tuple[int, ...], seed: int = 0) -> Tensor:
    """Return random class indices for logits of a shape; the first of several is -100."""
    generator = torch.Generator().manual_seed(seed)
    # (C,) -> (); (N, C, d1, ...) -> (N, d1, ...)
    indices = torch.randint(0, 5, shape[:1] * (len(shape) > 1) + shape[2:], generator=generator)
    if indices.ndim:
        indices.view(-1)[0] = -100
    return indices


def test_ignored_sample_of_nan_has_no_gradient_unlike_torch() -> None:
    gradients = []
    for function in (reference.cross_entropy, functional.cross_entropy):
        logits = torch.tensor([[torch.nan, 0.0], [0.0, 0.0]], requires_grad=True)
        function(logits, torch.tensor([-100, 0])).backward()
        assert logits.grad is not None
        gradients.append(logits.grad)
    assert gradients[0].tolist() == [[0, 0], [-0.5, 0.5]]
    assert gradients[1][0].isnan().all()


@pytest.mark.parametrize("label_smoothing", [0.1, 1.0])
@pytest.mark.parametrize("case", SHAPES)
def test_cross_entropy(case: str, label_smoothing: float) -> None:
    shape = SHAPES[case]
    options: Options = {"label_smoothing": label_smoothing, "weight": draw(5, seed=1).abs()}
    ours, theirs = reference.cross_entropy, functional.cross_entropy
    assert_same(ours, theirs, draw(*shape) * 3, target=labels(shape), **options)
    assert_same(ours, theirs, draw(*shape), draw(*shape, seed=2).abs(), **options)


@pytest.mark.parametrize("ignore_index", [-100, 2, -1])
def test_cross_entropy_ignores_one_index(ignore_index: int) -> None:
    target = torch.tensor([1, ignore_index, 0, 4, ignore_index, 1])
    assert_same(
        reference.cross_entropy,
        functional.cross_entropy,
        draw(6, 5),
        target=target,
        ignore_index=ignore_index,
        label_smoothing=0.3,
        weight=draw(5, seed=1).abs(),
    )


def test_cross_entropy_of_ignored_targets_only_is_nan() -> None:
    logits, target = draw(2, 3), torch.tensor([-100, -100])
    assert reference.cross_entropy(logits, target).isnan()
    assert reference.cross_entropy(logits, target, reduction="sum").item() == 0
    assert reference.cross_entropy(logits, target, reduction="none").tolist() == [0, 0]


@pytest.mark.parametrize("target", [pytest.param([1], marks=since("2.9")), 1], ids=str)
@pytest.mark.parametrize("dtype", [torch.uint8, torch.int64], ids=str)
@pytest.mark.parametrize("reduction", ["mean", "none"])
def test_cross_entropy_of_one_sample(
    target: int | list[int], dtype: torch.dtype, reduction: str
) -> None:
    arguments, options = (draw(3), torch.tensor(target, dtype=dtype)), {"reduction": reduction}
    output = reference.cross_entropy(*arguments, **options)
    torch.testing.assert_close(output, functional.cross_entropy(*arguments, **options), **FLOAT64)


@since("2.9")
def test_cross_entropy_of_one_sample_has_a_gradient_where_torch_raises() -> None:
    target = torch.tensor([1])
    assert_same(
        lambda logits: reference.cross_entropy(logits, target),
        lambda logits: functional.cross_entropy(logits, target[0]),
        draw(3),
    )
    loss = functional.cross_entropy(draw(3).requires_grad_(), target)
    with pytest.raises(RuntimeError, match="size mismatch"):
        loss.backward()


def test_cross_entropy_of_large_logits() -> None:
    logits = torch.tensor([[1e4, 0.0, -1e4], [0.0, -torch.inf, 1.0]], dtype=torch.float64)
    for target in (torch.tensor([2, 0]), torch.tensor([0, 1])):
        torch.testing.assert_close(
            reference.cross_entropy(logits, target, reduction="none"),
            functional.cross_entropy(logits, target, reduction="none"),
            **FLOAT64,
        )


LOGITS, LABELS = ones(4, 3), torch.tensor([0, 1, 2, 1])
REFUSED: dict[str, Refused] = {
    "cross_entropy class": (
        lambda f: f.cross_entropy(LOGITS, torch.tensor([0, 1, 3, 1])),
        ("target 3", "0 to 2", "ignore_index=-100"),
    ),
    "cross_entropy class, negative": (
        lambda f: f.cross_entropy(LOGITS, torch.tensor([0, 1, -1, 1])),
        ("target -1", "0 to 2"),
    ),
    "cross_entropy class, one sample": (
        lambda f: f.cross_entropy(LOGITS[0], torch.tensor(3)),
        ("target 3",),
    ),
    "cross_entropy batch": (
        lambda f: f.cross_entropy(LOGITS, LABELS[:3]),
        ("target (3,)", "(4,)"),
    ),
    "cross_entropy scalar target": (
        lambda f: f.cross_entropy(LOGITS, torch.tensor(1)),
        ("target ()", "(4,)"),
    ),
    "cross_entropy column": (
        lambda f: f.cross_entropy(LOGITS, LABELS[:, None]),
        ("target (4, 1)", "(4,)"),
    ),
    "cross_entropy image size": (
        lambda f: f.cross_entropy(ones(2, 3, 4, 5), ones(2, 4, 4, dtype=torch.int64)),
        ("(2, 4, 5)", "(2, 4, 4)"),
    ),
    "cross_entropy two labels of one sample": (
        lambda f: f.cross_entropy(LOGITS[0], LABELS[:2]),
        ("target (2,)", "()"),
        "2.9",
    ),
    "cross_entropy target dtype": (
        lambda f: f.cross_entropy(LOGITS, LABELS.float()),
        ("target", "float32", "long()"),
    ),
    "cross_entropy target int32": (
        lambda f: f.cross_entropy(LOGITS, LABELS.int()),
        ("target", "int32", "long()"),
    ),
    "cross_entropy integer probabilities": (
        lambda f: f.cross_entropy(LOGITS, ones(4, 3, dtype=torch.int64)),
        ("target (4, 3)", "int64", "probabilities"),
    ),
    "cross_entropy probabilities, ignore_index": (
        lambda f: f.cross_entropy(LOGITS, LOGITS / 3, ignore_index=1),
        ("ignore_index=1", "probabilities"),
    ),
    "cross_entropy weight": (
        lambda f: f.cross_entropy(LOGITS, LABELS, ones(2)),
        ("weight (2,)", "(3,)"),
    ),
    "cross_entropy weight, two dimensions": (
        lambda f: f.cross_entropy(LOGITS, LABELS, ones(1, 3)),
        ("weight (1, 3)", "(3,)"),
    ),
    "cross_entropy weight dtype": (
        lambda f: f.cross_entropy(LOGITS, LABELS, ones(3).double()),
        ("weight", "float64", "float32"),
    ),
    "cross_entropy label_smoothing": (
        lambda f: f.cross_entropy(LOGITS, LABELS, label_smoothing=1.1),
        ("label_smoothing", "1.1"),
    ),
    "cross_entropy reduction": (
        lambda f: f.cross_entropy(LOGITS, LABELS, reduction="avg"),
        ("reduction='avg'", "'mean'"),
    ),
    "cross_entropy integers": (
        lambda f: f.cross_entropy(LOGITS.long(), LABELS),
        ("input", "int64", "float()"),
        "2.8",
    ),
    "cross_entropy scalar": (
        lambda f: f.cross_entropy(ones(), torch.tensor(0)),
        ("input", "scalar"),
    ),
    "l1_loss reduction": (
        lambda f: f.l1_loss(LOGITS, LOGITS, reduction="avg"),
        ("reduction='avg'", "'mean'"),
    ),
    "l1_loss integers": (lambda f: f.l1_loss(LABELS, LABELS), ("int64", "float()"), "2.15"),
    "mse_loss reduction": (
        lambda f: f.mse_loss(LOGITS, LOGITS, reduction="avg"),
        ("reduction='avg'", "'mean'"),
    ),
    "mse_loss integers": (lambda f: f.mse_loss(LABELS, LABELS), ("int64", "float()"), "2.8"),
}


@pytest.mark.parametrize(("call", "words"), refused_params(REFUSED))
def test_refused_as_by_torch(call: Call, words: tuple[str, ...]) -> None:
    assert_same_error(call, words)


@pytest.mark.filterwarnings("ignore:Using a target size")
@pytest.mark.parametrize("name", ["l1_loss", "mse_loss"])
def test_losses_refuse_shapes_that_do_not_broadcast(name: str) -> None:
    for implementation in (functional, reference):
        with pytest.raises(RuntimeError):
            getattr(implementation, name)(ones(2, 3), ones(2))
    with pytest.raises(RuntimeError, match=re.escape("target size (torch.Size([2]))")):
        getattr(reference, name)(ones(2, 3), ones(2))


def test_cross_entropy_refuses_negative_smoothing() -> None:
    with pytest.raises(RuntimeError, match=r"label_smoothing must be from 0 to 1, got -0\.1"):
        reference.cross_entropy(LOGITS, LABELS, label_smoothing=-0.1)
