"""Reads of attributes: where one must exist, and whether the object's type is certain."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import libcst as cst

from reference.checker import networks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reference.checker.script import Script

# Functions that a script asks before it uses an attribute that not all objects have.
_ASKING = tuple(f"builtins.{n}" for n in ("hasattr", "getattr", "isinstance", "type", "callable"))
# A name may be that of a class first, and then that of an object: `tudui = tudui()`.
_CLASSES = (cst.ClassDef, cst.Import, cst.ImportFrom)
_ADDING = {"add_module", "register_buffer", "register_parameter", "register_module", "setattr"}
_ADDING |= {"__setattr__"}


def is_read(script: Script, node: cst.Attribute) -> bool:
    """Return whether an attribute is read, and must exist: nothing catches or asks."""
    if isinstance(script.parent(node), cst.AssignTarget | cst.AnnAssign | cst.Del):
        return False
    inner: cst.CSTNode = node
    for parent in script.parents(node):
        if isinstance(parent, cst.Try) and inner is parent.body and parent.handlers:
            return False
        if isinstance(parent, cst.If | cst.IfExp | cst.BooleanOperation) and _asks(script, parent):
            return False
        inner = parent
    return True


def _asks(script: Script, node: cst.If | cst.IfExp | cst.BooleanOperation) -> bool:
    """Return whether a condition depends on the type or the attributes of something."""
    test = node if isinstance(node, cst.BooleanOperation) else node.test
    calls = [test] if isinstance(test, cst.Call) else []
    names = {script.name(call.func) for call in (*calls, *script.within(test, cst.Call))}
    return not names.isdisjoint(_ASKING)


@lru_cache(maxsize=8)
def tested_names(script: Script) -> frozenset[object]:
    """Return the names of attributes that a script asks for with hasattr or getattr."""
    tests = script.calls("builtins.hasattr", "builtins.getattr")
    literals = (script.literal(arg.value) for call in tests for arg in call.args[1:2])
    return frozenset(name for name in literals if isinstance(name, str))


@lru_cache(maxsize=8)
def assigned_names(script: Script) -> frozenset[tuple[cst.ClassDef | None, str]]:
    """Return the names of all attributes that a script sets; an empty one if any may be set.

    With each is the class whose methods set it as `self.name`; None for those of other objects.
    """
    return frozenset(
        (*_set_by_statements(script), *((None, name) for name in _set_by_calls(script)))
    )


def _set_by_statements(script: Script) -> Iterator[tuple[cst.ClassDef | None, str]]:
    targets = [
        *(target.target for target in script.nodes(cst.AssignTarget)),
        *(assign.target for assign in script.nodes(cst.AugAssign)),
        *(assign.target for assign in script.nodes(cst.AnnAssign)),
        *(loop.target for loop in script.nodes(cst.For)),
        *(item.name for item in script.nodes(cst.AsName)),
    ]
    for target in targets:
        own = [target] if isinstance(target, cst.Attribute) else []
        for node in own or script.within(target, cst.Attribute):
            is_self = networks.self_attribute(script, node)
            yield script.enclosing(node, cst.ClassDef) if is_self else None, node.attr.value


def _set_by_calls(script: Script) -> Iterator[str]:
    for call in script.nodes(cst.Call):
        func = call.func
        name = func.attr.value if isinstance(func, cst.Attribute) else script.name(func)
        if name.removeprefix("builtins.") in _ADDING:
            yield _added(script, call)
        elif name == "builtins.vars":
            yield ""
    if any(node.attr.value == "__dict__" for node in script.nodes(cst.Attribute)):
        yield ""


def _added(script: Script, call: cst.Call) -> str:
    """Return the name that `add_module("x", …)` or `setattr(net, "x", …)` gives."""
    values = (script.literal(arg.value) for arg in call.args[:2])
    return next((value for value in values if isinstance(value, str)), "")


def has_one_type(script: Script, node: cst.BaseExpression, of: str) -> bool:
    """Return whether a variable, or an attribute of one, has the same type wherever it is set."""
    if isinstance(node, cst.Call) and isinstance(node.func, cst.Attribute):
        return has_one_type(script, node.func.value, of) or not script.types.of(node.func.value)
    if isinstance(node, cst.Name):
        bindings = [b for b in script.bindings(node) if not isinstance(b.statement, _CLASSES)]
        chosen = (b.value for b in bindings if isinstance(b.statement, cst.Assign) and not b.path)
        return all(script.types.of_binding(b) == of for b in bindings) and all(
            _is_certainly(script, value, of) for value in chosen
        )
    if not isinstance(node, cst.Attribute):
        return True
    owner = script.project.class_def(script, script.types.of(node.value))
    places = {script} | ({owner[0]} if owner else set())
    return all(
        _is_certainly(other, assign.value, of)
        for other in places
        for assign in other.nodes(cst.Assign)
        for target in assign.targets
        if isinstance(target.target, cst.Attribute) and target.target.attr.value == node.attr.value
    )


def _is_certainly(script: Script, value: cst.BaseExpression | None, of: str) -> bool:
    """Return whether a value has a type however the script chooses it."""
    values: list[cst.BaseExpression | None] = [value]
    if isinstance(value, cst.IfExp):
        values = [value.body, value.orelse]
    elif isinstance(value, cst.Call) and isinstance(value.func, cst.Name):
        function = script.binding(value.func)
        if function is not None and isinstance(function.statement, cst.FunctionDef):
            values = [found.value for found in script.within(function.statement, cst.Return)]
    return all(script.types.of(v) == of for v in values)
