"""Why a name is not defined."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

import libcst as cst

from reference.checker.python.known import import_of
from reference.checker.python.libraries import similar
from reference.checker.python.undefined import undefined

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reference.checker.script import Script

Cause = Literal["constant", "self", "attribute", "import", "elsewhere", "misspelt", "unknown"]

_CONSTANTS = {"null": "None", "nil": "None", "NULL": "None"}
_BUILTINS = ("print", "range", "len", "enumerate", "format", "input", "open", "super", "type")


@dataclass(frozen=True, eq=False)
class Undefined:
    """A name that is not defined.

    Attributes:
        names: the places that read it, in the order of the code.
        cause: `constant`: it is a misspelt True, False or None; `self`: it is `self` in a function
            without it; `attribute`: it is an attribute of `self`; `import`: an import is missing;
            `elsewhere`: it is a variable of a function; `misspelt`: a similar name is defined.
        right: what to write instead: a name, or the import; of `elsewhere`, the function.
    """

    names: list[cst.Name]
    cause: Cause
    right: str = ""


def undefined_names(script: Script, *causes: Cause) -> Iterator[Undefined]:
    """Yield the names of a script that are not defined for one of some causes."""
    return (found for found in _undefined_names(script) if found.cause in causes)


@lru_cache(maxsize=8)
def _undefined_names(script: Script) -> list[Undefined]:
    found: dict[str, list[cst.Name]] = {}
    for name in undefined(script):
        found.setdefault(name.value, []).append(name)
    return [_explained(script, names) for names in found.values()]


def _explained(script: Script, names: list[cst.Name]) -> Undefined:
    name = names[0].value
    if name == "self":
        return Undefined(names, "self")
    if constant := _constant(name):
        return Undefined(names, "constant", constant)
    if all(_is_attribute_of_self(script, node) for node in names):
        return Undefined(names, "attribute", f"self.{name}")
    if statement := import_of(script, names):
        return Undefined(names, "import", statement)
    return _resembling(script, names)


def _resembling(script: Script, names: list[cst.Name]) -> Undefined:
    name, defined = names[0].value, _defined(script)
    if right := similar(name, {*defined[""], *_BUILTINS}):
        return Undefined(names, "misspelt", right)
    function = next((f for f, variables in defined.items() if name in variables), "")
    return Undefined(names, "elsewhere" if function else "unknown", function)


def _constant(name: str) -> str:
    """Return the constant that a name is, but for the order or case of its letters."""
    letters = sorted(name.lower())
    same = (c for c in ("True", "False", "None") if sorted(c.lower()) == letters)
    return next(same, _CONSTANTS.get(name, ""))


def _defined(script: Script) -> dict[str, set[str]]:
    """Return the names that are defined, by the function in which they are; empty: the module."""
    found: dict[str, set[str]] = {"": set()}
    for scope in script.scopes:
        for assignment in scope.assignments:
            node = getattr(assignment, "node", None)
            function = script.enclosing(node, cst.FunctionDef) if node else None
            if isinstance(node, cst.FunctionDef) and scope is script.scope(script.module):
                function = None
            found.setdefault(function.name.value if function else "", set()).add(assignment.name)
    return found


def _is_attribute_of_self(script: Script, name: cst.Name) -> bool:
    """Return whether a name is read in a method of a class that has `self.name`."""
    function = script.enclosing(name, cst.FunctionDef)
    owner = script.enclosing(function, cst.ClassDef) if function else None
    if function is None or owner is None or not function.params.params:
        return False
    if function.params.params[0].name.value != "self":
        return False
    methods = (method.name.value for method in script.within(owner, cst.FunctionDef))
    assigned = (
        target.target.attr.value
        for target in script.within(owner, cst.AssignTarget)
        if isinstance(target.target, cst.Attribute)
        and isinstance(target.target.value, cst.Name)
        and target.target.value.value == "self"
    )
    return name.value in {*methods, *assigned}
