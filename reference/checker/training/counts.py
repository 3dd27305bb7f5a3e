"""Counts of correct predictions: `(outputs.argmax(1) == targets).sum()` and sums of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import libcst as cst

if TYPE_CHECKING:
    from reference.checker.bindings import Binding
    from reference.checker.script import Script

MAX_DEPTH = 10  # variables that are defined by others
_SAME_COUNT = {"item", "float", "int", "cpu", "long", "double", "type", "to", "detach"}


def is_count(script: Script, node: cst.BaseExpression) -> bool:
    """Return whether an expression is a number of equal elements, or a sum of such numbers.

    It is one for `(outputs.argmax(1) == targets).sum()`, and for a variable that starts at 0 and
    to which only such numbers are added.
    """
    return _Reduced(script, "sum").is_one(node)


def is_sum_of_means(script: Script, node: cst.BaseExpression) -> bool:
    """Return whether an expression is a variable to which the accuracy of each batch is added."""
    if not isinstance(node, cst.Name) or not _Reduced(script, "mean").is_one(node):
        return False
    found = [(b.statement, b.value) for b in script.bindings(node)]
    return any(isinstance(s, cst.AugAssign) or isinstance(v, cst.BinaryOperation) for s, v in found)


@dataclass(frozen=True)
class _Reduced:
    """Expressions that are the `sum` or the `mean` of a comparison, or sums of these."""

    script: Script
    reduction: str

    def is_one(self, node: cst.BaseExpression, depth: int = 0) -> bool:
        match node:
            case cst.Name():
                return depth < MAX_DEPTH and self._is_variable(node, depth + 1)
            case cst.Call(func=cst.Attribute(value=inner, attr=cst.Name(value=method))):
                if method != self.reduction:
                    return method in _SAME_COUNT and self.is_one(inner, depth)
                operands = [inner, *(arg.value for arg in node.args[:1])]  # x.sum(), torch.sum(x)
                return any(self._is_comparison(operand) for operand in operands)
            case cst.Call(func=cst.Name("int" | "float"), args=[cst.Arg(value=inner)]):
                return self.is_one(inner, depth)
            case cst.Call(func=cst.Name("sum"), args=[cst.Arg(value=inner)]):
                return self.reduction == "sum" and self._is_comparison(inner)
        return False

    def _is_comparison(self, node: cst.BaseExpression) -> bool:
        """Return whether an expression compares each element: `a == b`, `torch.eq(a, b)`."""
        match self.script.value(node):
            case cst.Comparison(comparisons=[cst.ComparisonTarget(operator=cst.Equal())]):
                return True
            case cst.Call(func=cst.Attribute(value=inner, attr=cst.Name(value=method))):
                return method == "eq" or (method in _SAME_COUNT and self._is_comparison(inner))
        return False

    def _is_variable(self, node: cst.Name, depth: int) -> bool:
        """Return whether only such numbers are assigned and added to a variable, and zeros."""
        values = [self._added(node, binding, depth) for binding in self.script.bindings(node)]
        return all(value is not None for value in values) and any(values)

    def _added(self, node: cst.Name, binding: Binding, depth: int) -> bool | None:
        """Return whether a binding adds such a number; False if it assigns 0, None otherwise."""
        value, statement = binding.value, binding.statement
        if value is None or binding.path or binding.iterated:
            return None
        if isinstance(statement, cst.AugAssign):
            is_sum = isinstance(statement.operator, cst.AddAssign)
            return (is_sum and self.is_one(value, depth)) or None
        if isinstance(value, cst.BinaryOperation):
            return self._adds(node, value, depth) or None
        if self.is_one(value, depth):
            return True
        return False if self.script.literal(value) in (0, 0.0) else None

    def _adds(self, node: cst.Name, value: cst.BinaryOperation, depth: int) -> bool:
        """Return whether a value is the variable itself plus such a number."""
        sides = (value.left, value.right)
        names = [s for s in sides if isinstance(s, cst.Name) and s.value == node.value]
        rest = [s for s in sides if s not in names]
        is_sum = isinstance(value.operator, cst.Add) and len(names) == 1
        return is_sum and self.is_one(rest[0], depth)
