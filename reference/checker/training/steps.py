"""The calls that log to TensorBoard: tag, value, step, and the loops around them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import libcst as cst

from reference.checker.training.loops import Loop, loops_around
from reference.checker.tree import argument

if TYPE_CHECKING:
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
    if not isinstance(log.writer, cst.Name):
        return False
    return any(loop in script.parents(b.name) for b in script.bindings(log.writer))
