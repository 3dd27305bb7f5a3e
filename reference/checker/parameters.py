"""What the calls of a function pass for its parameters."""

from __future__ import annotations

from collections import defaultdict
from functools import lru_cache
from typing import TYPE_CHECKING

import libcst as cst

from reference.checker.tree import argument

if TYPE_CHECKING:
    from reference.checker.script import Script


def passed(script: Script, param: cst.Param) -> list[cst.BaseExpression]:
    """Return what the script's calls of a function pass for one of its parameters.

    A call that leaves the parameter out passes its default. The list is empty for methods, for
    functions that are not called, and if some call passes it in a way that is not understood.
    """
    function = script.enclosing(param, cst.FunctionDef)
    if function is None or script.enclosing(function, cst.ClassDef):
        return []
    params = function.params.params
    position = next((i for i, p in enumerate(params) if p is param), None)
    values = [
        argument(call, position, param.name.value) or param.default
        for call in calls_of(script, function)
    ]
    return [value for value in values if value] if all(values) else []


def calls_of(script: Script, function: cst.FunctionDef) -> list[cst.Call]:
    """Return the calls of a function in its script."""
    return _calls(script).get(function, [])


@lru_cache(maxsize=8)
def _calls(script: Script) -> dict[cst.CSTNode, list[cst.Call]]:
    """Return the calls of a script by the functions of the script that they call."""
    found: dict[cst.CSTNode, list[cst.Call]] = defaultdict(list)
    for call in script.nodes(cst.Call):
        binding = script.binding(call.func) if isinstance(call.func, cst.Name) else None
        if binding is not None and isinstance(binding.statement, cst.FunctionDef):
            found[binding.statement].append(call)
    return found
