"""The layers in a network's forward (P16)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from reference.checker.finding import Text
from reference.checker.flow import places
from reference.checker.rule import Bad, Match, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reference.checker.edits import Fix
    from reference.checker.script import Script

_ASKS = (cst.Attribute, cst.Subscript, cst.For, cst.CompFor)


class LayerNotCalled(Rule):
    """A layer in forward without its input: `x = self.conv1`."""

    name = "layer-not-called"
    claims = ("module.layer-not-called",)
    severity = "warning"
    message = Text(
        en="{layer} is the layer itself, not its result: call it with its input, as in {call}.",
        zh="{layer} 是层本身，不是它的计算结果：要用输入调用它，例如 {call}。",
    )
    write = ""
    valid = (
        """
        from torch import nn

        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.conv1 = nn.Conv2d(3, 6, 3)
                self.blocks = nn.ModuleList([nn.ReLU()])
                self.scale = 2

            def forward(self, x):
                for block in self.blocks:
                    x = block(x)
                blocks = self.blocks
                x = blocks[0](x)
                layer = self.conv1
                weight = self.conv1
                scale = self.scale
                return scale * layer(x) + weight.bias
        """,
    )
    invalid = (
        Bad(
            """
            from torch import nn

            class Net(nn.Module):
                def __init__(self):
                    super().__init__()
                    self.conv1 = nn.Conv2d(3, 6, 3)
                    self.relu = nn.ReLU()

                def forward(self, x):
                    x = self.conv1  # finding
                    y = self.relu(x)
                    return y
            """,
            fixed="""
            from torch import nn

            class Net(nn.Module):
                def __init__(self):
                    super().__init__()
                    self.conv1 = nn.Conv2d(3, 6, 3)
                    self.relu = nn.ReLU()

                def forward(self, x):
                    x = self.conv1(x)
                    y = self.relu(x)
                    return y
            """,
        ),
        Bad("""
            from torch import nn

            class Net(nn.Module):
                def __init__(self):
                    super().__init__()
                    self.model = nn.Sequential(nn.Flatten())

                def forward(self, x):
                    return self.model  # finding
            """),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the layers that forward assigns or returns."""
        for function in script.nodes(cst.FunctionDef):
            if function.name.value != "forward":
                continue
            for node in script.within(function, cst.Attribute):
                parent = script.parent(node)
                names_layer = isinstance(parent, cst.Return) or (
                    isinstance(parent, cst.Assign) and parent.value is node
                )
                if names_layer and script.types.is_module(node) and not _is_used(script, node):
                    code = script.code(node)
                    fields = {"layer": code, "call": f"{code}(x)"}
                    yield Match(node=node, fields=fields, fix=_call(script, node, function))


def _is_used(script: Script, node: cst.BaseExpression) -> bool:
    """Return whether a layer is called or asked for something, under another name."""
    return any(
        isinstance(script.parent(place), _ASKS) or _is_called(script, place)
        for place in places(script, node)
    )


def _is_called(script: Script, node: cst.BaseExpression) -> bool:
    parent = script.parent(node)
    return isinstance(parent, cst.Call) and parent.func is node


def _call(script: Script, node: cst.Attribute, function: cst.FunctionDef) -> Fix:
    """Return the fix of `x = self.conv1` in a forward with the parameter x."""
    assign = script.parent(node)
    target = assign.targets[0].target if isinstance(assign, cst.Assign) else None
    params = {param.name.value for param in function.params.params[1:]}
    if isinstance(target, cst.Name) and target.value in params:
        return {node: cst.Call(node, [cst.Arg(cst.Name(target.value))])}
    return {}


RULES = (LayerNotCalled,)
