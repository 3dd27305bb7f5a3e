"""The definitions have torch's signatures, and do not call what they define on torch."""

import ast
import inspect
from collections.abc import Sequence
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType

import pytest
from torch.nn import functional

from reference import functional as reference
from reference.functional import _windows, losses, pooling


@pytest.mark.parametrize(
    "name", ["dropout", "batch_norm", "relu", "l1_loss", "mse_loss", "cross_entropy"]
)
def test_signatures_are_those_of_torch(name: str) -> None:
    deprecated = {"size_average", "reduce"}
    ours = inspect.signature(getattr(reference, name)).parameters
    theirs = inspect.signature(getattr(functional, name)).parameters
    by_position = [p for p in ours.values() if p.kind is p.POSITIONAL_OR_KEYWORD]
    assert [p.name for p in by_position] == list(theirs)[: len(by_position)]
    assert {n: p.default for n, p in ours.items()}.items() <= {
        n: p.default for n, p in theirs.items() if n not in deprecated
    }.items()


DEFINED = {name for name in reference.__all__ if not name.endswith("output_size")}
# Other ways to the same functions in torch, or to most of what they compute.
EQUIVALENT = {"nn", "ops", "_C", "softmax", "log_softmax", "logsumexp", "addmm", "convolution"}
# One case for each of these, and one for the package with all its other modules.
SINGLE = [pooling, losses, _windows]
FOUND = iter_modules(reference.__path__, f"{reference.__name__}.")
OTHERS = [module for info in FOUND if (module := import_module(info.name)) not in SINGLE]
MODULES = [[reference, *OTHERS], *([module] for module in SINGLE)]


def attributes(tree: ast.AST) -> set[str]:
    """Return the names of all attributes in code, such as `conv2d` in `f.conv2d`."""
    return {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}


@pytest.mark.parametrize("modules", MODULES, ids=lambda modules: modules[0].__name__)
def test_nothing_that_conv_and_the_others_define_is_called_on_torch(
    modules: Sequence[ModuleType],
) -> None:
    tree = ast.parse("\n".join(inspect.getsource(module) for module in modules))
    forbidden = {spelling for name in DEFINED for spelling in (name, f"{name}_")} - {"flatten"}
    assert not attributes(tree) & (forbidden | EQUIVALENT)
    for node in ast.walk(tree):
        # A tensor's flatten is allowed in every definition except that of flatten.
        if isinstance(node, ast.FunctionDef) and node.name == "flatten":
            assert "flatten" not in attributes(node)
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("torch"):
            assert [alias.name for alias in node.names] == ["Tensor"]
        if isinstance(node, ast.Import):
            assert not any(alias.name.startswith("torch.") for alias in node.names)
