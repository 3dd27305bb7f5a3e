"""P17-P25: the exact printouts of the course's programs, of results and of networks."""

import io
import re
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from functools import cache, partial

import pytest
import torch
from torch import nn

from reference.models.course import Convolution, Tudui
from reference.models.registry import build_on_meta
from spec_tests import paths
from spec_tests.harness.vectors import call_operator, cases, verify
from spec_tests.implementations import Implementation
from spec_tests.implementations.torch import IMPLEMENTATION


def _output(implementation: Implementation, operator: str, name: str) -> torch.Tensor:
    """Return an operator's output for a case; skip the test if it is not implemented."""
    (case,) = (case for case in cases(operator) if case.name == name)
    verify(implementation, case)
    return torch.from_numpy(
        call_operator(implementation.functions[operator], *case.arrays)["output"]
    )


def _print_convolution(implementation: Implementation, name: str) -> None:
    output = _output(implementation, "conv2d", name)
    print(output, output.shape)


def _module(class_name: str, **layers: nn.Module) -> nn.Module:
    """Return a module whose class and layers have the course's names."""
    module = type(class_name, (nn.Module,), {})()
    for attribute, layer in layers.items():
        module.add_module(attribute, layer)
    return module


RESULTS: dict[str, tuple[str, Callable[[Implementation], None]]] = {  # file: claim, program
    f"conv2d-{name}": (f"conv.{name}", partial(_print_convolution, name=f"{name}-int64"))
    for name in ("stride-1", "stride-2", "stride-1-padding-1", "stride-2-padding-1")
} | {
    f"{operator}-{name}": (claim, lambda i, o=operator, n=name: print(_output(i, o, n)))
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
}
NETWORKS: dict[str, tuple[str, Callable[[], nn.Module]]] = {  # file: claim, network
    "conv2d-module": (
        "conv.printed-layer",
        lambda: _module("My_nn", conv1=Convolution().conv1),
    ),
    "conv2d-module-3-channels": (
        "conv.printed-layer-channels",
        lambda: _module("Test", conv1=nn.Conv2d(3, 3, 3)),
    ),
    "sequential": ("seq.printout", lambda: _module("Test", model1=Tudui().model)),
} | {
    name: (claim, partial(build_on_meta, name))
    for name, claim in (
        ("vgg16", "vgg.printout"),
        ("vgg16-linear-at-end", "vgg.linear-at-end"),
        ("vgg16-linear-in-classifier", "vgg.linear-in-classifier"),
        ("vgg16-10-classes", "vgg.last-layer"),
        ("vgg16-dropout", "vgg.dropout"),
        ("vgg16-all-edits", "vgg.all-edits"),
    )
}


def _parametrize(programs: dict[str, tuple[str, Callable[..., object]]]) -> pytest.MarkDecorator:
    """Return a mark that runs a test for each file's name, marked with its claim."""
    return pytest.mark.parametrize(
        "name",
        [
            pytest.param(name, marks=pytest.mark.claim(claim))
            for name, (claim, _) in programs.items()
        ],
    )


def _expected(name: str) -> str:
    return (paths.PRINTOUTS / f"{name}.txt").read_text(encoding="utf-8")


@cache  # test_no_other_text_passes compares one output many times
def _printed(program: Callable[..., object], *arguments: Implementation) -> str:
    with redirect_stdout(io.StringIO()) as out:
        program(*arguments)
    return out.getvalue()


@_parametrize(RESULTS)
def test_printed_result(implementation: Implementation, name: str) -> None:
    _, program = RESULTS[name]
    assert _printed(program, implementation) == _expected(name)


@_parametrize(NETWORKS)
def test_printed_network(name: str) -> None:
    _, network = NETWORKS[name]
    assert _printed(_print_network, network) == _expected(name)


def _print_network(network: Callable[[], nn.Module]) -> None:
    print(network())


def test_every_printout_has_a_test() -> None:
    assert {path.stem for path in paths.PRINTOUTS.glob("*.txt")} == {*RESULTS, *NETWORKS}


@pytest.mark.parametrize("name", [*RESULTS, *NETWORKS])
def test_no_other_text_passes(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With any one digit changed or any one line removed, the file's test fails."""
    test = partial(test_printed_result, IMPLEMENTATION) if name in RESULTS else test_printed_network
    test(name=name)
    variants = [*_variants(_expected(name))]
    assert variants
    for variant in variants:
        monkeypatch.setitem(globals(), "_expected", lambda _, variant=variant: variant)
        with pytest.raises(AssertionError):
            test(name=name)


def _variants(text: str) -> Iterator[str]:
    """Yield the text with each digit changed in turn, and with each line removed in turn."""
    for digit in re.finditer(r"\d", text):
        yield f"{text[: digit.start()]}{9 - int(digit[0])}{text[digit.end() :]}"
    lines = text.splitlines(keepends=True)
    for removed in range(len(lines)):
        yield "".join(lines[:removed] + lines[removed + 1 :])
