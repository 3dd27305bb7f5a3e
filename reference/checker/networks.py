"""The parts of networks: their classes, their forward, the layers that they create."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from reference.checker.kinds import MODULES
from reference.checker.tree import argument

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reference.checker.script import Script

_ADDING = {"add_module", "append", "insert", "extend"}
_SAME_NETWORK = {"to", "cuda", "cpu", "train", "eval", "float", "double", "half", "apply"}


def module_class(script: Script, node: cst.BaseExpression) -> tuple[Script, cst.ClassDef] | None:
    """Return the learner's class that a network has, and the script that defines it."""
    of = script.types.of(node)
    if not of or MODULES.match(of) or not script.types.is_module_type(of):
        return None
    return script.project.class_def(script, of)


def classes(script: Script) -> list[cst.ClassDef]:
    """Return the classes of networks that a script defines."""
    return [
        node
        for node in script.nodes(cst.ClassDef)
        if any(script.types.is_module_type(script.name(base.value)) for base in node.bases)
    ]


def method(owner: cst.ClassDef, name: str) -> cst.FunctionDef | None:
    """Return a method of a class; None if it has none or several of that name."""
    found = [n for n in owner.body.body if isinstance(n, cst.FunctionDef) and n.name.value == name]
    return found[0] if len(found) == 1 else None


def self_name(function: cst.FunctionDef) -> str:
    """Return the name of a method's first parameter, usually `self`."""
    params = function.params.params
    return params[0].name.value if params else ""


def self_attribute(script: Script, node: cst.CSTNode | None) -> str:
    """Return `x` for `self.x` in a method; empty for anything else."""
    if not isinstance(node, cst.Attribute) or not isinstance(node.value, cst.Name):
        return ""
    function = script.enclosing(node, cst.FunctionDef)
    if function is None or not isinstance(script.enclosing(function, cst.ClassDef), cst.ClassDef):
        return ""
    return node.attr.value if node.value.value == self_name(function) else ""


def assignments(script: Script, owner: cst.ClassDef, name: str) -> list[cst.Assign]:
    """Return the assignments to `self.name` in a class."""
    return [
        assign
        for assign in script.within(owner, cst.Assign)
        for target in assign.targets
        if self_attribute(script, target.target) == name
    ]


def created(script: Script, node: cst.BaseExpression) -> cst.Call | None:
    """Return the call that creates a network or layer: `Conv2d(…)`, `Tudui()`.

    Names are followed, `self.conv1` too, and `Tudui().to(device)`. None if there are several.
    """
    for _ in range(20):
        node = script.value(node)
        if isinstance(node, cst.Attribute):
            owner = script.enclosing(node, cst.ClassDef)
            name = self_attribute(script, node)
            found = assignments(script, owner, name) if owner and name else []
            if len(found) != 1:
                return None
            node = found[0].value
        elif not isinstance(node, cst.Call):
            return None
        elif isinstance(node.func, cst.Attribute) and node.func.attr.value in _SAME_NETWORK:
            node = node.func.value
        else:
            return node if script.types.is_module(node) else None
    return None


def is_changed(script: Script, network: cst.BaseExpression) -> bool:
    """Return whether a script replaces or adds layers of a network: `net.fc = …`, `net[0] = …`."""
    for name in script.accesses(network) if isinstance(network, cst.Name) else ():
        outer: cst.CSTNode = name
        while isinstance(parent := script.parent(outer), cst.Attribute | cst.Subscript):
            outer = parent
        is_method = isinstance(parent, cst.Call) and isinstance(outer, cst.Attribute)
        if is_method and isinstance(outer, cst.Attribute) and outer.attr.value in _ADDING:
            return True
        if isinstance(parent, cst.AssignTarget) and outer is not name:
            return True
    return False


def sequence(script: Script, call: cst.Call) -> list[cst.BaseExpression] | None:
    """Return the layers of `Sequential(…)` in order; None if they cannot be listed."""
    if any(arg.star or arg.keyword for arg in call.args):
        return None
    layers = [arg.value for arg in call.args]
    if len(layers) == 1 and script.name(_function(layers[0])) == "collections.OrderedDict":
        return _ordered(script, layers[0])
    return layers


def last_step(script: Script, node: cst.BaseExpression) -> tuple[Script, cst.BaseExpression] | None:
    """Return what a network does last, with the script that says so.

    It is the call that creates the last layer, such as `nn.Linear(64, 10)`, or that of a function
    or method at the end of forward, such as `F.relu(x)`. None if it is not known.
    """
    for _ in range(20):
        call = created(script, node)
        if call is None:
            return None
        if script.types.of(call) == "torch.nn.Sequential":
            layers = sequence(script, call)
            if not layers or is_changed(script, node):
                return None
            node = layers[-1]
            continue
        found = module_class(script, call)
        if found is None:
            return script, call
        script, owner = found
        forward = method(owner, "forward")
        returns = list(script.within(forward, cst.Return)) if forward else []
        value = script.value(returns[0].value) if len(returns) == 1 and returns[0].value else None
        if not isinstance(value, cst.Call):
            return None
        if not script.types.is_module(value.func):
            return script, value
        node = value.func
    return None


def first_step(script: Script, node: cst.BaseExpression) -> tuple[Script, cst.Call] | None:
    """Return the call that creates the layer which gets the input of a network, and its script."""
    for _ in range(20):
        call = created(script, node)
        if call is None:
            return None
        if script.types.of(call) == "torch.nn.Sequential":
            layers = sequence(script, call)
            if not layers or is_changed(script, node):
                return None
            node = layers[0]
            continue
        found = module_class(script, call)
        if found is None:
            return script, call
        script, owner = found
        forward = method(owner, "forward")
        params = forward.params.params if forward else ()
        calls = list(script.within(forward, cst.Call)) if forward else []
        uses = [c for c in calls if c.args and _is_param(script, c.args[0].value, params[1:])]
        if len(uses) != 1 or not script.types.is_module(uses[0].func):
            return None
        node = uses[0].func
    return None


def _is_param(script: Script, node: cst.BaseExpression, params: Sequence[cst.Param]) -> bool:
    """Return whether an expression is a parameter as the function got it."""
    binding = script.binding(node) if isinstance(node, cst.Name) else None
    return binding is not None and any(binding.statement is param for param in params)


def _function(node: cst.BaseExpression) -> cst.BaseExpression | None:
    return node.func if isinstance(node, cst.Call) else None


def _ordered(script: Script, node: cst.BaseExpression) -> list[cst.BaseExpression] | None:
    """Return the layers of `OrderedDict([("conv1", layer), …])`."""
    pairs = argument(node, 0, "") if isinstance(node, cst.Call) else None
    pairs = script.value(pairs) if pairs else None
    if not isinstance(pairs, cst.List | cst.Tuple):
        return None
    items = [element.value for element in pairs.elements]
    if not all(isinstance(item, cst.Tuple) and len(item.elements) == 2 for item in items):  # noqa: PLR2004
        return None
    return [item.elements[1].value for item in items if isinstance(item, cst.Tuple)]
