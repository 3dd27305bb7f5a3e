"""The texts of a script that are paths or parts of them: what is passed to open() and others."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import libcst as cst

from reference.checker import networks
from reference.checker.kinds import DATASETS, WRITERS
from reference.checker.tree import argument

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reference.checker.script import Script

Text = cst.SimpleString | cst.FormattedString
# Functions that take a path, and where among their arguments.
TAKES_PATH = {
    "builtins.open": 0, "PIL.Image.open": 0, "cv2.imread": 0, "cv2.imwrite": 0, "torch.load": 0,
    "torch.save": 1, "os.listdir": 0, "os.makedirs": 0, "os.mkdir": 0, "os.path.exists": 0,
    "os.path.isfile": 0, "os.path.isdir": 0, "numpy.load": 0, "matplotlib.pyplot.imread": 0,
    "shutil.copy": 0, "pathlib.Path": 0,
} | dict.fromkeys(WRITERS, 0)  # fmt: skip
MAX_DEPTH = 12


def joins(script: Script) -> list[cst.Call]:
    """Return the calls of os.path.join."""
    return list(script.calls("os.path.join"))


@lru_cache(maxsize=8)
def path_texts(script: Script) -> tuple[Text, ...]:
    """Return the texts of a script that end up in a path, each once."""
    expressions = [arg.value for call in joins(script) for arg in call.args if not arg.star]
    for name, call in script.named_calls:
        position = 0 if DATASETS.match(name) else TAKES_PATH.get(name)
        path = argument(call, position, "root") if position is not None else None
        expressions += [path] if path is not None else []
    return tuple(dict.fromkeys(text for node in expressions for text in texts(script, node)))


def texts(script: Script, node: cst.BaseExpression, depth: int = 0) -> Iterator[Text]:
    """Yield the texts of which an expression's value consists, following names and attributes."""
    if depth > MAX_DEPTH:
        return
    value = script.value(node)
    match value:
        case cst.SimpleString() | cst.FormattedString():
            yield value
            return
        case cst.BinaryOperation() | cst.ConcatenatedString():
            parts = [value.left, value.right]
        case cst.Call(func=cst.Attribute(value=inner, attr=cst.Name("format" | "replace"))):
            parts = [inner]
        case cst.Attribute():
            parts = _attribute(script, value)
        case cst.Name():
            parts = _parameter(script, value)
        case _:
            parts = []
    for part in parts:
        yield from texts(script, part, depth + 1)


def _attribute(script: Script, node: cst.Attribute) -> list[cst.BaseExpression]:
    """Return what is assigned to `self.x`."""
    name, owner = networks.self_attribute(script, node), script.enclosing(node, cst.ClassDef)
    found = networks.assignments(script, owner, name) if owner and name else []
    return [assign.value for assign in found]


def _parameter(script: Script, name: cst.Name) -> list[cst.BaseExpression]:
    """Return what the calls of a class pass for a parameter of its `__init__`."""
    binding = script.binding(name)
    param = binding.statement if binding else None
    function = script.enclosing(param, cst.FunctionDef) if isinstance(param, cst.Param) else None
    owner = script.enclosing(function, cst.ClassDef) if function else None
    if function is None or owner is None or function.name.value != "__init__":
        return []
    position = next((i for i, p in enumerate(function.params.params) if p is param), 0) - 1
    calls = (call for call in script.calls(owner.name.value))
    values = (argument(call, position, name.value) for call in calls)
    return [value for value in values if value is not None]
