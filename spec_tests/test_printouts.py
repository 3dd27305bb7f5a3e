"""P17 to P25: what the course's programs print, to the letter: results and networks."""

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
import torch
from torch import nn

from reference.models import Convolution, Tudui
from reference.networks import outline
from spec_tests.vectors import cases, outcome, verify

FOLDER = Path(__file__).parent.parent / "fixtures" / "printouts"


def _output(implementation: ModuleType, operator: str, name: str) -> torch.Tensor:
    """Return the result of a vector; skip where it is not implemented."""
    (case,) = (case for case in cases(operator) if case.name == name)
    verify(implementation, case)
    return torch.from_numpy(outcome(getattr(implementation, operator), *case.arrays)["output"])


def _text(name: str) -> str:
    return (FOLDER / f"{name}.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.claim(f"conv.{name}"))
        for name in ("stride-1", "stride-2", "stride-1-padding-1", "stride-2-padding-1")
    ],
)
def test_conv_prints(
    implementation: ModuleType, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    output = _output(implementation, "conv2d", f"{name}-int64")
    print(output, output.shape)
    assert capsys.readouterr().out == _text(f"conv2d-{name}")


@pytest.mark.parametrize(
    ("operator", "name"),
    [
        pytest.param(operator, name, marks=pytest.mark.claim(claim))
        for operator, name, claim in (
            ("max_pool2d", "ceil-true", "maxpool.ceil-true"),
            ("max_pool2d", "ceil-false", "maxpool.ceil-false"),
            ("relu", "course", "relu.values"),
            ("sigmoid", "course", "sigmoid.values"),
            ("l1_loss", "mean", "loss.l1-mean"),
            ("l1_loss", "sum", "loss.l1-sum"),
            ("mse_loss", "mean", "loss.mse"),
            ("cross_entropy", "course", "loss.cross-entropy"),
        )
    ],
)
def test_prints(
    implementation: ModuleType, operator: str, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    print(_output(implementation, operator, name))
    assert capsys.readouterr().out == _text(f"{operator}-{name}")


def _holder(name: str, **layers: nn.Module) -> nn.Module:
    """A module of the course's: its class, and its names for its layers."""
    module = type(name, (nn.Module,), {})()
    for attribute, layer in layers.items():
        module.add_module(attribute, layer)
    return module


@pytest.mark.parametrize(
    ("name", "network"),
    [
        pytest.param(name, network, marks=pytest.mark.claim(claim), id=name)
        for name, claim, network in (
            (
                "conv2d-module",
                "conv.printed-layer",
                lambda: _holder("My_nn", conv1=Convolution().conv1),
            ),
            (
                "conv2d-module-3-channels",
                "conv.printed-layer-channels",
                lambda: _holder("Test", conv1=nn.Conv2d(3, 3, 3)),
            ),
            ("sequential", "seq.printout", lambda: _holder("Test", model1=Tudui().model)),
            ("vgg16", "vgg.printout", lambda: outline("vgg16")),
            ("vgg16-linear-at-end", "vgg.linear-at-end", lambda: outline("vgg16-linear-at-end")),
            (
                "vgg16-linear-in-classifier",
                "vgg.linear-in-classifier",
                lambda: outline("vgg16-linear-in-classifier"),
            ),
            ("vgg16-10-classes", "vgg.last-layer", lambda: outline("vgg16-10-classes")),
            ("vgg16-dropout", "vgg.dropout", lambda: outline("vgg16-dropout")),
            ("vgg16-all-edits", "vgg.all-edits", lambda: outline("vgg16-all-edits")),
        )
    ],
)
def test_module_prints(
    name: str, network: Callable[[], nn.Module], capsys: pytest.CaptureFixture[str]
) -> None:
    print(network())
    assert capsys.readouterr().out == _text(name)
