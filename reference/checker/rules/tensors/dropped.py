"""New tensors that are made and dropped: `imgs.to(device)` without an assignment (P12, P30)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import libcst as cst

from reference.checker.finding import Text
from reference.checker.kinds import TENSOR
from reference.checker.rule import Bad, Match, Rule
from reference.checker.tree import argument
from reference.checker.uses import is_used_as_network

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reference.checker.bindings import Binding
    from reference.checker.edits import Fix
    from reference.checker.script import Script

_MOVES = {"to", "cuda", "cpu"}
# Methods that return another tensor: first those that one means to apply to the tensor itself.
_CHANGES = {
    "reshape", "view", "unsqueeze", "squeeze", "permute", "transpose", "flatten", "t", "float",
    "long", "double", "int", "half", "detach", "contiguous", "type", "clamp", "repeat", "expand",
}  # fmt: skip
_COMPUTES = {
    "argmax", "argmin", "sum", "mean", "max", "min", "softmax", "sigmoid", "relu", "tanh", "abs",
    "add", "sub", "mul", "div", "pow", "exp", "log", "sqrt", "clone", "matmul",
}  # fmt: skip
_FUNCTION = re.compile(r"torch\.(nn\.functional\.)?([a-z]\w*)$")
_LAYERS_IN_PLACE = {"torch.nn.ReLU", "torch.nn.LeakyReLU", "torch.nn.Dropout", "torch.nn.ReLU6"}


class MoveResultDropped(Rule):
    """`imgs.to(device)` as a statement: a tensor is not moved in place."""

    name = "move-result-dropped"
    claims = ("gpu.reassign", "gpu.data-copied", "gpu.second-listing")
    severity = "warning"
    message = Text(
        en="A tensor is not moved in place, as a network is: this returns a copy on the device, "
        "which is lost. Write {assigned}.",
        zh="张量不像网络那样原地移动：这一行返回的是移到设备上的副本，没有赋值就丢了。"
        "应写 {assigned}。",
    )
    valid = (
        """
        import torch
        from torch import nn

        net = nn.Linear(2, 2)
        net.to(device)
        loss_fn = nn.CrossEntropyLoss()
        loss_fn.cuda()
        images = torch.rand(2, 2)
        images = images.to(device)
        for name, part in net.named_children():
            part.to(device)
        """,
        """
        def train(loader, models, device):
            for model, optimizer in models:
                model.to(device)
                model.train()
            for images, targets in loader:
                images, targets = images.to(device), targets.to(device)
        """,
    )
    invalid = (
        Bad(
            """
            from torch.utils.data import DataLoader

            loader = DataLoader(test_data, batch_size=64)
            for data in loader:
                images, targets = data
                images.to(device)  # finding
                targets.cuda()  # finding
            """,
            fixed="""
            from torch.utils.data import DataLoader

            loader = DataLoader(test_data, batch_size=64)
            for data in loader:
                images, targets = data
                images = images.to(device)
                targets = targets.cuda()
            """,
        ),
        Bad(
            """
            def test(model, loader, device):
                for i, (x, y) in enumerate(loader):
                    x.to(device)  # finding
                    output = model(x)
                for batch in loader:
                    a, b = batch
                    b.to(device)  # finding
            """,
            fixed="""
            def test(model, loader, device):
                for i, (x, y) in enumerate(loader):
                    x = x.to(device)
                    output = model(x)
                for batch in loader:
                    a, b = batch
                    b = b.to(device)
            """,
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the statements that move a tensor and drop it."""
        for statement, call in _statements(script):
            if isinstance(call.func, cst.Attribute) and call.func.attr.value in _MOVES:
                tensor = call.func.value
                if _is_tensor(script, tensor):
                    fields = {"assigned": f"{script.code(tensor)} = {script.code(call)}"}
                    fix = _assignment(script, statement, tensor, call)
                    yield Match(node=statement, fields=fields, write=fields["assigned"], fix=fix)


