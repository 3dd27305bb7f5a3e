"""New syntax for fixes."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import libcst as cst

if TYPE_CHECKING:
    from reference.checker.script import Script

Fix: TypeAlias = dict[
    cst.CSTNode, cst.CSTNode | cst.FlattenSentinel[cst.CSTNode] | cst.RemovalSentinel
]
_NO_SPACE = cst.SimpleWhitespace("")


def expression(code: str) -> cst.BaseExpression:
    """Return the tree of an expression."""
    return cst.parse_expression(code)


def keyword(name: str, code: str) -> cst.Arg:
    """Return the argument `name=code`."""
    equal = cst.AssignEqual(_NO_SPACE, _NO_SPACE)
    return cst.Arg(expression(code), keyword=cst.Name(name), equal=equal)


def with_keyword(call: cst.Call, name: str, code: str) -> cst.Call:
    """Return a call with one more argument, `name=code`."""
    return call.with_changes(args=[*call.args, keyword(name, code)])


def statement_of(script: Script, node: cst.CSTNode) -> cst.SimpleStatementLine | None:
    """Return the line of code that a node is part of; None in the head of an `if` or a loop."""
    for parent in script.parents(node):
        if isinstance(parent, cst.SimpleStatementLine | cst.BaseCompoundStatement):
            return parent if isinstance(parent, cst.SimpleStatementLine) else None
    return None


def before(statement: cst.SimpleStatementLine, code: str) -> cst.FlattenSentinel[cst.CSTNode]:
    """Return a statement with a line of code before it, below the comments above it."""
    new = cst.parse_statement(code).with_changes(leading_lines=statement.leading_lines)
    return cst.FlattenSentinel([new, statement.with_changes(leading_lines=[])])


def after(statement: cst.SimpleStatementLine, code: str) -> cst.FlattenSentinel[cst.CSTNode]:
    """Return a statement with a line of code after it."""
    return cst.FlattenSentinel([statement, cst.parse_statement(code)])
