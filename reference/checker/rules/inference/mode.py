"""How a loaded network is used to classify: its mode, and the devices (P31, P32)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import libcst as cst

from reference.checker.edits import Fix, after, statement_of
from reference.checker.finding import Text
from reference.checker.flow import places
from reference.checker.pictures import Step, is_move, may_be_gpu, steps
from reference.checker.rule import Bad, Match, Rule
from reference.checker.training.evaluations import depends_on_mode
from reference.checker.training.loops import batch_loops, is_network
from reference.checker.tree import argument

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reference.checker.finding import Severity
    from reference.checker.script import Script

_NETWORK = re.compile(r"torchvision\.models\.[a-z]\w*$")


class InferenceWithoutEval(Rule):
    """A network with loaded weights that is called without `eval()`."""

    name = "inference-without-eval"
    claims = ("infer.eval-and-no-grad", "eval.modes")
    severity = "advice"
    message = Text(
        en="The network is still in training mode: with layers such as Dropout or BatchNorm its "
        "output is then another one. Call {network}.eval() before.",
        zh="网络仍处于训练模式：如果含有 Dropout、BatchNorm 这样的层，输出就会不同。"
        "调用之前先写 {network}.eval()。",
    )
    write = ""
    valid = (
        """
        import torch

        net = Net()
        net.load_state_dict(torch.load("net.pth"))
        net.eval()
        output = net(image)
        """,
        """
        import torch

        net.load_state_dict(torch.load("net.pth"))
        loss = loss_fn(net(images), targets)
        loss.backward()
        """,
    )
    invalid = (
        Bad(
            """
            import torch

            net = Net()
            net.load_state_dict(torch.load("net.pth"))
            with torch.no_grad():
                output = net(image)  # finding
            """,
            fixed="""
            import torch

            net = Net()
            net.load_state_dict(torch.load("net.pth"))
            net.eval()
            with torch.no_grad():
                output = net(image)
            """,
        ),
        Bad(
            """
            import torchvision

            vgg16 = torchvision.models.vgg16(weights="DEFAULT")
            print(vgg16(image).argmax(1))  # finding
            """,
            fixed="""
            import torchvision

            vgg16 = torchvision.models.vgg16(weights="DEFAULT")
            vgg16.eval()
            print(vgg16(image).argmax(1))
            """,
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the first call of each loaded network in a script that does not train."""
        if any(script.method_calls("eval", "backward", "train", "step")):
            return
        loops = {loop.node for loop in batch_loops(script)}
        for loaded, network in _loaded(script):
            calls = [
                call
                for place in places(script, network)
                if isinstance(call := script.parent(place), cst.Call) and call.func is place
            ]
            if calls and loops.isdisjoint(script.parents(calls[0])):
                depends = depends_on_mode(script, network)
                name = script.code(calls[0].func)
                yield Match(
                    node=calls[0],
                    fields={"network": name},
                    severity="warning" if depends else None,
                    fix=_eval(script, loaded, name, calls[0]),
                )


def _loaded(script: Script) -> Iterator[tuple[cst.Call, cst.BaseExpression]]:
    """Yield where weights are loaded, and the network that has them."""
    for call, network in script.method_calls("load_state_dict"):
        if is_network(script, network):
            yield call, script.value(network)
    for call in script.calls("torch.load"):
        yield call, call
    for call in script.nodes(cst.Call):
        weights = argument(call, None, "weights") or argument(call, None, "pretrained")
        is_trained = _NETWORK.match(script.name(call.func)) and weights is not None
        if is_trained and script.literal(weights) not in (None, False):
            yield call, call


def _eval(script: Script, loaded: cst.Call, network: str, call: cst.Call) -> Fix:
    statement = statement_of(script, loaded)
    simple = isinstance(call.func, cst.Name) and len(getattr(statement, "body", ())) == 1
    same = script.scope(loaded) is script.scope(call)
    if statement is None or not simple or not same:
        return {}
    return {statement: after(statement, f"{network}.eval()")}


