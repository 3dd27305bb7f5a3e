"""How a value is used: as a network, as a dict of weights, or as data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import libcst as cst

from reference.checker.flow import places

if TYPE_CHECKING:
    from reference.checker.script import Script

Use = Literal["network", "dict", "data", ""]

_OF_NETWORKS = {
    "eval", "train", "forward", "parameters", "named_parameters", "modules", "named_modules",
    "children", "named_children", "state_dict", "zero_grad", "add_module", "load_state_dict",
    "classifier", "features", "fc",
}  # fmt: skip
_OF_DICTS = {"keys", "items", "values", "get", "pop", "update"}
_OF_DATA = {"shape", "size", "view", "reshape", "numpy", "dim", "mean", "item", "detach"}
_TAKE_NETWORKS = {
    "torch.nn.Sequential", "torch.nn.DataParallel", "torchsummary.summary", "torchinfo.summary",
    "torch.jit.trace", "torch.jit.script", "torch.onnx.export", "torch.compile",
}  # fmt: skip


def use_of(script: Script, node: cst.BaseExpression) -> Use:
    """Return how the value of an expression is used in a script; empty if that does not show."""
    uses = [use for place in places(script, node) if (use := _use_at(script, place))]
    return "network" if "network" in uses else next(iter(uses), "")


def is_used_as_network(script: Script, variable: cst.Name) -> bool:
    """Return whether a variable, such as a function's parameter, is used as a network."""
    return any(_use_at(script, name) == "network" for name in script.accesses(variable))


def _use_at(script: Script, node: cst.BaseExpression) -> Use:
    parent = script.parent(node)
    match parent:
        case cst.Call() if parent.func is node:
            return "network"
        case cst.Attribute() if parent.value is node:
            return _use_of_attribute(parent.attr.value)
        case cst.Subscript() if parent.value is node:
            return "network" if use_of(script, parent) == "network" else "dict"
        case cst.Arg():
            call = script.parent(parent)
            return _use_as_argument(script, call) if isinstance(call, cst.Call) else ""
        case _:
            return ""


def _use_of_attribute(name: str) -> Use:
    if name in _OF_NETWORKS:
        return "network"
    if name in _OF_DICTS:
        return "dict"
    return "data" if name in _OF_DATA else ""


def _use_as_argument(script: Script, call: cst.Call) -> Use:
    method = call.func.attr.value if isinstance(call.func, cst.Attribute) else ""
    if method == "load_state_dict":
        return "dict"
    takes_network = method == "add_graph" or script.name(call.func) in _TAKE_NETWORKS
    return "network" if takes_network else ""
