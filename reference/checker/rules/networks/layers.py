"""The layers that a network creates: used, replaced, their results overwritten (P16 to P22)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import libcst as cst

from reference.checker.finding import Text
from reference.checker.networks import classes, method, self_attribute
from reference.checker.overwritten import overwriting
from reference.checker.rule import Bad, Match, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reference.checker.script import Script

_WITH_WEIGHTS = re.compile(
    r"torch\.nn\.((Lazy)?(Conv|ConvTranspose|BatchNorm)\dd|(Lazy)?Linear|Sequential|LSTM|GRU|RNN)$"
)
# With these, a network may use layers whose names its code does not mention.
_DYNAMIC = {"children", "modules", "named_children", "named_modules", "_modules", "__dict__"}
NET = """
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 32, 5)
        {second}

    def forward(self, x):
        {forward}
        return x
"""


class LayerUnused(Rule):
    """A layer with weights that the network creates and does not use."""

    name = "layer-unused"
    claims = ("seq.unused-layer", "seq.replaces-attributes")
    severity = "advice"
    message = Text(
        en="Created and saved with the network, but not used and not trained: {layers}. Call "
        "them in "
        "forward, or delete them.",
        zh="这些层创建了，也会随网络一起保存，但没有用到，也得不到训练：{layers}。"
        "要么在 forward 里调用，要么删掉。",
    )
    write = """
def forward(self, x):
    x = self.conv1(x)
    x = self.conv2(x)
    return x
"""
    valid = (
        NET.format(second="self.relu = nn.ReLU()", forward="x = self.conv1(x)"),
        """
        from torch import nn

        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.conv1 = nn.Conv2d(3, 32, 5)

            def forward(self, x):
                for layer in self.children():
                    x = layer(x)
                return x

        class Base(nn.Module):
            def __init__(self):
                super().__init__()
                self.fc = nn.Linear(2, 2)

        class Derived(Base):
            def forward(self, x):
                return self.fc(x)
        """,
    )
    invalid = (
        Bad(
            NET.format(
                second="self.conv2 = nn.Conv2d(32, 64, 5)  # finding", forward="x = self.conv1(x)"
            )
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield of each network the first of the layers with weights that nothing else mentions."""
        bases = {
            script.name(base.value) for node in script.nodes(cst.ClassDef) for base in node.bases
        }
        for owner in classes(script):
            attributes = [node.attr.value for node in script.within(owner, cst.Attribute)]
            is_dynamic = _DYNAMIC & set(attributes) or "getattr" in _names(script, owner)
            if is_dynamic or method(owner, "forward") is None or owner.name.value in bases:
                continue
            unused = list(_unused(script, owner))
            if unused:
                names = ", ".join(script.code(assign.targets[0].target) for assign in unused)
                yield Match(node=unused[0], fields={"layers": names})


def _unused(script: Script, owner: cst.ClassDef) -> Iterator[cst.Assign]:
    """Yield the assignments of layers with weights to attributes that nothing reads."""
    for assign in script.within(owner, cst.Assign):
        name = self_attribute(script, assign.targets[0].target)
        uses = [node for node in script.nodes(cst.Attribute) if node.attr.value == name]
        if name and len(uses) == 1 and _WITH_WEIGHTS.match(script.types.of(assign.value)):
            yield assign


def _names(script: Script, node: cst.CSTNode) -> set[str]:
    return {name.value for name in script.within(node, cst.Name)}


class LayerReplaced(Rule):
    """Two layers of one name, of which the second replaces the first."""

    name = "layer-replaced"
    claims = ("seq.one-name-one-layer",)
    severity = "warning"
    message = Text(
        en="Line {line} creates another layer under the name {layer}, so this one is lost: give "
        "each "
        "layer a name of its own.",
        zh="第 {line} 行又用 {layer} 这个名字创建了一层，这一层就丢了：每一层都要有自己的名字。",
    )
    write = """
self.conv1 = nn.Conv2d(3, 32, 5, padding=2)
self.conv2 = nn.Conv2d(32, 32, 5, padding=2)
"""
    valid = (
        NET.format(second="self.conv2 = nn.Conv2d(32, 64, 5)", forward="x = self.conv2(x)"),
        NET.format(
            second="self.conv1 = nn.Sequential(self.conv1, nn.ReLU())", forward="x = self.conv1(x)"
        ),
    )
    invalid = (
        Bad(
            NET.format(
                second="self.conv1 = nn.Conv2d(32, 64, 5)", forward="x = self.conv1(x)"
            ).replace("Conv2d(3, 32, 5)", "Conv2d(3, 32, 5)  # finding")
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the layers that a later line of the same block replaces unused."""
        for owner in classes(script):
            for assign in script.within(owner, cst.Assign):
                name = self_attribute(script, assign.targets[0].target)
                if not name or not script.types.is_module(assign.value):
                    continue
                later = overwriting(script, assign)
                if later is not None and script.types.is_module(later.value):
                    fields = {"line": str(script.line(later)), "layer": f"self.{name}"}
                    yield Match(node=assign, fields=fields)


class LayerResultUnused(Rule):
    """The result of a layer that the next line of forward replaces."""

    name = "layer-result-unused"
    claims = ("relu.sample-returns-sigmoid", "seq.passes-on")
    severity = "warning"
    message = Text(
        en="Line {line} replaces this result before anything uses it: pass {name} on to the next "
        "layer, or delete one of the two lines.",
        zh="第 {line} 行在这个结果用到之前就把它覆盖了：应当把 {name} 传给下一层，"
        "或者删掉其中一行。",
    )
    write = """
def forward(self, x):
    x = self.conv1(x)
    x = self.relu1(x)
    return x
"""
    valid = (
        NET.format(
            second="self.relu = nn.ReLU()", forward="x = self.conv1(x)\n        x = self.relu(x)"
        ),
    )
    invalid = (
        Bad(
            """
            from torch import nn

            class Test(nn.Module):
                def __init__(self):
                    super().__init__()
                    self.relu = nn.ReLU()
                    self.sigmoid = nn.Sigmoid()

                def forward(self, Input):
                    output = self.relu(Input)  # finding
                    output = self.sigmoid(Input)
                    return output
            """
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the results of layers in forward that are replaced unused."""
        for owner in classes(script):
            forward = method(owner, "forward")
            for assign in script.within(forward, cst.Assign) if forward else ():
                call = assign.value
                target = assign.targets[0].target
                if not isinstance(call, cst.Call) or not script.types.is_module(call.func):
                    continue
                later = overwriting(script, assign)
                if later is not None and isinstance(target, cst.Name):
                    fields = {"line": str(script.line(later)), "name": target.value}
                    yield Match(node=assign, fields=fields)


RULES = (LayerUnused, LayerReplaced, LayerResultUnused)
