"""Names that are read above the line that gives them their first value."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst
from libcst.metadata import Assignment, FunctionScope, GlobalScope

from reference.checker.blocks import loop
from reference.checker.python.undefined import is_tried, other_names

if TYPE_CHECKING:
    from collections.abc import Iterator

    from libcst.metadata import Scope

    from reference.checker.script import Script


def defined_later(script: Script) -> Iterator[tuple[cst.Name, cst.CSTNode]]:
    """Yield the names that are read before the first definition, and that definition.

    In the module, a function's body is not considered: it runs when the function is called. In a
    function, the names that it assigns itself are.
    """
    known = other_names(script)
    if script.path.suffix == ".ipynb" or known is None:
        return  # cells may be run in another order
    # `x += 1` reads x, too.
    increased = {a.target for a in script.nodes(cst.AugAssign) if isinstance(a.target, cst.Name)}
    for scope in script.scopes:
        if not isinstance(scope, GlobalScope | FunctionScope):
            continue
        reads = {a.node for a in scope.accesses if not a.is_annotation} | increased
        for name, definitions in _definitions(script, scope).items():
            if name in known and isinstance(scope, GlobalScope):
                continue  # one of Python's own, or of a star import, before
            first = script.position(definitions[0]).start.line
            for read in reads:
                if (
                    isinstance(read, cst.Name)
                    and read.value == name
                    and script.line(read) <= first
                    and script.scope(read) is scope
                    and not any(_may_precede(script, node, read) for node in definitions)
                    and not is_tried(script, read)
                ):
                    yield read, definitions[0]


def _definitions(script: Script, scope: Scope) -> dict[str, list[cst.CSTNode]]:
    """Return the places in a scope that define its names, in the order of the code."""
    found: dict[str, list[cst.CSTNode]] = {}
    for assignment in scope.assignments:
        if isinstance(assignment, Assignment) and assignment.scope is scope:
            found.setdefault(assignment.name, []).append(assignment.node)
    return {name: sorted(nodes, key=lambda n: _start(script, n)) for name, nodes in found.items()}


def _may_precede(script: Script, definition: cst.CSTNode, name: cst.Name) -> bool:
    """Return whether a definition may have run when a name is read."""
    if script.scope(definition) is not script.scope(name) and not isinstance(
        definition, cst.FunctionDef | cst.ClassDef | cst.Import | cst.ImportFrom
    ):
        return True  # `global` in a function, or a comprehension
    around = list(script.parents(name))
    statement = next((p for p in around if isinstance(p, cst.Assign | cst.AugAssign)), None)
    own = statement is not None and definition in _targets(script, statement)
    if not own and _start(script, definition) < _start(script, name):
        return True
    inner = loop(script, definition)
    return inner is not None and inner in around and not own


def _targets(script: Script, statement: cst.Assign | cst.AugAssign) -> set[cst.CSTNode]:
    """Return the names that a statement assigns, and what they are part of."""
    targets: list[cst.CSTNode] = (
        [statement.target]
        if isinstance(statement, cst.AugAssign)
        else [target.target for target in statement.targets]
    )
    return {node for target in targets for node in (target, *script.within(target, cst.Name))}


def _start(script: Script, node: cst.CSTNode) -> tuple[int, int]:
    start = script.position(node).start
    return start.line, start.column