class InferenceDevices(Rule):
    """An image on one device, and the network that gets it on another."""

    name = "inference-devices"
    claims = ("infer.test-device", "gpu.same-device")
    severity = "warning"
    message = Text(
        en="Only {moved} is moved to the device, and {other} is not: where they are on different "
        "devices, calling the network fails with RuntimeError. Move both.",
        zh="只有 {moved} 移到了设备上，{other} 没有：两者不在同一个设备上时，调用网络会报 "
        "RuntimeError。两者都要移动。",
    )
    valid = (
        """
        import torch
        from PIL import Image
        from torchvision import transforms

        net = Net().to(device)
        image = transforms.ToTensor()(Image.open("dog.jpg")).unsqueeze(0)
        output = net(image.to(device))
        """,
        """
        import torch
        from PIL import Image
        from torchvision import transforms

        net = torch.load("net.pth", map_location=device, weights_only=False)
        image = transforms.ToTensor()(Image.open("dog.jpg")).unsqueeze(0)
        image = image.to(device)
        net.eval()
        output = net(image)
        """,
        """
        import torch
        from PIL import Image
        from torchvision import transforms

        device = torch.device("cpu")
        net = Net()
        net.eval()
        image = transforms.ToTensor()(Image.open("dog.jpg")).unsqueeze(0).to(device)
        output = net(image)
        """,
    )
    invalid = (
        Bad(
            """
            import torch
            from PIL import Image
            from torchvision import transforms

            net = Net()
            net.load_state_dict(torch.load("net.pth", map_location=device))
            image = transforms.ToTensor()(Image.open("dog.jpg")).unsqueeze(0)
            image = image.to(device)  # finding
            net.eval()
            output = net(image)
            """
        ),
        Bad(
            """
            import torch
            from PIL import Image
            from torchvision import transforms

            net = Net().to(device)
            image = transforms.ToTensor()(Image.open("dog.jpg")).unsqueeze(0)
            net.eval()
            output = net(image)  # finding
            """
        ),
        Bad(
            """
            import torch
            from PIL import Image
            from torchvision import transforms

            model = torch.load("net.pth")
            image = transforms.ToTensor()(Image.open("dog.jpg")).unsqueeze(0)
            image = image.cuda()  # finding
            model.eval()
            output = model(image)
            """
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the calls of a network with an image that is elsewhere."""
        for opened in script.calls("PIL.Image.open"):
            for step in steps(script, opened):
                if step.network and isinstance(step.node, cst.Call) and step.node.args:
                    yield from self._check(script, step, step.node)

    def _check(self, script: Script, step: Step, call: cst.Call) -> Iterator[Match]:
        image = script.code(call.args[0].value)
        network = script.code(call.func)
        moves = [before for before in step.before if is_move(script, before)]
        made = _origin(script, call.func)
        if made is None or bool(moves) == _is_moved(script, call.func, made):
            return
        fields = {"moved": image if moves else network, "other": network if moves else image}
        if not moves:
            yield Match(node=call, fields=fields)
        else:  # a whole network may have been saved from the GPU
            whole = script.types.of(made) == "loaded" and not made.args[1:]
            severity: Severity = "advice" if whole else "warning"
            yield Match(node=moves[0].node, fields=fields, severity=severity)


def _origin(script: Script, network: cst.BaseExpression) -> cst.Call | None:
    """Return the call that creates or loads a network."""
    value = script.value(network)
    while isinstance(value, cst.Call) and isinstance(value.func, cst.Attribute):
        if value.func.attr.value not in ("to", "cuda", "eval", "train"):
            break
        value = script.value(value.func.value)
    return value if isinstance(value, cst.Call) else None


def _is_moved(script: Script, network: cst.BaseExpression, made: cst.Call) -> bool:
    """Return whether a network is moved to a device that may be a GPU, or loaded there."""
    location = argument(made, 1, "map_location")
    loaded = script.name(made.func) == "torch.load" and location is not None
    if loaded and location is not None and may_be_gpu(script, location):
        return True
    for place in (*places(script, made), *places(script, network)):
        method = script.parent(place)
        call = script.parent(method) if isinstance(method, cst.Attribute) else None
        if isinstance(call, cst.Call) and call.func is method and is_move(script, Step(call, ())):
            return True
    return False


RULES = (InferenceWithoutEval, InferenceDevices)
