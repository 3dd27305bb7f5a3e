"""Where a script records gradients, and where it switches that off."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from reference.checker.parameters import calls_of

if TYPE_CHECKING:
    from reference.checker.script import Script

_OFF = ("torch.no_grad", "torch.inference_mode", "torch.autograd.no_grad")


def records_gradients(script: Script, node: cst.CSTNode) -> bool:
    """Return whether code runs outside `torch.no_grad()` and the like.

    Code of a function counts as inside if all calls of it are, or if the function is decorated.
    """
    for parent in script.parents(node):
        if isinstance(parent, cst.With) and is_no_grad(script, parent):
            return False
        if isinstance(parent, cst.FunctionDef):
            if any(_is_off(script, d.decorator) for d in parent.decorators):
                return False
            calls = calls_of(script, parent)
            return not calls or any(records_gradients(script, call) for call in calls)
    return not any(_sets_off(script, call) for call in script.calls("torch.set_grad_enabled"))


def is_no_grad(script: Script, node: cst.With) -> bool:
    """Return whether a `with` statement switches gradients off."""
    return any(_is_off(script, item.item) for item in node.items)


def _is_off(script: Script, node: cst.BaseExpression) -> bool:
    """Return whether a context manager or decorator switches gradients off."""
    if isinstance(node, cst.Call) and script.name(node.func) == "torch.set_grad_enabled":
        return _sets_off(script, node)
    function = node.func if isinstance(node, cst.Call) else node
    # A name that the script does not import is another rule's mistake.
    return (script.name(function) or script.code(function)) in _OFF


def _sets_off(script: Script, call: cst.Call) -> bool:
    return bool(call.args) and script.literal(call.args[0].value) is not True
