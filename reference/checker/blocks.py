"""Blocks of statements: which one a node is in, and what kind it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import libcst as cst

if TYPE_CHECKING:
    from reference.checker.script import Script

Block: TypeAlias = cst.Module | cst.IndentedBlock


def block(script: Script, node: cst.CSTNode) -> Block:
    """Return the innermost block of statements around a node."""
    found = script.enclosing(node, cst.Module, cst.IndentedBlock)
    return found if isinstance(found, cst.IndentedBlock) else script.module


def statement(script: Script, node: cst.CSTNode) -> cst.CSTNode:
    """Return the statement of the innermost block, simple or compound, that a node is in or is."""
    inner = node
    for parent in script.parents(node):
        if isinstance(parent, Block):
            break
        inner = parent
    return inner


def is_main_guard(script: Script, node: cst.CSTNode | None) -> bool:
    """Return whether a statement is `if __name__ == "__main__":`."""
    if not isinstance(node, cst.If) or not isinstance(node.test, cst.Comparison):
        return False
    left, *rest = node.test.left, *(c.comparator for c in node.test.comparisons)
    names = [part.value for part in (left, *rest) if isinstance(part, cst.Name)]
    return names == ["__name__"] and "__main__" in (script.literal(p) for p in (left, *rest))


def loop(script: Script, node: cst.CSTNode) -> cst.For | cst.While | None:
    """Return the innermost loop around a node in its function, class or module."""
    for parent in script.parents(node):
        if isinstance(parent, cst.For | cst.While):
            return parent
        if isinstance(parent, cst.FunctionDef | cst.ClassDef | cst.Lambda):
            return None
    return None
