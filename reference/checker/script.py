"""A learner's script as the rules see it: its syntax tree, with names resolved.

LibCST parses the code and resolves names through imports and scopes. This module adds what most
rules ask for: all nodes of a type, the parents of a node, the full name of what an expression
refers to, and the value that a name has at a place.
"""

from __future__ import annotations

import operator
from bisect import bisect_right
from collections import defaultdict
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, TypeVar, cast

import libcst as cst
from libcst.metadata import (
    Assignment,
    BuiltinScope,
    CodeRange,
    MetadataWrapper,
    PositionProvider,
    QualifiedNameSource,
    Scope,
    ScopeProvider,
)

from reference.checker.bindings import Binding, binding_of
from reference.checker.names import canonical
from reference.checker.parameters import passed
from reference.checker.tree import children
from reference.checker.types import Types

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from packaging.version import Version

    from reference.checker.project import Project

Node = TypeVar("Node", bound=cst.CSTNode)
_OPERATORS = {cst.Add: operator.add, cst.Subtract: operator.sub, cst.Multiply: operator.mul}


class Script:
    """A parsed file.

    Args:
        code: the text of the file; of a notebook, its cells joined.
        path: where it is.
        project: the scripts beside it.
        torch: the version of torch that it will run on.

    Raises:
        libcst.ParserSyntaxError: the code cannot be parsed.
    """

    def __init__(self, code: str | bytes, path: Path, project: Project, torch: Version) -> None:
        self.path = path
        self.project = project
        self.torch = torch
        wrapper = MetadataWrapper(cst.parse_module(code), unsafe_skip_copy=True)
        self.module = wrapper.module
        # module.code is the same, and builds it from the tree anew each time.
        text = code if isinstance(code, str) else code.decode(self.module.encoding)
        self.text = text.removeprefix("\N{BYTE ORDER MARK}")
        # Both first and together: each call that computes any walks through the tree once for them,
        # and once for those that they depend on.
        wrapper.resolve_many([PositionProvider, ScopeProvider])
        self._positions = wrapper.resolve(PositionProvider)
        self._scopes = wrapper.resolve(ScopeProvider)
        self._parents: dict[cst.CSTNode, cst.CSTNode] = {}
        self._numbers: dict[cst.CSTNode, tuple[int, int]] = {}  # of a node and the last one in it
        self._by_type: dict[type, list[cst.CSTNode]] = defaultdict(list)
        self._index(self.module)
        self._literals: dict[cst.CSTNode, object] = {}
        self._names: dict[cst.CSTNode, str] = {}
        self._bindings: dict[tuple[Scope, str], list[Binding]] = {}
        self.types = Types(self)

    def _index(self, node: cst.CSTNode) -> None:
        number = len(self._numbers)
        self._numbers[node] = number, number
        self._by_type[type(node)].append(node)
        for child in children(node):
            self._parents[child] = node
            self._index(child)
        self._numbers[node] = number, len(self._numbers) - 1

    # Places

    def nodes(self, kind: type[Node]) -> list[Node]:
        """Return all nodes of exactly a type, in the order of the code."""
        return cast("list[Node]", self._by_type[kind])

    def within(self, root: cst.CSTNode, kind: type[Node]) -> Iterator[Node]:
        """Yield the nodes of exactly a type below a node, in the order of the code."""
        first, last = self._numbers[root]
        nodes = self.nodes(kind)
        start = bisect_right(nodes, first, key=lambda node: self._numbers[node][0])
        for node in islice(nodes, start, None):
            if self._numbers[node][0] > last:
                break
            yield node

    def parent(self, node: cst.CSTNode) -> cst.CSTNode | None:
        """Return the node that contains a node; None for the module."""
        return self._parents.get(node)

    def parents(self, node: cst.CSTNode) -> Iterator[cst.CSTNode]:
        """Yield the nodes around a node, from the inside."""
        while (parent := self._parents.get(node)) is not None:
            yield parent
            node = parent

    def enclosing(self, node: cst.CSTNode, *kinds: type[Node]) -> Node | None:
        """Return the innermost node of some types around a node."""
        return next((p for p in self.parents(node) if isinstance(p, kinds)), None)

    def position(self, node: cst.CSTNode) -> CodeRange:
        """Return where a node starts and ends; lines from 1, columns from 0."""
        return self._positions[node]

    def line(self, node: cst.CSTNode) -> int:
        """Return the line on which a node starts, from 1."""
        return self._positions[node].start.line

    def before(self, first: cst.CSTNode, second: cst.CSTNode) -> bool:
        """Return whether a node starts before another one."""
        a, b = self._positions[first].start, self._positions[second].start
        return (a.line, a.column) < (b.line, b.column)

    def code(self, node: cst.CSTNode) -> str:
        """Return a node's code."""
        return self.module.code_for_node(node).strip()

    # Names

    def scope(self, node: cst.CSTNode) -> Scope | None:
        """Return the scope in which a node's names are resolved."""
        scope = self._scopes.get(node)
        while scope is None and (parent := self._parents.get(node)) is not None:
            node, scope = parent, self._scopes.get(parent)
        return scope

    @cached_property
    def scopes(self) -> set[Scope]:
        """The scopes of the module, and of its functions, classes and comprehensions."""
        return {scope for scope in self._scopes.values() if scope is not None}

    def name(self, node: cst.CSTNode | None) -> str:
        """Return the full name of what a name, a dotted name or a call's function refers to.

        Returns:
            `torch.nn.Conv2d` for `nn.Conv2d` after `from torch import nn`; `Tudui` for a class of
            this script; `builtins.len` for `len`; empty if the name is unknown, for example after
            a star import from an unknown module, and for other expressions.
        """
        if not isinstance(node, cst.Name | cst.Attribute):
            return ""
        if node not in self._names:
            self._names[node] = self._full_name(node)
        return self._names[node]

    def _full_name(self, node: cst.Name | cst.Attribute) -> str:
        if isinstance(node, cst.Attribute):
            base = self.name(node.value)
            return canonical(f"{base}.{node.attr.value}") if base else ""
        scope = self.scope(node)
        names = scope.get_qualified_names_for(node) if scope else set()
        if not names:
            return canonical(self._star_names.get(node.value, ""))
        # After `transforms = transforms.Compose(…)` the name is both; the import tells more.
        found = min(names, key=lambda n: (n.source is not QualifiedNameSource.IMPORT, n.name))
        return canonical(found.name.replace(".<locals>", ""))

    def global_name(self, name: str) -> str:
        """Return the full name of a global name, as another script sees it that imports it."""
        scope = self.scope(self.module)
        for found in scope.get_qualified_names_for(name) if scope else ():
            local = found.source is QualifiedNameSource.LOCAL
            return f"{self.path.stem}.{found.name}" if local else found.name
        return self._star_names.get(name, "")

    @cached_property
    def _star_names(self) -> dict[str, str]:
        """The names that `from module import *` defines, where the module is known."""
        names: dict[str, str] = {}
        for statement in self.nodes(cst.ImportFrom):
            if isinstance(statement.names, cst.ImportStar):
                names |= self.project.star_names(self, statement)
        return names

    def calls(self, *names: str) -> Iterator[cst.Call]:
        """Yield the calls of functions or classes with a full name, such as `torch.load`."""
        yield from (call for name, call in self.named_calls if name in names)

    @cached_property
    def named_calls(self) -> list[tuple[str, cst.Call]]:
        """The calls with the full names of their functions, which nearly all rules ask for."""
        return [(self.name(call.func), call) for call in self.nodes(cst.Call)]

    def method_calls(self, *methods: str) -> Iterator[tuple[cst.Call, cst.BaseExpression]]:
        """Yield the calls `x.method(…)` and the expression `x`, whatever its type."""
        for call in self.nodes(cst.Call):
            if isinstance(call.func, cst.Attribute) and call.func.attr.value in methods:
                yield call, call.func.value

    # Values

    def binding(self, name: cst.Name) -> Binding | None:
        """Return the binding that a name has where it is read: the last one above, by lines.

        In a function, a name of an outer scope has its last binding there.
        """
        bindings = self.bindings(name)
        if bindings and self.scope(bindings[0].name) is not self.scope(name):
            return bindings[-1]
        return next((b for b in reversed(bindings) if self._reaches(b, name)), None)

    def _reaches(self, binding: Binding, name: cst.Name) -> bool:
        if isinstance(binding.statement, cst.CompFor):
            return True  # in `[f(x) for x in xs]`, the x that is read stands before its binding
        # An assignment binds its name at its end: the x that `x = f(x)` reads is another one.
        whole = isinstance(binding.statement, cst.Assign | cst.AnnAssign | cst.AugAssign)
        end = self._positions[binding.statement if whole else binding.name].end
        start = self._positions[name].start
        return (end.line, end.column) <= (start.line, start.column)

    def bindings(self, name: cst.Name) -> list[Binding]:
        """Return all bindings of a name in its scope, in the order of the code."""
        scope = self.scope(name)
        if scope is None or name.value not in scope:
            return []
        if (scope, name.value) not in self._bindings:
            self._bindings[scope, name.value] = self._sorted_bindings(scope, name.value)
        return self._bindings[scope, name.value]

    def _sorted_bindings(self, scope: Scope, name: str) -> list[Binding]:
        found = [
            binding_of(self, assignment.node)
            for assignment in scope[name]
            if isinstance(assignment, Assignment) and not isinstance(assignment.scope, BuiltinScope)
        ]
        places = {b.name: self._positions[b.name].start for b in found if b}
        return sorted(
            (b for b in found if b), key=lambda b: (places[b.name].line, places[b.name].column)
        )

    def accesses(self, name: cst.Name) -> list[cst.Name]:
        """Return the places that read the variable that a name binds or reads."""
        scope = self.scope(name)
        if scope is None or name.value not in scope:
            return []
        nodes = {
            access.node
            for assignment in scope[name.value]
            for access in assignment.references
            if isinstance(access.node, cst.Name)
        }
        return sorted(nodes, key=lambda n: (self.line(n), self._positions[n].start.column))

    def value(self, node: cst.BaseExpression) -> cst.BaseExpression:
        """Return the expression whose value an expression has: names followed to what they are."""
        seen: set[cst.CSTNode] = set()
        while isinstance(node, cst.Name) and node not in seen:
            seen.add(node)
            binding = self.binding(node)
            if binding is not None and isinstance(binding.statement, cst.Param):
                values = passed(self, binding.statement)
                if len(values) != 1:
                    return node
                node = values[0]
            elif binding is None or binding.expression is None:
                return node
            else:
                node = binding.expression
        return node

    def literal(self, node: cst.BaseExpression | None) -> object:
        """Return the value of a literal, or of a name that is one; `...` for anything else.

        The product of literals counts as one: `Linear(64*4*4, 64)`.
        """
        if node is None:
            return ...
        if node not in self._literals:
            self._literals[node] = ...  # while it is looked for: a function may call itself
            self._literals[node] = self._literal(node)
        return self._literals[node]

    def _literal(self, node: cst.BaseExpression) -> object:
        node = self.value(node)
        if isinstance(node, cst.Name) and node.value in ("True", "False", "None"):
            return {"True": True, "False": False, "None": None}[node.value]
        if isinstance(node, cst.UnaryOperation | cst.BinaryOperation):
            return self._calculated(node)
        if isinstance(node, cst.Tuple | cst.List):
            return [self.literal(element.value) for element in node.elements]
        if isinstance(node, cst.Integer | cst.Float | cst.SimpleString | cst.ConcatenatedString):
            return node.evaluated_value
        return ...

    def _calculated(self, node: cst.UnaryOperation | cst.BinaryOperation) -> object:
        if isinstance(node, cst.UnaryOperation):
            value = self.literal(node.expression)
            if isinstance(node.operator, cst.Minus) and isinstance(value, int | float):
                return -value
            return ...
        left, right = self.literal(node.left), self.literal(node.right)
        calculate = _OPERATORS.get(type(node.operator))
        if calculate and isinstance(left, int) and isinstance(right, int):
            return calculate(left, right)
        return ...