class TensorResultDropped(Rule):
    """`torch.reshape(x, …)`, `x.argmax(1)` and the like as a statement."""

    name = "tensor-result-dropped"
    claims = ("tensor.new-tensor", "tensor.in-place-prefix")
    severity = "warning"
    message = Text(
        en="{function} returns a new tensor and does not change the one it is called with: assign "
        "the result.",
        zh="{function} 返回新的张量，并不改变原来的张量：请把结果赋值给变量。",
    )
    valid = (
        """
        import torch

        x = torch.rand(4, 4)
        y = x.reshape(2, 8)
        x.unsqueeze_(0)
        x.add_(y)
        torch.add(x, y, out=z)
        torch.manual_seed(1)
        torch.save(x, "x.pth")
        torch.nn.functional.relu(x, inplace=True)
        print(x.argmax(1))
        """,
        """
        results.reshape(2, 3)
        text.view()
        """,
    )
    invalid = (
        Bad(
            """
            import torch

            output = torch.rand(64, 6, 30, 30)
            torch.reshape(output, (-1, 3, 30, 30))  # finding
            output.unsqueeze(0)  # finding
            """,
            fixed="""
            import torch

            output = torch.rand(64, 6, 30, 30)
            output = torch.reshape(output, (-1, 3, 30, 30))
            output = output.unsqueeze(0)
            """,
        ),
        Bad(
            """
            import torch
            from torch import nn
            from torch.nn import functional as F

            class Net(nn.Module):
                def __init__(self):
                    super().__init__()
                    self.conv1 = nn.Conv2d(3, 6, 3)
                    self.relu = nn.ReLU(inplace=True)

                def forward(self, x):
                    self.conv1(x)  # finding
                    self.relu(x)
                    torch.flatten(x, 1)  # finding
                    return x
            """,
            fixed="""
            import torch
            from torch import nn
            from torch.nn import functional as F

            class Net(nn.Module):
                def __init__(self):
                    super().__init__()
                    self.conv1 = nn.Conv2d(3, 6, 3)
                    self.relu = nn.ReLU(inplace=True)

                def forward(self, x):
                    x = self.conv1(x)
                    self.relu(x)
                    x = torch.flatten(x, 1)
                    return x
            """,
        ),
        Bad(
            """
            import torch

            x = torch.rand(4, 10)
            x.argmax(1)  # finding
            x.add(1)  # finding
            """
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the statements that compute a tensor and drop it."""
        for statement, call in _statements(script):
            found = _computed(script, call)
            if found is not None:
                tensor, is_change = found
                fix = _assignment(script, statement, tensor, call) if is_change else {}
                yield Match(node=statement, fields={"function": script.code(call.func)}, fix=fix)


def _statements(script: Script) -> Iterator[tuple[cst.Expr, cst.Call]]:
    """Yield the calls that are statements; a notebook shows the value of a cell's last one."""
    for statement in script.nodes(cst.Expr):
        if isinstance(statement.value, cst.Call):
            in_function = script.enclosing(statement, cst.FunctionDef) is not None
            if in_function or script.path.suffix != ".ipynb":
                yield statement, statement.value


def _computed(script: Script, call: cst.Call) -> tuple[cst.BaseExpression, bool] | None:
    """Return the tensor that a call computes with, and whether that one is to be changed."""
    if argument(call, None, "out") or script.literal(argument(call, None, "inplace")) is True:
        return None
    function = _FUNCTION.match(script.name(call.func))
    method = function[2] if function else ""
    tensor = call.args[0].value if call.args else None
    if not function and isinstance(call.func, cst.Attribute):
        method, tensor = call.func.attr.value, call.func.value
    known = tensor is not None and method in _CHANGES | _COMPUTES
    if known and tensor is not None and (function or _is_tensor(script, tensor)):
        return tensor, method in _CHANGES
    return _applied(script, call)


def _applied(script: Script, call: cst.Call) -> tuple[cst.BaseExpression, bool] | None:
    """Return the input of a layer of `self` that forward calls without using the result."""
    function = script.enclosing(call, cst.FunctionDef)
    if function is None or function.name.value != "forward" or len(call.args) != 1:
        return None
    if not isinstance(call.func, cst.Attribute) or not script.types.is_module(call.func):
        return None
    if script.types.of(call.func) not in _LAYERS_IN_PLACE:
        return call.args[0].value, True
    owner = script.enclosing(function, cst.ClassDef)
    in_place = owner is not None and "inplace" in script.code(owner)
    return None if in_place else (call.args[0].value, True)


def _assignment(
    script: Script, statement: cst.Expr, tensor: cst.BaseExpression, call: cst.Call
) -> Fix:
    """Return the fix that assigns the result, unless a loop would repeat it with one tensor."""
    binding = script.binding(tensor) if isinstance(tensor, cst.Name) else None
    loop = script.enclosing(statement, cst.For, cst.While, cst.FunctionDef)
    again = isinstance(loop, cst.For | cst.While) and (
        binding is None or loop not in script.parents(binding.name)
    )
    if again or not isinstance(tensor, cst.Name):
        return {}
    return {statement: cst.Assign([cst.AssignTarget(tensor)], call)}


def _is_tensor(script: Script, node: cst.BaseExpression) -> bool:
    """Return whether an expression is a tensor, or a part of what a loop over batches gives."""
    of = script.types.of(node)
    if of or not isinstance(node, cst.Name):
        return of == TENSOR
    binding = script.binding(node)
    if binding is None or not binding.path or is_used_as_network(script, node):
        return False
    return _is_batch(script, binding)


def _is_batch(script: Script, binding: Binding) -> bool:
    """Return whether a variable is unpacked from a batch: `x` in `for x, y in loader`."""
    if not binding.iterated:
        value = binding.value
        source = script.binding(value) if isinstance(value, cst.Name) else None
        return source is not None and source.iterated and _is_batch(script, source)
    loader = binding.value
    if isinstance(loader, cst.Call) and loader.args and not isinstance(loader.func, cst.Attribute):
        loader = loader.args[0].value  # enumerate, tqdm
    name = script.code(loader) if isinstance(loader, cst.Name | cst.Attribute) else ""
    return "load" in name.lower() or script.types.of(loader) == "torch.utils.data.DataLoader"


RULES = (MoveResultDropped, TensorResultDropped)
