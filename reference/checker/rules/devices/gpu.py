"""GPUs that a script uses without asking whether there is one (P30, P31)."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import libcst as cst
from libcst.metadata import ClassScope

from reference.checker.devices.gpu import (
    choice,
    device_variables,
    gpu,
    is_checked,
    is_chosen_elsewhere,
)
from reference.checker.devices.one_device import one_device
from reference.checker.edits import Fix, expression
from reference.checker.finding import Text
from reference.checker.kinds import OPTIMIZERS
from reference.checker.rule import Bad, Match, Rule
from reference.checker.tree import argument

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reference.checker.script import Script

_ASK_THE_DRIVER = (
    "torch.cuda.set_device",
    "torch.cuda.current_device",
    "torch.cuda.get_device_name",
    "torch.cuda.get_device_properties",
    "torch.cuda.get_device_capability",
    "torch.cuda.synchronize",
)


class GpuWithoutCheck(Rule):
    """`.cuda()`, `"cuda"` or `"mps"` without a check that there is such a GPU."""

    name = "gpu-without-check"
    claims = (
        "gpu.unguarded",
        "gpu.second-listing",
        "gpu.mps-branch",
        "tensor.on-gpu",
        "listing.three-devices",
    )
    severity = "warning"
    message = Text(
        en="This fails on a machine where torch has no such GPU ({device}). Check once, choose "
        "the device, and use it everywhere: the script then runs on any machine.",
        zh="没有 torch 能用的这种 GPU（{device}）的机器上，这里会报错。在开头检查一次、选定设备，"
        "之后都用它，脚本在哪里都能运行。",
    )
    valid = (
        """
        import torch

        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        net = Net().to(device)
        if torch.cuda.is_available():
            images, labels = images.cuda(), labels.cuda()
        """,
        """
        import torch

        if torch.cuda.is_available():
            device = torch.device("cuda:0")
        elif torch.backends.mps.is_available():
            device = torch.device("mps")
        else:
            device = torch.device("cpu")

        use_gpu = torch.cuda.is_available()

        def move(x, name="cpu"):
            if use_gpu:
                name = "cuda"
            return x.to(name)
        """,
        """
        import torch

        device = torch.device("cuda")
        if not torch.cuda.is_available():
            device = torch.device("cpu")
        net.to(device)
        net.cuda() if torch.cuda.is_available() else net
        print(torch.device("cuda"))
        name = torch.device("cuda:1")
        print(name)
        """,
        """
        import sys
        import torch

        if not torch.cuda.is_available():
            print("no GPU")
            sys.exit(1)
        net.cuda()
        """,
    )
    invalid = (
        Bad(
            """
            import torch
            from torch import nn

            net = Net().cuda()  # finding
            for images, labels in loader:
                images = images.cuda(non_blocking=True)  # finding
                labels = labels.to("cuda")  # finding
                images, labels = images.cuda(), labels.cuda()  # finding
            """,
            fixed="""
            import torch
            from torch import nn

            device = torch.device("cuda" if torch.cuda.is_available() else "cpu")

            net = Net().to(device)
            for images, labels in loader:
                images = images.to(device, non_blocking=True)
                labels = labels.to(device)
                images, labels = images.to(device), labels.to(device)
            """,
        ),
        Bad(
            """
            import torch

            device = torch.device("cuda:0")  # finding
            net = Net().to(device)
            x = torch.rand(2, device="cuda:1")  # finding
            """,
            fixed="""
            import torch

            device = torch.device("cuda:0" if torch.cuda.is_available() else "cpu")
            net = Net().to(device)
            x = torch.rand(2, device="cuda:1" if torch.cuda.is_available() else "cpu")
            """,
        ),
        Bad(
            """
            import torch

            class Net(torch.nn.Module):
                device = torch.device("mps")  # finding

            gpu = "cuda"  # finding
            net.to(device=gpu)
            if torch.cuda.is_available():
                pass
            else:
                net.to("mps")  # finding
            """,
            fixed="""
            import torch

            device = torch.device("mps" if torch.backends.mps.is_available() else "cpu")

            class Net(torch.nn.Module):
                device = torch.device("mps" if torch.backends.mps.is_available() else "cpu")

            gpu = "cuda" if torch.cuda.is_available() else "cpu"
            net.to(device=gpu)
            if torch.cuda.is_available():
                pass
            else:
                net.to(device)
            """,
        ),
        Bad(
            """
            import torch

            print(torch.cuda.get_device_name(0))  # finding
            if torch.backends.mps.is_available():
                torch.set_default_device("mps")
            """
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the places that need a GPU."""
        moves = [(call, name) for call, name in _moves(script) if not is_checked(script, call)]
        fix = one_device(script, moves)
        by_line = {script.line(call): (call, name) for call, name in reversed(moves)}
        for call, name in reversed(by_line.values()):
            yield Match(node=call, fields={"device": name}, fix=fix, imports=("torch",))
        for node, string, name in _named(script):
            if not is_checked(script, node):
                new: Fix = {string: expression(choice(name))} if string is not None else {}
                yield Match(node=node, fields={"device": name}, fix=new, imports=("torch",))


