"""`--fix`: rewrite what the findings can rewrite with certainty."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import libcst as cst

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reference.checker.rule import Match, Replacement
    from reference.checker.script import Script


class _Replace(cst.CSTTransformer):
    """Replace nodes of a tree, found by identity."""

    def __init__(self, new: dict[cst.CSTNode, Replacement]) -> None:
        super().__init__()
        self.new = new

    def on_leave(self, original_node: cst.CSTNode, updated_node: cst.CSTNode) -> Any:  # noqa: ANN401
        return self.new.get(original_node, updated_node)


def fixed_code(script: Script, matches: Iterable[Match]) -> bytes:
    """Return a script's code, in its encoding, with the fixes of some findings.

    Of two fixes of which one is inside the other, only one is applied: check and fix again.
    """
    new: dict[cst.CSTNode, Replacement] = {}
    imports: set[str] = set()
    for match in matches:
        if match.fix and not any(_overlaps(script, old, new) for old in match.fix):
            new |= match.fix
            imports |= set(match.imports)
    module = script.module.visit(_Replace(new))
    return (_with_imports(module, imports) if imports else module).bytes


def _with_imports(module: cst.Module, names: set[str]) -> cst.Module:
    """Return a module with the `import` lines that are missing."""
    # as slow to import as the rest of LibCST, and rarely needed
    from libcst.codemod import CodemodContext
    from libcst.codemod.visitors import AddImportsVisitor

    context = CodemodContext()
    for name in sorted(names):
        AddImportsVisitor.add_needed_import(context, *_import(name))
    return AddImportsVisitor(context).transform_module(module)


def _import(text: str) -> tuple[str, str | None, str | None]:
    """Return the module, the name and the alias of an import; a module alone is imported."""
    match = re.fullmatch(r"from (\S+) import (\S+)|(?:import )?(\S+)(?: as (\S+))?", text)
    if match is None:
        raise ValueError(text)
    return match[1] or match[3], match[2], match[4]


def _overlaps(script: Script, old: cst.CSTNode, new: dict[cst.CSTNode, Replacement]) -> bool:
    around = {old, *script.parents(old)}
    return any(node in around or old in script.parents(node) for node in new)
