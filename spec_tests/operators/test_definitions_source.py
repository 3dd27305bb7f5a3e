"""How the definitions are written: with signatures of torch, and on nothing that they define."""

import ast
import inspect
from types import ModuleType

import pytest
from torch.nn import functional

from reference import functional as reference
from reference.functional import _windows, losses, pooling


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


@pytest.mark.parametrize("module", [reference, pooling, losses, _windows], ids=lambda m: m.__name__)
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
