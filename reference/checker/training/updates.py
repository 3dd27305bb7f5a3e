"""The updates of a network: `zero_grad`, `backward` and `step` in the loops of a script."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

import libcst as cst

from reference.checker.kinds import OPTIMIZERS
from reference.checker.tree import argument

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reference.checker.script import Script

_METHODS = ("zero_grad", "backward", "step")


@dataclass(eq=False)
class Update:
    """What a loop does to a network, without the loops inside it.

    Attributes:
        loop: the loop.
        zero_grad, backward, step: the calls of these methods in it; `step` those of optimizers.
        names: all attributes in it, and in the functions of the script that it calls.
    """

    loop: cst.For | cst.While
    zero_grad: list[cst.Call] = field(default_factory=list)
    backward: list[cst.Call] = field(default_factory=list)
    step: list[cst.Call] = field(default_factory=list)
    names: set[str] = field(default_factory=set)


@lru_cache(maxsize=8)
def updates(script: Script) -> tuple[Update, ...]:
    """Return the updates of a script, one for each loop that has a part of one."""
    found: dict[cst.CSTNode, Update] = {}
    for call, on in script.method_calls(*_METHODS):
        loop = script.enclosing(call, cst.For, cst.While, cst.FunctionDef)
        if not isinstance(loop, cst.For | cst.While):
            continue
        update = found.setdefault(loop, Update(loop))
        method = call.func.attr.value if isinstance(call.func, cst.Attribute) else ""
        if method == "step":
            if is_optimizer(script, on) or _is_scaled_step(script, call):
                update.step.append(call)
        else:
            (update.backward if method == "backward" else update.zero_grad).append(call)
    for update in found.values():
        update.names = _names(script, update.loop)
    return tuple(found.values())


def is_optimizer(script: Script, node: cst.BaseExpression) -> bool:
    """Return whether an expression is an optimizer, or something unknown of that name."""
    of = script.types.of(node)
    if of:
        return bool(OPTIMIZERS.match(of))
    last = node.attr if isinstance(node, cst.Attribute) else node
    return isinstance(last, cst.Name) and last.value.lower().startswith("opt")


def optimizer_of(call: cst.Call) -> cst.BaseExpression | None:
    """Return the optimizer of `optimizer.step()` or of `scaler.step(optimizer)`."""
    scaled = argument(call, 0, "optimizer")
    if scaled is not None:
        return scaled
    return call.func.value if isinstance(call.func, cst.Attribute) else None


def line_of(script: Script, call: cst.Call) -> cst.SimpleStatementLine | None:
    """Return the line of a call that is a whole statement in the body of a loop or function."""
    statement = script.parent(call)
    line = script.parent(statement) if isinstance(statement, cst.Expr) else None
    if isinstance(line, cst.SimpleStatementLine) and len(line.body) == 1:
        return line
    return None


def block_of(script: Script, lines: Sequence[cst.CSTNode | None]) -> list[cst.CSTNode] | None:
    """Return the block that contains all of some lines; None if there is no such block."""
    blocks = {script.parent(line) if line else None for line in lines}
    block = blocks.pop() if len(blocks) == 1 else None
    return list(block.body) if isinstance(block, cst.IndentedBlock | cst.Module) else None


def _is_scaled_step(script: Script, call: cst.Call) -> bool:
    return bool(call.args) and is_optimizer(script, call.args[0].value)


def _names(script: Script, loop: cst.CSTNode) -> set[str]:
    names = {attribute.attr.value for attribute in script.within(loop, cst.Attribute)}
    for call in script.within(loop, cst.Call):
        binding = script.binding(call.func) if isinstance(call.func, cst.Name) else None
        if binding and isinstance(binding.statement, cst.FunctionDef):
            inner = script.within(binding.statement, cst.Attribute)
            names |= {attribute.attr.value for attribute in inner}
    return names
