"""Names that have no value where they are read."""

from __future__ import annotations

import builtins
import re
from functools import lru_cache
from typing import TYPE_CHECKING

import libcst as cst
from libcst.helpers import get_full_name_for_node
from libcst.metadata import BuiltinScope

from reference.checker.notebooks import KEPT
from reference.checker.python import libraries

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reference.checker.script import Script

# Names of modules and notebooks that no code defines.
_GIVEN = {"__file__", "__path__", "__class__", "__module__", "__qualname__", "__annotations__"}
_GIVEN |= {"WindowsError", "reveal_type", "exit", "quit"}
_NOTEBOOK = {"display", "get_ipython", "In", "Out", "_", "__", "___", "_ih", "_oh", "_dh"}
_NOTEBOOK_VALUE = re.compile(r"_+i*\d*$")  # the results of cells
# Calls that may define names, or whose callers test whether a name is defined.
_DEFINING = {
    f"builtins.{name}" for name in ("exec", "globals", "locals", "vars", "__import__", "dir")
}
MAX_DEPTH = 5  # of star imports of modules with star imports
_PYLAB = re.compile(rf"{re.escape(KEPT)}\s*%(pylab|run|load|store)\b")
_SHELL_VALUE = re.compile(rf"{re.escape(KEPT)}([\w, ]+?)\s*=")


def undefined(script: Script) -> Iterator[cst.Name]:
    """Yield the names that are read and that nothing in the script defines.

    Nothing is yielded if the script may define names in ways that cannot be followed.
    """
    known = other_names(script)
    if known is None:
        return
    found = (
        access.node
        for scope in script.scopes
        for access in scope.accesses
        if not access.referents and not access.is_annotation and isinstance(access.node, cst.Name)
        # LibCST's referents are only those above; the others are `defined_later`.
        if access.node.value not in access.scope
    )
    for name in sorted(found, key=script.line):
        if not (name.value in known or _of_comprehension(script, name) or is_tried(script, name)):
            yield name


def _of_comprehension(script: Script, name: cst.Name) -> bool:
    """Return whether a comprehension around a name binds it; LibCST misses some."""
    return any(
        name.value in _names(script, part.target)
        for parent in script.parents(name)
        if isinstance(parent, cst.BaseComp)
        for part in script.within(parent, cst.CompFor)
    )


def _names(script: Script, target: cst.BaseExpression) -> set[str]:
    """Return the names in the target of an assignment or loop."""
    names = [target] if isinstance(target, cst.Name) else script.within(target, cst.Name)
    return {name.value for name in names}


@lru_cache(maxsize=8)
def other_names(script: Script) -> frozenset[str] | None:
    """Return the names that are defined in ways LibCST does not follow; None: any may be."""
    if any(True for _ in script.calls(*_DEFINING)):
        return None
    names = {*_GIVEN, *dir(builtins)}
    for statement in script.nodes(cst.ImportFrom):
        if isinstance(statement.names, cst.ImportStar):
            exported = star_names(script, statement)
            if exported is None:
                return None
            names |= exported
    if script.path.suffix == ".ipynb":
        text = script.text
        if _PYLAB.search(text):
            return None
        names |= _NOTEBOOK | {n.value for n in script.nodes(cst.Name) if _is_result(n)}
        names |= {n.strip() for match in _SHELL_VALUE.findall(text) for n in match.split(",")}
    for walrus in script.nodes(cst.NamedExpr):  # a name in a comprehension's function
        names |= {walrus.target.value} if isinstance(walrus.target, cst.Name) else set()
    for match in script.nodes(cst.Match):
        names |= {name.value for name in script.within(match, cst.Name)}
    return frozenset(names)


def _is_result(name: cst.Name) -> bool:
    return _NOTEBOOK_VALUE.match(name.value) is not None


def star_names(script: Script, statement: cst.ImportFrom, depth: int = 0) -> set[str] | None:
    """Return the names that `from module import *` defines; None if they are not known."""
    module = get_full_name_for_node(statement.module) if statement.module else None
    if not module or depth > MAX_DEPTH:
        return None
    if listed := libraries.names_of(module):
        return set(listed)
    other = script.project.module(script, module)
    scope = other.scope(other.module) if other else None
    if other is None or scope is None or statement.relative:
        return None
    names = {assignment.name for assignment in scope.assignments}
    for inner in other.nodes(cst.ImportFrom):
        if isinstance(inner.names, cst.ImportStar):
            exported = star_names(other, inner, depth + 1)
            if exported is None:
                return None
            names |= exported
    return names


def is_tried(script: Script, name: cst.Name) -> bool:
    """Return whether a NameError is caught here."""
    inner: cst.CSTNode = name
    for parent in script.parents(name):
        if isinstance(parent, cst.Try) and inner is parent.body and parent.handlers:
            return True
        if isinstance(parent, cst.FunctionDef):
            break
        inner = parent
    return False


def is_builtin(script: Script, name: cst.Name) -> bool:
    """Return whether a name is one of Python's own and nothing of the script."""
    scope = script.scope(name)
    return (
        scope is not None
        and all(isinstance(assignment.scope, BuiltinScope) for assignment in scope[name.value])
        and name.value in scope
    )
