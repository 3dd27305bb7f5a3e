"""Loading networks with `torch.load` and `load_state_dict` (P26, P32)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar

import libcst as cst
from packaging.version import Version

from reference.checker.edits import Fix, with_keyword
from reference.checker.finding import Text
from reference.checker.rule import Bad, Match, Rule
from reference.checker.saving.filenames import ANY, file_name
from reference.checker.saving.saved import content_of, saved_as
from reference.checker.tree import argument
from reference.checker.uses import use_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reference.checker.finding import Severity
    from reference.checker.saving.saved import Saved
    from reference.checker.script import Script

WEIGHTS_ONLY = Version("2.6")  # since when torch.load reads tensors and plain values only
_CALLED_NETWORK = re.compile(r"(?i)model|net(work)?\d*$|module|vgg|resnet|tudui")
_CALLED_WEIGHTS = re.compile(r"(?i)state|dict|param|weight|method_?2|checkpoint|ckpt")


class TorchLoadWholeModel(Rule):
    """`torch.load` of a whole network, which fails since torch 2.6."""

    name = "torch-load-whole-model"
    claims = ("saveload.whole-model", "infer.whole-model")
    severity = "error"
    message = Text(
        en="This file contains a whole network, and since torch 2.6 torch.load reads only tensors "
        "and plain values (UnpicklingError: Weights only load failed). If you trust the file, "
        "write weights_only=False; better, save model.state_dict() and load it with "
        "load_state_dict.",
        zh="这个文件保存的是整个网络，而从 torch 2.6 起 torch.load 默认只读张量和普通数值，"
        "会报 UnpicklingError: Weights only load failed。文件来源可信时加上 weights_only=False；"
        "更好的做法是保存 model.state_dict()，再用 load_state_dict 加载。",
    )
    files: ClassVar = {
        "save.py": """
        import torch
        import torchvision

        vgg16 = torchvision.models.vgg16(weights=None)
        torch.save(vgg16, "../models/vgg16_1.pth")
        torch.save(vgg16.state_dict(), "../models/vgg16_2.pth")
        for i in range(10):
            torch.save(vgg16, "vgg16_epoch{}.pth".format(i))
        """
    }
    valid = (
        """
        import torch

        model.load_state_dict(torch.load("tudui.pth"))
        """,
        """
        import torch

        model = torch.load("tudui.pth", weights_only=False)
        model.eval()
        """,
        """
        import torch

        model = torch.load("vgg16_2.pth")
        print(model)
        net = Net()
        checkpoint = torch.load("last.pth")
        print(checkpoint)
        net.load_state_dict(checkpoint["model"])
        """,
        """
        import torch

        def load(model, path):
            state = torch.load(path, map_location="cpu")
            model.load_state_dict(state)
            return model

        net = load(Net(), "net.pth")
        net.eval()
        """,
    )
    invalid = (
        Bad(
            """
            import torch

            model = torch.load("tudui.pth", map_location=torch.device("cpu"))  # finding
            model.eval()
            """,
            fixed="""
            import torch

            model = torch.load("tudui.pth", map_location=torch.device("cpu"), weights_only=False)
            model.eval()
            """,
        ),
        Bad(
            """
            import torch

            model = torch.load("vgg16_1.pth")  # finding
            print(model)
            net = torch.load(f"vgg16_epoch{9}.pth")  # finding
            """,
            fixed="""
            import torch

            model = torch.load("vgg16_1.pth", weights_only=False)
            print(model)
            net = torch.load(f"vgg16_epoch{9}.pth", weights_only=False)
            """,
        ),
        Bad(
            """
            import torch

            class Classifier:
                def __init__(self, path):
                    self.net = torch.load(path)  # finding

                def classify(self, image):
                    return self.net(image).argmax(1)

            def load(path):
                return torch.load(path).to("cpu")  # finding

            output = load("net.pth")(image)
            """,
            fixed="""
            import torch

            class Classifier:
                def __init__(self, path):
                    self.net = torch.load(path, weights_only=False)

                def classify(self, image):
                    return self.net(image).argmax(1)

            def load(path):
                return torch.load(path, weights_only=False).to("cpu")

            output = load("net.pth")(image)
            """,
        ),
        Bad(
            """
            import torch

            model = torch.load("net.pth")  # finding
            # on the CPU
            model = torch.load("net.pth", map_location="cpu")  # finding
            output = model(image)
            """,
            fixed="""
            import torch

            model = torch.load("net.pth", weights_only=False)
            # on the CPU
            model = torch.load("net.pth", map_location="cpu", weights_only=False)
            output = model(image)
            """,
        ),
        Bad(
            """
            import torch

            class Net(torch.nn.Module):
                pass

            net = torch.load("net.pth")  # finding
            print(net)
            """
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the calls of torch.load that read a whole network."""
        severity: Severity = "error" if script.torch >= WEIGHTS_ONLY else "advice"
        files = {
            call: file_name(script, argument(call, 0, "f")) for call in script.calls("torch.load")
        }
        networks = {file for call, file in files.items() if use_of(script, call) == "network"}
        for call, file in files.items():
            weights_only = argument(call, None, "weights_only")
            if weights_only is None or script.literal(weights_only) is True:
                saved = saved_as(script, file)
                # Of a file that is loaded again, the other result may show what it contains.
                known = file in networks and bool(file) and ANY not in file
                use = use_of(script, call) or ("network" if known else "")
                if use != "data" and _is_network(script, call, saved, use):
                    certain = "network" in (content_of(saved), use) and use != "dict"
                    yield Match(node=call, severity=severity, fix=_fix(call) if certain else {})


def _is_network(script: Script, call: cst.Call, saved: list[Saved], use: str) -> bool:
    """Return whether a file contains a network: who saved it says more than its use."""
    if content := content_of(saved):
        return content == "network"
    return use == "network" or (not use and not saved and _looks_like_network(script, call))


def _fix(call: cst.Call) -> Fix:
    args = [arg for arg in call.args if not (arg.keyword and arg.keyword.value == "weights_only")]
    return {call: with_keyword(call.with_changes(args=args), "weights_only", "False")}


def _looks_like_network(script: Script, call: cst.Call) -> bool:
    """Return whether the names say that a file which is only printed contains a network."""
    path = file_name(script, argument(call, 0, "f"))
    assign = script.parent(call)
    target = assign.targets[0].target if isinstance(assign, cst.Assign) else None
    if not isinstance(target, cst.Name) or _CALLED_WEIGHTS.search(path + target.value):
        return False
    return bool(_CALLED_NETWORK.search(target.value)) or _has_unused_network(script)


def _has_unused_network(script: Script) -> bool:
    """Return whether a class of networks is defined and not used: only unpickling needs it."""
    return any(
        script.types.is_module_type(script.name(node.name)) and not script.accesses(node.name)
        for node in script.nodes(cst.ClassDef)
    )


RULES = (TorchLoadWholeModel,)
