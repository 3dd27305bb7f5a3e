"""The calls that log to TensorBoard: tag, value, step, and the loops around them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import libcst as cst

from reference.checker.iteration import iterated
from reference.checker.training.loops import Loop, loops_around
from reference.checker.tree import argument

if TYPE_CHECKING:
    from reference.checker.bindings import Binding
    from reference.checker.script import Script

# Of each method: the name and the position of the value and of the step.
_ARGUMENTS = {
    "add_scalar": ("scalar_value", 2),
    "add_image": ("img_tensor", 2),
    "add_images": ("img_tensor", 2),
    "add_histogram": ("values", 2),
}


@dataclass(frozen=True, eq=False)
class Log:
    """A call such as `writer.add_scalar(tag, value, step)`.

    Attributes:
        call: the call.
        writer: the expression before the method's name.
        method: the method's name.
        tag, value, step: the arguments; `step` is None if it is not given.
        loops: the loops around it, from the inside.
    """

    call: cst.Call
    writer: cst.BaseExpression
    method: str
    tag: cst.BaseExpression
    value: cst.BaseExpression
    step: cst.BaseExpression | None
    loops: tuple[Loop, ...]


@lru_cache(maxsize=8)
def logs(script: Script) -> tuple[Log, ...]:
    """Return the calls of a script that log, in the order of the code."""
    found = []
    for call, writer in script.method_calls(*_ARGUMENTS):
        method = call.func.attr.value if isinstance(call.func, cst.Attribute) else ""
        name, position = _ARGUMENTS[method]
        tag, value = argument(call, 0, "tag"), argument(call, 1, name)
        if tag is not None and value is not None:
            step = argument(call, position, "global_step")
            loops = tuple(loops_around(script, call))
            found.append(Log(call, writer, method, tag, value, step, loops))
    return tuple(found)


def is_own_writer(script: Script, log: Log, loop: Loop) -> bool:
    """Return whether each round of a loop has another writer."""
    return loop in script.parents(script.value(log.writer))


def names_in(script: Script, node: cst.BaseExpression) -> list[cst.Name]:
    """Return the variables that an expression reads."""
    names = [n for n in (node, *script.within(node, cst.Name)) if isinstance(n, cst.Name)]
    return [name for name in names if script.bindings(name)]


def is_bound_in(script: Script, node: cst.BaseExpression, loop: Loop) -> bool:
    """Return whether a variable of an expression is a parameter, or gets its value in a loop."""
    bindings = [b for name in names_in(script, node) for b in script.bindings(name)]
    return any(
        isinstance(b.statement, cst.Param) or loop in (b.statement, *script.parents(b.name))
        for b in bindings
    )


def restarts_in(script: Script, name: cst.Name, inner: Loop, outer: Loop) -> bool:
    """Return whether a variable counts the rounds of a loop, from the start in each outer round.

    It does if it comes from `enumerate`, or if it is set to a number in the outer loop, before the
    inner one, in which it is increased.
    """
    bindings = script.bindings(name)
    last = script.binding(name)
    if last is not None and last.iterated and last.statement is inner and last.value is not None:
        return iterated(script, last.value, last.path)[0] is None
    starts = [b for b in bindings if not is_increment(script, name, b)]
    inside = [b for b in bindings if b not in starts and inner in script.parents(b.name)]
    return bool(inside and starts) and all(
        outer in script.parents(b.name)
        and inner not in script.parents(b.name)
        and script.before(b.name, inner)
        and isinstance(script.literal(b.value), int)
        for b in starts
    )


def is_increment(script: Script, name: cst.Name, binding: Binding) -> bool:
    """Return whether a binding adds a number to a variable: `step += 1`, `step = step + 1`."""
    value = binding.value
    if isinstance(binding.statement, cst.AugAssign):
        return isinstance(script.literal(value), int)
    if not isinstance(value, cst.BinaryOperation) or not isinstance(value.operator, cst.Add):
        return False
    sides = (value.left, value.right)
    has_name = any(isinstance(side, cst.Name) and side.value == name.value for side in sides)
    return has_name and any(isinstance(side, cst.Integer) for side in sides)


def literal_range(script: Script, node: cst.BaseExpression | None) -> range | None:
    """Return the range that an expression is, if its numbers are literals."""
    source = script.value(node) if node is not None else None
    if not isinstance(source, cst.Call) or script.name(source.func) != "builtins.range":
        return None
    values = [script.literal(arg.value) for arg in source.args]
    numbers = [value for value in values if isinstance(value, int)]
    return range(*numbers) if numbers and len(numbers) == len(values) else None


def rounds(script: Script, loop: Loop) -> int | None:
    """Return how often a loop over `range` runs, if a literal says so."""
    found = literal_range(script, loop.iter) if isinstance(loop, cst.For) else None
    return len(found) if found is not None else None
