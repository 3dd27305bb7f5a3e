"""P17 to P23: what the course's short programs print, to the letter."""

from pathlib import Path
from types import ModuleType

import pytest
import torch

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
