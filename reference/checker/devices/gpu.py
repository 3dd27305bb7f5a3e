"""Devices in a script: where a GPU is named, and whether the script checks that there is one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import libcst as cst

from reference.checker.tree import argument

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reference.checker.script import Script

GPU = re.compile(r"(cuda|mps|xpu|npu)(:\d+)?$")
_CHECKS = re.compile(r"(?i)is_available|cuda|gpu|mps|device|accelerator")
_EXITS = ("exit", "quit", "sys.exit", "os._exit", "builtins.exit", "builtins.quit")
_IS_AVAILABLE = {
    "mps": "torch.backends.mps.is_available()",
    "xpu": "torch.xpu.is_available()",
    "npu": "torch.npu.is_available()",
}


def is_available(device: str) -> str:
    """Return the code that checks whether a device, such as `cuda:0`, can be used."""
    return _IS_AVAILABLE.get(device.partition(":")[0], "torch.cuda.is_available()")


def choice(device: str) -> str:
    """Return the expression for a GPU if there is one, otherwise the CPU."""
    return f'"{device}" if {is_available(device)} else "cpu"'


def gpu(script: Script, node: cst.BaseExpression | None) -> str:
    """Return the GPU that a string or `torch.device(…)` names; empty for anything else."""
    if node is None:
        return ""
    value = script.value(node)
    if isinstance(value, cst.Call) and script.name(value.func) == "torch.device":
        return gpu(script, argument(value, 0, "type"))
    name = script.literal(value)
    return name if isinstance(name, str) and GPU.match(name) else ""


def is_checked(script: Script, node: cst.CSTNode) -> bool:
    """Return whether code runs only after a check that there is a GPU."""
    inner = node
    for parent in script.parents(node):
        if _is_branch_with_gpu(script, parent, inner):
            return True
        inner = parent
    return _is_left_without_gpu(script, node)


def _is_branch_with_gpu(script: Script, parent: cst.CSTNode, inner: cst.CSTNode) -> bool:
    """Return whether a part of a statement or expression runs only with a GPU."""
    match parent:
        case cst.If() | cst.IfExp() if inner is not parent.test:
            is_body = inner is parent.body
            return _asks(script, parent.test) and is_body != _is_negative(parent.test)
        case cst.BooleanOperation():
            return inner is parent.right and _asks(script, parent.left)
        case cst.Try():
            return inner is parent.body
        case _:
            return False


def _asks(script: Script, test: cst.BaseExpression) -> bool:
    """Return whether a condition is about devices; names are followed to what they are."""
    value = script.value(test)
    return bool(_CHECKS.search(script.code(test)) or _CHECKS.search(script.code(value)))


def _is_negative(test: cst.BaseExpression) -> bool:
    """Return whether a condition is true without a GPU."""
    match test:
        case cst.UnaryOperation(operator=cst.Not()):
            return True
        case cst.Comparison(comparisons=[cst.ComparisonTarget(cst.Equal() | cst.Is(), other)]):
            return getattr(other, "value", "").strip("\"'") in ("False", "0", "cpu")
        case cst.Comparison(comparisons=[cst.ComparisonTarget(cst.NotEqual(), other)]):
            return getattr(other, "value", "").strip("\"'") not in ("False", "0", "cpu")
        case _:
            return False


def _is_left_without_gpu(script: Script, node: cst.CSTNode) -> bool:
    """Return whether the script ends before some code if there is no GPU."""
    around = {node, *script.parents(node)}
    for statement in script.nodes(cst.If):
        reaches = script.parent(statement) in around and script.before(statement, node)
        without = _asks(script, statement.test) and _is_negative(statement.test)
        if reaches and without and _leaves(script, statement.body):
            return True
    return any(
        _asks(script, statement.test) and script.before(statement, node)
        for statement in script.nodes(cst.Assert)
    )


def _leaves(script: Script, suite: cst.BaseSuite) -> bool:
    last = suite.body[-1] if suite.body else None
    if isinstance(last, cst.SimpleStatementLine):
        last = last.body[-1]
    if isinstance(last, cst.Expr) and isinstance(last.value, cst.Call):
        return script.name(last.value.func) in _EXITS
    return isinstance(last, cst.Raise | cst.Return | cst.Continue)


def is_chosen_elsewhere(script: Script, variable: cst.Name) -> bool:
    """Return whether a variable also gets another device, after a check."""
    return any(
        _asks(script, around.test)
        for binding in script.bindings(variable)
        if (around := script.enclosing(binding.statement, cst.If)) is not None
    )


def device_variables(script: Script) -> Iterator[tuple[cst.Name, cst.BaseExpression]]:
    """Yield the variables to which a script assigns a device, and what it assigns."""
    for assign in script.nodes(cst.Assign):
        target = assign.targets[0].target
        if isinstance(target, cst.Name) and _is_device(script, assign.value):
            yield target, assign.value


def _is_device(script: Script, node: cst.BaseExpression) -> bool:
    match node:
        case cst.IfExp():
            return _is_device(script, node.body)
        case cst.Call(func=cst.Name() | cst.Attribute(attr=cst.Name("device"))):
            return script.types.of(node) == "torch.device"
        case cst.SimpleString():
            return bool(gpu(script, node))
        case _:
            return False
