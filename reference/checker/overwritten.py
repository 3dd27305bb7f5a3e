"""Assignments whose value is replaced before anything reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reference.checker.script import Script


def overwriting(script: Script, assign: cst.Assign) -> cst.Assign | None:
    """Return the assignment of the same block that replaces a value before anything reads it."""
    target = _target(assign)
    line = script.parent(assign)
    block = script.parent(line) if line else None
    if not isinstance(block, cst.IndentedBlock | cst.Module) or not target:
        return None
    after = next(i for i, statement in enumerate(block.body, 1) if statement is line)
    for later in block.body[after:]:
        statement = later.body[0] if isinstance(later, cst.SimpleStatementLine) else None
        if isinstance(statement, cst.Assign) and _target(statement) == target:
            return None if _reads(script, statement.value, target) else statement
        if _reads(script, later, target):
            return None
    return None


def _target(assign: cst.Assign) -> str:
    """Return the only target of an assignment if it is a name, or an attribute of a name."""
    target = assign.targets[0].target
    if len(assign.targets) > 1:
        return ""
    if isinstance(target, cst.Name):
        return target.value
    if isinstance(target, cst.Attribute) and isinstance(target.value, cst.Name):
        return f"{target.value.value}.{target.attr.value}"
    return ""


def _reads(script: Script, node: cst.CSTNode, target: str) -> bool:
    """Return whether code mentions a variable or attribute, or calls code that may read it."""
    base, _, attribute = target.partition(".")
    if any(_mentions(script, body, base, attribute) for body in (node, *_called(script, node))):
        return True
    return bool(attribute) and any(_uses_whole(script, n, base) for n in _names(script, node))


def _mentions(script: Script, node: cst.CSTNode, base: str, attribute: str) -> bool:
    if not attribute:
        return any(name.value == base for name in _names(script, node))
    attributes = script.within(node, cst.Attribute)
    found = [node, *attributes] if isinstance(node, cst.Attribute) else attributes
    return any(a.attr.value == attribute for a in found)


def _names(script: Script, node: cst.CSTNode) -> Iterator[cst.Name]:
    if isinstance(node, cst.Name):
        yield node
    yield from script.within(node, cst.Name)


def _called(script: Script, node: cst.CSTNode) -> Iterator[cst.FunctionDef]:
    """Yield the functions of the script that code calls."""
    for call in script.within(node, cst.Call):
        binding = script.binding(call.func) if isinstance(call.func, cst.Name) else None
        if binding and isinstance(binding.statement, cst.FunctionDef):
            yield binding.statement


def _uses_whole(script: Script, name: cst.Name, base: str) -> bool:
    """Return whether an object is passed on or one of its methods is called: `self.build()`."""
    if name.value != base:
        return False
    around = script.parent(name)
    if not isinstance(around, cst.Attribute):
        return True
    call = script.parent(around)
    return isinstance(call, cst.Call) and call.func is around
