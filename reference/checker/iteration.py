"""What a `for` loop iterates over, through `enumerate`, `tqdm` and the like."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

if TYPE_CHECKING:
    from reference.checker.script import Script

_SAME_ITEMS = ("builtins.list", "builtins.iter", "builtins.tuple", "builtins.reversed")


def iterated(
    script: Script, value: cst.BaseExpression, path: tuple[int, ...] = ()
) -> tuple[cst.BaseExpression | None, tuple[int, ...]]:
    """Return what a loop over a value takes its items from, and where in an item a name is.

    Args:
        script: the script.
        value: what follows `in`.
        path: where in the loop's target the name is.

    Returns:
        For `x` in `for i, (x, y) in enumerate(tqdm(loader))`, `loader` and `(0,)`; for `i`, None
        and `()`.
    """
    while isinstance(call := script.value(value), cst.Call) and call.args:
        name = script.name(call.func)
        if name == "builtins.enumerate":
            if path[:1] == (0,):
                return None, ()
            path = path[1:]
        elif name not in _SAME_ITEMS and not name.lower().endswith(("tqdm", ".trange", ".track")):
            break
        value = call.args[0].value
    return value, path
