"""Layers added to torchvision's networks, or replaced in them (P25)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from reference.checker.finding import Text
from reference.checker.flow import places
from reference.checker.heads import creation, mismatch
from reference.checker.rule import Bad, Match, Rule
from reference.checker.tree import argument

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reference.checker.script import Script

# The attributes that forward calls, of torchvision's networks of a family.
_CALLED = {
    ("vgg", "alexnet", "mobilenet_v3", "efficientnet"): {"features", "avgpool", "classifier"},
    ("densenet", "squeezenet"): {"features", "classifier"},
    ("resnet", "resnext", "wide_resnet"): {
        "conv1", "bn1", "relu", "maxpool", "layer1", "layer2", "layer3", "layer4", "avgpool", "fc",
    },
}  # fmt: skip
_ALL_LAYERS = {"children", "named_children", "modules", "_modules", "getattr"}


class AddedLayerNotCalled(Rule):
    """A layer added to a network itself, whose forward does not call it."""

    name = "added-layer-not-called"
    claims = ("vgg.linear-at-end-output", "vgg.linear-in-classifier")
    severity = "warning"
    message = Text(
        en="The network prints this layer, but its forward never calls it: the output stays as it "
        "was, without an error. Add it to a part that forward calls, such as classifier.",
        zh="打印网络能看到这一层，但网络的 forward 从不调用它：输出不变，也不报错。"
        "要加到 forward 会调用的部分里，例如 classifier。",
    )
    valid = (
        """
        import torchvision
        from torch import nn

        vgg16 = torchvision.models.vgg16(weights=None)
        vgg16.classifier.add_module("add_linear", nn.Linear(1000, 10))
        resnet = torchvision.models.resnet18(weights=None)
        resnet.fc = nn.Linear(512, 10)
        model = nn.Sequential()
        model.add_module("conv", nn.Conv2d(3, 6, 3))
        """,
        """
        import torchvision
        from torch import nn

        vgg16 = torchvision.models.vgg16(weights=None)
        vgg16.add_module("head", nn.Linear(1000, 10))
        output = vgg16.head(vgg16(image))
        """,
        """
        from torch import nn

        class Net(nn.Module):
            def __init__(self, blocks):
                super().__init__()
                for i, block in enumerate(blocks):
                    self.add_module(f"block{i}", block)
                self.add_module("head", nn.Linear(1000, 10))

            def forward(self, x):
                return self.head(self.block0(x))
        """,
    )
    invalid = (
        Bad("""
            import torchvision
            from torch import nn

            vgg16 = torchvision.models.vgg16(weights=None)
            vgg16.add_module("add_linear", nn.Linear(1000, 10))  # finding
            resnet = torchvision.models.resnet18(weights=None)
            resnet.classifier = nn.Linear(1000, 10)  # finding
            """),
        Bad("""
            from torch import nn

            class Net(nn.Module):
                def __init__(self):
                    super().__init__()
                    self.conv = nn.Conv2d(3, 6, 3)

                def forward(self, x):
                    return self.conv(x)

            net = Net()
            net.add_module("relu", nn.ReLU())  # finding
            """),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the layers that are added to a network and never called."""
        for call, network in script.method_calls("add_module"):
            name = script.literal(argument(call, 0, "name"))
            if isinstance(name, str) and not _may_call(script, network, name):
                yield Match(node=call)
        for assign in script.nodes(cst.Assign):
            target = assign.targets[0].target
            if isinstance(target, cst.Attribute) and _is_layer(script, assign.value):
                called = _called_attributes(script, target.value)
                if called and not _mentions(script, target.attr.value, called):
                    yield Match(node=assign)


def _is_layer(script: Script, node: cst.BaseExpression) -> bool:
    return script.types.of(node).startswith("torch.nn.")


