"""Losses: which expressions are one, as a tensor, and what they are computed from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from reference.checker.kinds import LOSSES
from reference.checker.networks import created
from reference.checker.tree import argument

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reference.checker.script import Script

_FUNCTIONS = ("_loss", ".cross_entropy", ".binary_cross_entropy_with_logits", ".kl_div")


def loss_name(script: Script, call: cst.Call) -> str:
    """Return the name of the loss that a call computes, as of its class; empty for other calls.

    It is `CrossEntropyLoss` for `loss_fn(outputs, targets)` and for `F.cross_entropy(…)`.
    """
    of = script.types.of(call.func)
    if LOSSES.match(of):
        return of.rpartition(".")[2]
    name = script.name(call.func)
    if not name.startswith("torch.nn.functional.") or not name.endswith(_FUNCTIONS):
        return ""
    words = name.rpartition(".")[2].removesuffix("_loss").split("_")
    short = "".join({"l1": "L1", "mse": "MSE", "nll": "NLL"}.get(w, w.title()) for w in words)
    return f"{short}Loss"


def loss_calls(script: Script, *names: str) -> Iterator[tuple[cst.Call, str]]:
    """Yield the calls that compute a loss, with its name; all losses if no names are given."""
    for call in script.nodes(cst.Call):
        name = loss_name(script, call)
        if name and (not names or name in names):
            yield call, name


def operands(call: cst.Call) -> tuple[cst.BaseExpression, cst.BaseExpression] | None:
    """Return the input and the target of a call of a loss; None if they are not both given."""
    first, second = argument(call, 0, "input"), argument(call, 1, "target")
    return (first, second) if first is not None and second is not None else None


def reduction(script: Script, call: cst.Call) -> object:
    """Return the `reduction` of a loss that is called: `mean` by default, `...` if unknown."""
    given = argument(call, None, "reduction")
    if given is None and script.types.is_module(call.func):
        maker = created(script, call.func)
        if maker is None:
            return ...
        given = argument(maker, None, "reduction")
    return "mean" if given is None else script.literal(given)


def is_loss_tensor(script: Script, node: cst.BaseExpression) -> bool:
    """Return whether an expression is a loss as a tensor, or calculated from one.

    A loss is what a loss function returns, and a variable on which `backward()` is called.
    """
    if isinstance(node, cst.BinaryOperation):
        return is_loss_tensor(script, node.left) or is_loss_tensor(script, node.right)
    if has_backward(script, node):
        return True
    value = script.value(node)
    return isinstance(value, cst.Call) and bool(loss_name(script, value))


def has_backward(script: Script, node: cst.BaseExpression) -> bool:
    """Return whether an expression is a variable on whose value `backward()` is called."""
    binding = script.binding(node) if isinstance(node, cst.Name) else None
    if (
        binding is None
        or not isinstance(node, cst.Name)
        or script.types.of(node).startswith("builtins.")
    ):
        return False
    for name in script.accesses(node):
        use = script.parent(name)
        if isinstance(use, cst.Attribute) and use.attr.value == "backward":
            other = script.binding(name)
            if other is not None and other.name is binding.name:
                return True
    return False