def _moves(script: Script) -> Iterator[tuple[cst.Call, str]]:
    """Yield `x.cuda()` and `x.to("cuda")`, and the GPU."""
    for call, moved in script.method_calls("cuda"):
        if not OPTIMIZERS.match(script.types.of(moved)):
            yield call, "cuda"
    for call, _ in script.method_calls("to"):
        name = _string(script, argument(call, 0, "device"))
        if name:
            yield call, name


def _string(script: Script, node: cst.BaseExpression | None) -> str:
    """Return the GPU that a string in place names."""
    return gpu(script, node) if isinstance(node, cst.SimpleString) else ""


# where a GPU is named, the string that can be replaced, and the GPU
_Named: TypeAlias = tuple[cst.CSTNode, cst.BaseExpression | None, str]


def _named(script: Script) -> Iterator[_Named]:
    """Yield where else a GPU is named."""
    for call in script.calls("torch.device"):
        string = argument(call, 0, "type")
        if (name := gpu(script, string)) and not _is_unused(script, call):
            yield call, string if len(call.args) == 1 else None, name
    for variable, value in device_variables(script):
        if isinstance(value, cst.SimpleString) and _goes_to_device(script, variable):
            yield value, value, gpu(script, value)
    for call in script.calls("torch.set_default_device"):
        string = argument(call, 0, "device")
        if name := _string(script, string):
            yield call, string, name
    for call in script.calls(*_ASK_THE_DRIVER):
        yield call, None, "cuda"
    yield from _keywords(script)


def _keywords(script: Script) -> Iterator[_Named]:
    """Yield the strings after `device=` and `map_location=`, without those of `x.to(device=…)`."""
    for arg in script.nodes(cst.Arg):
        if arg.keyword and arg.keyword.value in ("device", "map_location"):
            name = _string(script, arg.value)
            if name and not _is_method(script.parent(arg), "to"):
                yield arg.value, arg.value, name


def _is_method(call: cst.CSTNode | None, name: str) -> bool:
    return (
        isinstance(call, cst.Call)
        and isinstance(call.func, cst.Attribute)
        and call.func.attr.value == name
    )


def _is_unused(script: Script, device: cst.Call) -> bool:
    """Return whether nothing is put on a device, or another one is chosen after a check."""
    string = argument(device, 0, "type")
    if isinstance(string, cst.Name) and is_checked(script, script.value(string)):
        return True
    parent = script.parent(device)
    if not isinstance(parent, cst.Assign):
        return _is_shown(script, parent)
    target = parent.targets[0].target
    if not isinstance(target, cst.Name) or isinstance(script.scope(target), ClassScope):
        return False
    reads = script.accesses(target)
    return is_chosen_elsewhere(script, target) or all(
        _is_shown(script, script.parent(name)) for name in reads
    )


def _is_shown(script: Script, node: cst.CSTNode | None) -> bool:
    """Return whether a value is only printed, or not used at all."""
    call = script.parent(node) if isinstance(node, cst.Arg) else None
    printed = isinstance(call, cst.Call) and script.name(call.func) == "builtins.print"
    return printed or isinstance(node, cst.Expr | cst.FormattedStringExpression)


def _goes_to_device(script: Script, variable: cst.Name) -> bool:
    """Return whether a string is the device of `.to(…)` or of `device=…`."""
    if is_chosen_elsewhere(script, variable):
        return False
    for name in script.accesses(variable):
        arg = script.parent(name)
        if isinstance(arg, cst.Arg):
            keyword = arg.keyword.value if arg.keyword else ""
            if keyword in ("device", "map_location") or _is_method(script.parent(arg), "to"):
                return True
    return False


RULES = (GpuWithoutCheck,)
