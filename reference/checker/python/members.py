"""The members of the script's classes, with those that they inherit."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import libcst as cst
from libcst.metadata import ClassScope

from reference.checker.python.libraries import attributes
from reference.checker.python.reads import assigned_names

if TYPE_CHECKING:
    from reference.checker.script import Script

# The classes of libraries that learners derive from, and their attributes.
_BASES = {
    "builtins.object": frozenset(),
    "torch.nn.Module": attributes("torch.nn.Module"),
    "torch.utils.data.Dataset": attributes("torch.utils.data.Dataset"),
}
_LIBRARIES = {"torch", "torchvision", "PIL", "numpy", "builtins", "os", "tensorboardX", ""}
_CALLED = {"__init__", "__new__", "__call__", "forward"}
# With one of these, an object may have any attribute; the empty name is one that is calculated.
_DYNAMIC = {"__getattr__", "__getattribute__", "__setattr__", ""}
MAX_BASES = 10


@lru_cache(maxsize=64)
def methods(script: Script, name: str) -> dict[str, cst.FunctionDef] | None:
    """Return the methods of a class by name; None if it, or a base, is not known entirely.

    Args:
        script: a script.
        name: the full name of a class in it or in a script that it imports.
    """
    parts = _parts(script, name)
    if parts is None:
        return None
    found: dict[str, cst.FunctionDef] = {}
    for other, owner in reversed(parts):
        own = {n.name.value: n for n in owner.body.body if isinstance(n, cst.FunctionDef)}
        names = _names_in_body(other, owner)
        replaced = set(names) - own.keys()
        if owner.decorators or len(names) != len(set(names)) or replaced & _CALLED:
            return None  # as in `f = staticmethod(f)`, or `__call__ = predict`
        found |= own
    return found


@lru_cache(maxsize=64)
def members(script: Script, name: str) -> frozenset[str] | None:
    """Return the names of all attributes of a class's objects; None if that is not known."""
    parts = _parts(script, name)
    if parts is None:
        return None
    owners = [owner for _, owner in parts]
    scripts = {other for other, _ in parts} | {script}
    assigned = [pair for other in scripts for pair in assigned_names(other)]
    found = {name for owner, name in assigned if owner is None or owner in owners}
    for other, owner in parts:
        found |= set(_names_in_body(other, owner))
        if found & _DYNAMIC or not all(_is_data(other, d) for d in owner.decorators):
            return None
        for base in owner.bases:
            found |= _BASES.get(other.name(base.value), frozenset())
    return frozenset(found)


def own_names(script: Script, name: str) -> frozenset[str]:
    """Return the names of the attributes that a class of the learner's gives its objects."""
    parts = _parts(script, name) or []
    owners = [owner for _, owner in parts]
    assigned = (pair for other, _ in parts for pair in assigned_names(other))
    in_bodies = (name for other, owner in parts for name in _names_in_body(other, owner))
    return frozenset((*in_bodies, *(name for owner, name in assigned if owner in owners)))


def _parts(script: Script, name: str) -> list[tuple[Script, cst.ClassDef]] | None:
    """Return a class and its bases that are the learner's; None if another one is not known."""
    if name.partition(".")[0] in _LIBRARIES:
        return None
    pending = [(script, name)]
    found: list[tuple[Script, cst.ClassDef]] = []
    while pending:
        script, name = pending.pop(0)
        if name in _BASES:
            continue
        known = script.project.class_def(script, name) if name else None
        if known is None or len(found) > MAX_BASES or _is_defined_twice(*known):
            return None
        found.append(known)
        other, owner = known
        if any(arg.star or arg.keyword for arg in owner.bases) or owner.keywords:
            return None
        pending += [(other, other.name(base.value)) for base in owner.bases]
    return found


def _is_defined_twice(script: Script, owner: cst.ClassDef) -> bool:
    same = [c for c in script.nodes(cst.ClassDef) if c.name.value == owner.name.value]
    return len(same) > 1


def _is_data(script: Script, decorator: cst.Decorator) -> bool:
    """Return whether a decorator is `@dataclass`, which adds no attributes but dunder methods."""
    node = decorator.decorator
    name = script.name(node.func if isinstance(node, cst.Call) else node)
    return name == "dataclasses.dataclass"


def _names_in_body(script: Script, owner: cst.ClassDef) -> list[str]:
    """Return the names that the body of a class defines, one for each definition."""
    scope = script.scope(owner.body.body[0])
    return [a.name for a in scope.assignments] if isinstance(scope, ClassScope) else []
