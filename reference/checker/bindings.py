"""What gives a name its value: an assignment, a loop, an import, a class and so on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import libcst as cst

if TYPE_CHECKING:
    from reference.checker.script import Script


@dataclass(frozen=True, eq=False)
class Binding:
    """One place that gives a name its value.

    Attributes:
        name: the name there, or the class, function or import that has it.
        statement: the assignment, loop, import, class, function and so on.
        value: the expression to the right, which is iterated over if `iterated`; None where there
            is no such expression, as for an import.
        path: where in that value the name is: `(1,)` for b in `a, b = value`.
        iterated: whether the value is what a loop iterates over.
    """

    name: cst.CSTNode
    statement: cst.CSTNode
    value: cst.BaseExpression | None = None
    path: tuple[int, ...] = ()
    iterated: bool = False

    @property
    def expression(self) -> cst.BaseExpression | None:
        """The expression whose value the name has then; None if the code has no such expression."""
        if self.iterated or isinstance(self.statement, cst.AugAssign):
            return None
        value = self.value
        for index in self.path:
            if not isinstance(value, cst.Tuple | cst.List) or index >= len(value.elements):
                return None
            value = value.elements[index].value
        return value


def binding_of(script: Script, node: cst.CSTNode) -> Binding | None:
    """Return the binding that an assigned node is part of; None for what is not understood."""
    if isinstance(node, cst.ClassDef | cst.FunctionDef | cst.Import | cst.ImportFrom | cst.Param):
        return Binding(node, node)
    path: tuple[int, ...] = ()
    inner: cst.CSTNode = node
    for parent in script.parents(node):
        match parent:
            case cst.Tuple() | cst.List():
                path = (_index_of(parent, inner), *path)
            case cst.Element() | cst.AssignTarget() | cst.AsName():
                pass
            case cst.ImportAlias():
                pass
            case _:
                return _binding(node, parent, path)
        inner = parent
    return None


def _binding(node: cst.CSTNode, statement: cst.CSTNode, path: tuple[int, ...]) -> Binding | None:
    match statement:
        case cst.Assign() | cst.AnnAssign() | cst.AugAssign() | cst.NamedExpr():
            return Binding(node, statement, statement.value, path)
        case cst.For() | cst.CompFor():
            return Binding(node, statement, statement.iter, path, iterated=True)
        case cst.WithItem():
            return Binding(node, statement, statement.item, path)
        case cst.Import() | cst.ImportFrom() | cst.Param():
            return Binding(node, statement)
    return None


def _index_of(container: cst.Tuple | cst.List, element: cst.CSTNode) -> int:
    return next(i for i, child in enumerate(container.elements) if child is element)