def _called_attributes(script: Script, network: cst.BaseExpression) -> set[str]:
    """Return what forward of one of torchvision's networks calls; empty if that is unknown."""
    _, name = creation(script, network)
    return next((called for names, called in _CALLED.items() if name.startswith(names)), set())


def _mentions(script: Script, name: str, called: set[str]) -> bool:
    """Return whether forward or the script uses a layer by name."""
    return name in called or any(
        node.attr.value == name
        for node in script.nodes(cst.Attribute)
        if not isinstance(script.parent(node), cst.AssignTarget)
    )


def _may_call(script: Script, network: cst.BaseExpression, name: str) -> bool:
    """Return whether a network may call a layer that was added to it; also if it is unknown."""
    of = script.types.of(network)
    if of == "torchvision.models":
        return _mentions(script, name, set())
    found = script.project.class_def(script, of) if of else None
    if found is None or not script.types.is_module_type(of):
        return True
    where, owner = found
    names = {node.value for node in where.within(owner, cst.Name)}
    return "forward" not in names or bool(names & {name, *_ALL_LAYERS})


class ClassifierConflict(Rule):
    """Edits of a network's last layers that do not fit together."""

    name = "classifier-conflict"
    claims = ("vgg.all-edits-output", "vgg.last-layer")
    severity = "warning"
    message = Text(
        en="This layer expects {expected} values, but gets {given} from the layer before it: "
        "calling the network fails with RuntimeError: mat1 and mat2 shapes cannot be multiplied. "
        "One change of the last layers is enough.",
        zh="这一层要 {expected} 个输入，而前一层只给出 {given} 个：调用网络时会报 RuntimeError: "
        "mat1 and mat2 shapes cannot be multiplied。最后几层只改一处就够了。",
    )
    valid = (
        """
        import torchvision
        from torch import nn

        vgg16_true = torchvision.models.vgg16(weights="DEFAULT")
        vgg16_true.classifier.add_module("add_linear", nn.Linear(1000, 10))
        vgg16_false = torchvision.models.vgg16(weights=None)
        vgg16_false.classifier[6] = nn.Linear(4096, 10)
        vgg16_false.classifier.add_module("softmax", nn.Softmax(1))
        resnet = torchvision.models.resnet50(weights=None)
        resnet.fc = nn.Linear(2048, 10)
        other = torchvision.models.vgg16(weights=None)
        other.classifier = nn.Sequential(nn.Linear(25088, 100), nn.Linear(100, 10))
        other.classifier[0] = nn.Linear(25088, 100)
        """,
        """
        import torchvision
        from torch import nn

        def network(kind):
            vgg16 = torchvision.models.vgg16(weights=None)
            if kind == "add":
                vgg16.classifier.add_module("add_linear", nn.Linear(1000, 10))
            else:
                vgg16.classifier[-1] = nn.Linear(4096, 10)
            return vgg16
        """,
    )
    invalid = (
        Bad("""
            import torchvision
            from torch import nn

            vgg16 = torchvision.models.vgg16(weights=None)
            vgg16.classifier.add_module("add_linear", nn.Linear(1000, 10))
            vgg16.classifier[6] = nn.Linear(4096, 10)  # finding
            other = torchvision.models.vgg16(weights=None)
            other.classifier[6] = nn.Linear(in_features=1000, out_features=10)  # finding
            resnet = torchvision.models.resnet18(weights=None)
            resnet.fc = nn.Linear(2048, 10)  # finding
            """),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the last edit of each network whose layers do not fit."""
        for found in mismatch(script):
            fields = {"expected": str(found.expected), "given": str(found.given)}
            called = any(_is_called(script, place) for place in places(script, found.network))
            yield Match(node=found.node, fields=fields, severity="error" if called else None)


def _is_called(script: Script, node: cst.BaseExpression) -> bool:
    parent = script.parent(node)
    return isinstance(parent, cst.Call) and parent.func is node


RULES = (AddedLayerNotCalled, ClassifierConflict)
