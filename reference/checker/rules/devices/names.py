"""Devices that are misspelt, not asked for, or not used (P3, P30, P31)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import libcst as cst

from reference.checker.devices.gpu import device_variables
from reference.checker.finding import Text
from reference.checker.rule import Bad, Match, Rule
from reference.checker.tree import argument

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reference.checker.script import Script

_IS_AVAILABLE = re.compile(r"torch\.(backends\.)?(cuda|mps|xpu|npu|accelerator)\.is_available$")
_DEVICE = re.compile(
    r"(cpu|cuda|mps|xpu|npu|hpu|xla|meta|mtia|hip|ipu|vulkan|privateuseone|lazy|ve|maia)(:\d+)?$"
)
_MEANS_DEVICE = re.compile(r"(?i)gpu|cuda|cpu|mps")


class IsAvailableNotCalled(Rule):
    """`torch.cuda.is_available` without parentheses."""

    name = "is-available-not-called"
    claims = ("gpu.is-available-call",)
    severity = "warning"
    message = Text(
        en="Without parentheses this is the function itself, not its answer, and a function always "
        "counts as true: write {name}().",
        zh="不加括号得到的是函数本身，不是它的结果；函数在条件里永远算真：应写 {name}()。",
    )
    write = ""
    valid = (
        """
        import torch

        print(torch.cuda.is_available())
        device = "cuda" if torch.cuda.is_available() else "cpu"
        check = torch.cuda.is_available
        if check():
            pass
        """,
    )
    invalid = (
        Bad(
            """
            import torch

            device = torch.device("cuda" if torch.cuda.is_available else "cpu")  # finding
            if torch.cuda.is_available:  # finding
                net = net.cuda()
            print(torch.cuda.is_available)  # finding
            use_gpu = torch.backends.mps.is_available  # finding
            """,
            fixed="""
            import torch

            device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
            if torch.cuda.is_available():
                net = net.cuda()
            print(torch.cuda.is_available())
            use_gpu = torch.backends.mps.is_available()
            """,
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the places that name is_available and do not call it."""
        for node in script.nodes(cst.Attribute):
            named = node.attr.value == "is_available" and _IS_AVAILABLE.match(script.name(node))
            if named and not _is_called(script, node):
                yield Match(
                    node=node, fields={"name": script.code(node)}, fix={node: cst.Call(node)}
                )


def _is_called(script: Script, node: cst.Attribute) -> bool:
    """Return whether a function is called, here or under another name, or given to a function."""
    parent = script.parent(node)
    if isinstance(parent, cst.Arg):
        call = script.parent(parent)
        return not isinstance(call, cst.Call) or script.name(call.func) != "builtins.print"
    if isinstance(parent, cst.Assign) and isinstance(parent.targets[0].target, cst.Name):
        reads = (script.parent(name) for name in script.accesses(parent.targets[0].target))
        return any(isinstance(read, cst.Call) for read in reads)
    return isinstance(parent, cst.Call | cst.AssignTarget | cst.Decorator)


class DeviceNameUnknown(Rule):
    """A name that is not a device, such as `"gpu"`."""

    name = "device-name-unknown"
    claims = ("gpu.device-names",)
    severity = "error"
    message = Text(
        en='"{name}" is no device of torch: the GPU is "cuda", or "cuda:0" with the number of the '
        'card, and the CPU is "cpu".',
        zh='torch 没有叫 "{name}" 的设备：GPU 写作 "cuda"，或带编号的 "cuda:0"；CPU 写作 "cpu"。',
    )
    write = ""
    valid = (
        """
        import torch

        torch.device("cuda:0")
        net.to("cpu")
        net.to("xpu:1")
        args = parser.to("gpu mode")
        x.to(torch.device(name))
        """,
    )
    invalid = (
        Bad("""
            import torch

            device = torch.device("gpu")  # finding
            net.to("cuda0")  # finding
            device = torch.device("cuda:0" if torch.cuda.is_available() else "CPU")  # finding
            """),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the names of devices that there are not."""
        moves = (call for call, _ in script.method_calls("to"))
        for call in (*script.calls("torch.device"), *moves):
            given = argument(call, 0, "device")
            choices = (given.body, given.orelse) if isinstance(given, cst.IfExp) else (given,)
            for node in choices:
                name = script.literal(node)
                if isinstance(name, str) and _is_misspelt(name):
                    yield Match(node=call, fields={"name": name})


def _is_misspelt(name: str) -> bool:
    return bool(_MEANS_DEVICE.search(name)) and " " not in name and not _DEVICE.match(name)


class DeviceNotUsed(Rule):
    """A device that is chosen, but that nothing is moved to."""

    name = "device-not-used"
    claims = ("gpu.device-is-a-name",)
    severity = "advice"
    message = Text(
        en="{name} only names a device: as nothing is moved to it, everything is computed on the "
        "CPU. Move the network, the images and the targets with .to({name}).",
        zh="{name} 只是设备的名字：没有任何东西移到它上面，全部计算都在 CPU 上进行。"
        "网络、图片和标签都要用 .to({name}) 移动。",
    )
    valid = (
        """
        import torch

        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        print(device)
        """,
        """
        import torch

        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        for images, targets in loader:
            loss = loss_fn(net(images.to(device)), targets.to(device))
            loss.backward()
        """,
    )
    invalid = (
        Bad("""
            import torch

            device = torch.device("cuda" if torch.cuda.is_available() else "cpu")  # finding
            print(f"training on {device}")
            for images, targets in loader:
                loss = loss_fn(net(images), targets)
                loss.backward()
            """),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the devices of training scripts in which nothing is moved."""
        trains = any(script.method_calls("backward"))
        if not trains or any(script.method_calls("to", "cuda", "set_default_device")):
            return
        for variable, _ in device_variables(script):
            if all(_is_shown(script, name) for name in script.accesses(variable)):
                yield Match(node=variable, fields={"name": variable.value})


def _is_shown(script: Script, name: cst.Name) -> bool:
    """Return whether a name is read to print it."""
    arg = script.enclosing(name, cst.Call)
    return arg is not None and script.name(arg.func) == "builtins.print"


RULES = (IsAvailableNotCalled, DeviceNameUnknown, DeviceNotUsed)
