"""Helpers for syntax trees of LibCST, without names or scopes."""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING

import libcst as cst

if TYPE_CHECKING:
    from collections.abc import Iterator


def argument(call: cst.Call, position: int | None, name: str) -> cst.BaseExpression | None:
    """Return an argument of a call by its position, from 0, or its name; None if not given."""
    for index, arg in enumerate(call.args):
        if arg.star:
            return None
        if arg.keyword is not None:
            if arg.keyword.value == name:
                return arg.value
        elif index == position:
            return arg.value
    return None


_PUNCTUATION = re.compile(
    r"(whitespace|lpar|rpar|leading_lines|trailing|lines_after)|(header|footer|comma|equal|semicolon)$"
)
_CHILD_FIELDS: dict[type, tuple[str, ...]] = {}


def children(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    """Yield the nodes directly below a node, without whitespace and punctuation.

    Much faster than `node.children`, which visits whitespace as well.
    """
    kind = type(node)
    if kind not in _CHILD_FIELDS:
        names = (field.name for field in dataclasses.fields(node))
        _CHILD_FIELDS[kind] = tuple(name for name in names if not _PUNCTUATION.match(name))
    for name in _CHILD_FIELDS[kind]:
        value = getattr(node, name)
        if isinstance(value, cst.CSTNode):
            yield value
        elif isinstance(value, list | tuple):
            yield from (item for item in value if isinstance(item, cst.CSTNode))
