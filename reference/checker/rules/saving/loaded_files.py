"""What a script needs to use the file that another script saved (P26, P32)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import libcst as cst

from reference.checker.devices.gpu import device_variables
from reference.checker.edits import Fix, with_keyword
from reference.checker.finding import Text
from reference.checker.flow import places
from reference.checker.rule import Bad, Match, Rule
from reference.checker.saving.filenames import file_name
from reference.checker.saving.saved import Saved, content_of, saved_as
from reference.checker.tree import argument
from reference.checker.uses import use_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reference.checker.script import Script


class LoadedWeightsAsNetwork(Rule):
    """A loaded state_dict used as if it were the network."""

    name = "loaded-weights-as-network"
    claims = ("saveload.state-dict-is-not-a-network",)
    severity = "error"
    message = Text(
        en="This file was saved with state_dict() and contains only the weights: torch.load "
        "returns a dict, not a network. Create the network first, and load the weights into it "
        "with load_state_dict.",
        zh="这个文件是用 state_dict() 保存的，里面只有参数：torch.load 得到的是字典，不是网络。"
        "先创建网络，再用 load_state_dict 把参数加载进去。",
    )
    files: ClassVar = {
        "train.py": """
        import torch
        from torch import nn

        net = nn.Linear(2, 2)
        for epoch in range(10):
            torch.save(net.state_dict(), f"net_{epoch}.pth")
        torch.save(net, "whole.pth")
        """
    }
    valid = (
        """
        import torch

        state = torch.load("net_9.pth")
        print(state)
        net.load_state_dict(state)
        other = torch.load("whole.pth", weights_only=False)
        other.eval()
        """,
    )
    invalid = (
        Bad(
            """
            import torch

            net = torch.load("net_9.pth")  # finding
            net.eval()
            """
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the calls of torch.load that give weights, used as a network."""
        for call in script.calls("torch.load"):
            if use_of(script, call) == "network":
                saved = saved_as(script, file_name(script, argument(call, 0, "f")))
                plain = all(not isinstance(s.script.value(s.value), cst.Dict) for s in saved)
                if content_of(saved) == "weights" and plain:
                    yield Match(node=call)


