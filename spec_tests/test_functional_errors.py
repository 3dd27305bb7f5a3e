"""What `reference.functional` refuses: torch's exception, and a message that names the cause."""

import re
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from reference import functional as reference

TORCH = SimpleNamespace(**vars(functional), flatten=torch.flatten)


def ones(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.ones(shape, dtype=dtype)


IMAGES, KERNELS = ones(1, 3, 5, 5), ones(4, 3, 3, 3)
LOGITS, LABELS = ones(4, 3), torch.tensor([0, 1, 2, 1])
STATISTICS = (torch.zeros(3), torch.ones(3))
LONG = torch.int64

REFUSALS = (RuntimeError, ValueError, IndexError, TypeError)

# A call in which `f` is the implementation, and what the message must contain.
Call = Callable[[Any], object]
ERRORS: dict[str, tuple[Call, tuple[str, ...]]] = {
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
    "dropout integers": (lambda f: f.dropout(ones(2, dtype=LONG)), ("input", "int64", "float()")),
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
    "batch_norm eps": (lambda f: f.batch_norm(LOGITS, *STATISTICS, eps=-1.0), ("eps=-1.0",)),
    "batch_norm eps, training": (
        lambda f: f.batch_norm(LOGITS, None, None, training=True, eps=0.0),
        ("eps=0.0",),
    ),
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
        lambda f: f.cross_entropy(ones(2, 3, 4, 5), ones(2, 4, 4, dtype=LONG)),
        ("(2, 4, 5)", "(2, 4, 4)"),
    ),
    "cross_entropy two labels of one sample": (
        lambda f: f.cross_entropy(LOGITS[0], LABELS[:2]),
        ("target (2,)", "()"),
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
        lambda f: f.cross_entropy(LOGITS, ones(4, 3, dtype=LONG)),
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
    ),
    "cross_entropy scalar": (
        lambda f: f.cross_entropy(ones(), torch.tensor(0)),
        ("input", "scalar"),
    ),
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
        ("output_size=[1, 2, 3]",),
    ),
    "avg_pool2d divisor": (
        lambda f: f.avg_pool2d(IMAGES, 3, divisor_override=0),
        ("divisor_override",),
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
    ERRORS |= {
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
for name in ("l1_loss", "mse_loss"):
    ERRORS |= {
        f"{name} {case}": (
            lambda f, name=name, arguments=arguments, options=options: getattr(f, name)(
                *arguments, **options
            ),
            words,
        )
        for case, arguments, options, words in (
            ("reduction", (LOGITS, LOGITS), {"reduction": "avg"}, ("reduction='avg'", "'mean'")),
            ("integers", (LABELS, LABELS), {}, ("int64", "float()")),
        )
    }


@pytest.mark.parametrize("case", ERRORS)
def test_refused_as_by_torch(case: str) -> None:
    call, words = ERRORS[case]
    with pytest.raises(REFUSALS) as theirs:
        call(TORCH)
    with pytest.raises(theirs.type) as ours:
        call(reference)
    assert ours.type is theirs.type
    assert [word for word in words if word not in str(ours.value)] == []


@pytest.mark.filterwarnings("ignore:Using a target size")
@pytest.mark.parametrize("name", ["l1_loss", "mse_loss"])
def test_losses_refuse_shapes_that_do_not_broadcast(name: str) -> None:
    for implementation in (TORCH, reference):
        with pytest.raises(RuntimeError):
            getattr(implementation, name)(ones(2, 3), ones(2))
    with pytest.raises(RuntimeError, match=re.escape("target size (torch.Size([2]))")):
        getattr(reference, name)(ones(2, 3), ones(2))


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
    with pytest.raises(ValueError, match="padding_mode"):
        torch.nn.Conv2d(3, 4, 3, padding_mode="mirror")
    with pytest.raises(ValueError, match=r"padding_mode must be one of .*'reflect'.*'mirror'"):
        reference.conv2d(IMAGES, KERNELS, padding_mode="mirror")


def test_cross_entropy_refuses_negative_smoothing() -> None:
    with pytest.raises(RuntimeError, match=r"label_smoothing must be from 0 to 1, got -0\.1"):
        reference.cross_entropy(LOGITS, LABELS, label_smoothing=-0.1)
