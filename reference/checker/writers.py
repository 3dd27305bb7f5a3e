"""The SummaryWriters of a script: where each is made and what is done with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import libcst as cst

from reference.checker.blocks import block, statement
from reference.checker.kinds import WRITERS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reference.checker.bindings import Binding
    from reference.checker.script import Script


@dataclass(frozen=True, eq=False)
class Writer:
    """A SummaryWriter that is assigned to a name or an attribute.

    Attributes:
        call: `SummaryWriter(…)`.
        target: what it is assigned to.
        uses: the attributes `writer.add_scalar` and so on, in the order of the code; of a name that
            is assigned again, those up to there.
        passed_on: the other places that read it: arguments, `return`, other names.
        replaced: the statement that assigns another value to the name in the same block.
    """

    call: cst.Call
    target: cst.Name | cst.Attribute
    uses: tuple[cst.Attribute, ...]
    passed_on: tuple[cst.CSTNode, ...] = ()
    replaced: cst.CSTNode | None = None

    def methods(self, *names: str) -> list[cst.Attribute]:
        """Return the uses of some methods."""
        return [use for use in self.uses if use.attr.value in names]

    @property
    def writes(self) -> list[cst.Attribute]:
        """The uses that write: `add_scalar` and so on."""
        return [use for use in self.uses if use.attr.value.startswith("add_")]


def writers(script: Script) -> Iterator[Writer]:
    """Yield the writers of a script that are assigned; not those of a `with` statement."""
    for call in script.calls(*WRITERS):
        value = script.parent(call)
        assign = script.parent(value) if isinstance(value, cst.IfExp) else value
        if isinstance(assign, cst.Assign) and len(assign.targets) == 1:
            target = assign.targets[0].target
        elif isinstance(assign, cst.AnnAssign):
            target = assign.target
        else:
            continue
        if isinstance(target, cst.Name):
            yield _named(script, call, target)
        elif isinstance(target, cst.Attribute):
            name = target.attr.value
            uses = (
                node
                for node in script.nodes(cst.Attribute)
                if isinstance(node.value, cst.Attribute) and node.value.attr.value == name
            )
            yield Writer(call, target, tuple(uses))


def _named(script: Script, call: cst.Call, target: cst.Name) -> Writer:
    after = [b for b in script.bindings(target) if script.before(target, b.name)]
    replaced = next((b for b in after if block(script, b.name) is block(script, target)), None)
    uses, passed_on = [], []
    for name in script.accesses(target):
        if not _reads(script, name, target, replaced):
            continue
        parent = script.parent(name)
        if isinstance(parent, cst.Attribute):
            uses.append(parent)
        else:
            passed_on.append(name)
    new = statement(script, replaced.statement) if replaced else None
    return Writer(call, target, tuple(uses), tuple(passed_on), new)


def _reads(script: Script, name: cst.Name, target: cst.Name, replaced: Binding | None) -> bool:
    """Return whether a name that is read there has the value that it was given at `target`."""
    if script.scope(name) is not script.scope(target):
        return True  # in a function, which may be called at any time
    return script.before(target, name) and not (replaced and script.before(replaced.name, name))