class LoadWithoutClass(Rule):
    """A whole network loaded by a script that lacks its class."""

    name = "load-without-class"
    claims = ("saveload.class-needed", "saveload.class-no-longer-needed")
    severity = "error"
    message = Text(
        en="This file contains a network of the class {name}, which {file} defines, and this "
        "script lacks it: torch.load fails with AttributeError: Can't get attribute '{name}'. Put "
        "the class into a file of its own, and import it in both scripts.",
        zh="这个文件保存的是 {file} 里定义的 {name} 类的网络，而这个脚本里没有这个类，torch.load "
        "会报 AttributeError: Can't get attribute '{name}'。把类放在单独的文件里，"
        "两个脚本都从那里导入。",
    )
    write = ""
    files: ClassVar = {
        "net.py": """
        from torch import nn

        class Imported(nn.Module):
            pass
        """,
        "train.py": """
        import torch
        from torch import nn
        from net import Imported

        class Net(nn.Module):
            pass

        torch.save(Net(), "net.pth")
        torch.save(Imported(), "imported.pth")
        torch.save(nn.Linear(2, 2), "linear.pth")
        """,
    }
    valid = (
        """
        import torch
        from train import *

        net = torch.load("net.pth", weights_only=False)
        """,
        """
        import torch
        from train import Net

        net = torch.load("net.pth", weights_only=False)
        other = torch.load("imported.pth", weights_only=False)
        linear = torch.load("linear.pth", weights_only=False)
        """,
        """
        import torch
        from torch import nn

        class Net(nn.Module):
            pass

        net = torch.load("net.pth", weights_only=False)
        """,
    )
    invalid = (
        Bad(
            """
            import torch
            import train

            net = torch.load("net.pth", weights_only=False)  # finding
            """
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the calls of torch.load for which a class is missing."""
        for call in script.calls("torch.load"):
            saved = saved_as(script, file_name(script, argument(call, 0, "f")))
            name = _class_in_main(saved[0]) if content_of(saved) == "network" else ""
            if name and saved[0].script is not script and not script.global_name(name):
                yield Match(node=call, fields={"name": name, "file": saved[0].script.path.name})


def _class_in_main(saved: Saved) -> str:
    """Return the class of a saved network that the saving script itself defines."""
    name = saved.script.types.of(saved.value)
    found = saved.script.project.class_def(saved.script, name) if name else None
    return name if found and found[0] is saved.script and "." not in name else ""


class LoadWithoutMapLocation(Rule):
    """Weights that may have been saved on a GPU, loaded without `map_location`."""

    name = "load-without-map-location"
    claims = ("saveload.gpu-file", "saveload.map-location", "infer.map-location-always")
    severity = "advice"
    message = Text(
        en="{file} saves this file from a GPU if there is one; a machine without a GPU then "
        'cannot read it. With map_location="cpu" it is read everywhere.',
        zh="{file} 在有 GPU 时会从 GPU 上保存这个文件，没有 GPU 的机器就读不了；"
        '加上 map_location="cpu"，在哪里都能读。',
    )
    write = 'torch.load(…, map_location="cpu")'
    files: ClassVar = {
        "train.py": """
        import torch
        from torch import nn

        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        net = nn.Linear(2, 2)
        net = net.to(device)
        torch.save(net.state_dict(), "net.pth")
        whole = nn.Linear(2, 2).cuda()
        torch.save(whole, "whole.pth")
        torch.save(nn.Linear(2, 2).state_dict(), "cpu.pth")
        """
    }
    valid = (
        """
        import torch

        net.load_state_dict(torch.load("net.pth", map_location="cpu"))
        net.load_state_dict(torch.load("net.pth", torch.device("cpu")))
        net.load_state_dict(torch.load("cpu.pth"))
        """,
    )
    invalid = (
        Bad(
            """
            import torch

            net.load_state_dict(torch.load("net.pth"))  # finding
            """,
            fixed="""
            import torch

            net.load_state_dict(torch.load("net.pth", map_location="cpu"))
            """,
        ),
        Bad(
            """
            import torch

            device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
            net = torch.load("whole.pth", weights_only=False)  # finding
            output = net(image.to(device))
            """,
            fixed="""
            import torch

            device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
            net = torch.load("whole.pth", weights_only=False, map_location=device)
            output = net(image.to(device))
            """,
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the calls of torch.load for files that were saved on a GPU."""
        for call in script.calls("torch.load"):
            if argument(call, 1, "map_location") is None:
                saved = saved_as(script, file_name(script, argument(call, 0, "f")))
                moved = next((s for s in saved if s.script is not script and _is_moved(s)), None)
                if moved is not None:
                    fix = _map_location(script, call)
                    yield Match(node=call, fields={"file": moved.script.path.name}, fix=fix)


def _map_location(script: Script, call: cst.Call) -> Fix:
    """Return the fix that loads a file to where the script computes; empty if that is unclear."""
    location = ""
    moves = list(script.method_calls("to", "cuda"))
    if use_of(script, call) == "dict" or not moves:
        location = '"cpu"'  # load_state_dict copies the weights to where the network is
    elif names := {script.code(arg.value) for move, _ in moves for arg in move.args[:1]}:
        chosen = {v.value for v, d in device_variables(script) if script.before(v, call)}
        same = len(names) == 1 and names <= chosen and all(move.args for move, _ in moves)
        location = names.pop() if same else ""
    return {call: with_keyword(call, "map_location", location)} if location else {}


def _is_moved(saved: Saved) -> bool:
    """Return whether the saving script moves the network to a device."""
    script, network = saved.script, saved.value
    value = script.value(network)
    if isinstance(value, cst.Call) and isinstance(value.func, cst.Attribute):
        if _is_move(script, value.func.value):
            return True  # Net().to(device)
        if value.func.attr.value == "state_dict":
            network = value.func.value
    if not isinstance(network, cst.Name):
        return False
    reads = (place for name in script.accesses(network) for place in places(script, name))
    return any(_is_move(script, read) for read in reads)


def _is_move(script: Script, node: cst.BaseExpression) -> bool:
    parent = script.parent(node)
    if not isinstance(parent, cst.Attribute) or parent.value is not node:
        return False
    call = script.parent(parent)
    if not isinstance(call, cst.Call) or call.func is not parent:
        return False
    return parent.attr.value in ("to", "cuda") and "cpu" not in script.code(call)


RULES = (LoadedWeightsAsNetwork, LoadWithoutClass, LoadWithoutMapLocation)
