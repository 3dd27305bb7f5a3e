"""Methods that are named and not called, or called on the wrong thing (P23, P24, P27)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from reference.checker.finding import Text
from reference.checker.kinds import OPTIMIZERS, TENSOR, WRITERS
from reference.checker.rule import Bad, Match, Rule
from reference.checker.training.losses import is_loss_tensor
from reference.checker.training.updates import is_optimizer
from reference.checker.tree import argument

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reference.checker.finding import Severity
    from reference.checker.script import Script

# Methods that a script calls for what they do, by what they belong to; all work without arguments.
_OF_TENSORS = {"backward", "item", "sum", "mean", "argmax", "numpy", "cpu", "detach", "tolist"}
_OF_TENSORS |= {"size", "numel"}
_OF_NETWORKS = {"eval", "train", "cuda", "zero_grad", "parameters", "state_dict"}
_OF_OPTIMIZERS = {"step", "zero_grad", "state_dict"}
_OF_WRITERS = {"close", "flush"}
_STATEMENTS = {"backward", "zero_grad", "close"}  # of anything, on a line of their own
STEP = """
optimizer.zero_grad()
loss.backward()
optimizer.step()
"""
LOOP = """
import torch
from torch import nn

net = nn.Linear(8, 10)
loss_fn = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
for imgs, targets in loader:
    outputs = net(imgs)
    loss = loss_fn(outputs, targets)
    {line}
"""


class MethodNotCalled(Rule):
    """A method without parentheses: `optimizer.step`, `loss.item`."""

    name = "method-not-called"
    claims = ("backward.parentheses",)
    severity = "warning"
    message = Text(
        en="{code} names the method and does not call it: write {code}().",
        zh="{code} 只是方法的名字，并没有调用它：要加上括号，写成 {code}()。",
    )
    write = STEP
    valid = (
        LOOP.format(line="loss.backward()\n    optimizer.step()"),
        LOOP.format(line="print(loss.item(), outputs.shape, outputs.T, loss.grad_fn)"),
        LOOP.format(line="step = optimizer.step\n    step()"),
        LOOP.format(line="timer.add(optimizer.step)"),
        "print(list.sum)\n",
    )
    invalid = (
        *(
            Bad(LOOP.format(line=f"{bad}  # finding"), fixed=LOOP.format(line=good))
            for bad, good in (
                (line, line.replace("loss.item", "loss.item()"))
                for line in (
                    "total = total + loss.item",
                    "print('loss', loss.item)",
                    'writer.add_scalar("loss", loss.item, 1)',
                )
            )
        ),
        *(
            Bad(LOOP.format(line=f"{bad}  # finding"), fixed=LOOP.format(line=f"{bad}()"))
            for bad in (
                "loss.backward",
                "optimizer.step",
                "hits = (outputs.argmax(1) == targets).sum",
            )
        ),
        Bad(
            LOOP.format(line='torch.save(net.state_dict, "net.pth")  # finding'),
            fixed=LOOP.format(line='torch.save(net.state_dict(), "net.pth")'),
        ),
        Bad(
            LOOP.format(line="print(outputs.size)  # finding"),
            fixed=LOOP.format(line="print(outputs.size())"),
        ),
        Bad(
            "optimizer.zero_grad  # finding\nresult.backward  # finding\n",
            fixed="optimizer.zero_grad()\nresult.backward()\n",
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the methods of tensors, networks, optimizers and writers that are not called."""
        for node in script.nodes(cst.Attribute):
            name, parent = node.attr.value, script.parent(node)
            if name not in _ALL or (isinstance(parent, cst.Call) and parent.func is node):
                continue
            is_statement = isinstance(parent, cst.Expr)
            if not is_statement and not _is_read(script, node, parent):
                continue
            if name in _methods(script, node.value) or (is_statement and name in _STATEMENTS):
                is_used = isinstance(parent, cst.BinaryOperation | cst.AugAssign)
                severity: Severity = "error" if is_used else "warning"
                fields = {"code": script.code(node)}
                yield Match(node=node, severity=severity, fields=fields, fix={node: cst.Call(node)})


_ALL = _OF_TENSORS | _OF_NETWORKS | _OF_OPTIMIZERS | _OF_WRITERS | _STATEMENTS


def _is_read(script: Script, node: cst.Attribute, parent: cst.CSTNode | None) -> bool:
    """Return whether a method stands where a number or a tensor is meant."""
    if isinstance(parent, cst.BinaryOperation | cst.AugAssign | cst.FormattedStringExpression):
        return True
    if isinstance(parent, cst.Assign):
        target = parent.targets[0].target
        uses = script.accesses(target) if isinstance(target, cst.Name) else []
        called = any(
            isinstance(p := script.parent(use), cst.Call) and p.func is use for use in uses
        )
        return node.attr.value in ("item", "sum", "mean", "argmax") and not called
    call = script.parent(parent) if isinstance(parent, cst.Arg) else None
    if not isinstance(call, cst.Call):
        return False
    method = call.func.attr.value if isinstance(call.func, cst.Attribute) else ""
    return script.name(call.func) in ("builtins.print", "torch.save") or method in (
        "format",
        "add_scalar",
        "append",
    )


def _methods(script: Script, node: cst.BaseExpression) -> set[str]:
    """Return the methods that the type of an expression has."""
    of = script.types.of(node)
    if of == TENSOR or is_loss_tensor(script, node):
        return _OF_TENSORS
    if of in WRITERS:
        return _OF_WRITERS
    if is_optimizer(script, node):
        return _OF_OPTIMIZERS
    return _OF_NETWORKS if script.types.is_module_type(of) else set()


class NoGradNotCalled(Rule):
    """`with torch.no_grad:` without parentheses."""

    name = "no-grad-not-called"
    claims = ("eval.no-grad-parentheses",)
    severity = "error"
    message = Text(
        en="torch.no_grad is a class, which `with` cannot use: write with torch.no_grad():.",
        zh="torch.no_grad 是类，with 不能直接用它：要写 with torch.no_grad():。",
    )
    valid = ("import torch\n\nwith torch.no_grad():\n    print(net(imgs))\n",)
    invalid = (
        Bad(
            "import torch\n\nwith torch.no_grad:  # finding\n    print(net(imgs))\n",
            fixed="import torch\n\nwith torch.no_grad():\n    print(net(imgs))\n",
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the no_grad that are not called in `with`."""
        for item in script.nodes(cst.WithItem):
            node = item.item
            if script.name(node) in ("torch.no_grad", "torch.inference_mode", "torch.enable_grad"):
                yield Match(node=node, fix={node: cst.Call(node)})


class ItemBeforeBackward(Rule):
    """`backward()` of a plain number: `loss = loss_fn(…).item()`."""

    name = "backward-of-number"
    claims = ("backward.item-first",)
    severity = "error"
    message = Text(
        en="{name} is a plain number here, because of .item(), and has no backward(): call "
        "backward() on the loss itself.",
        zh="{name} 因为用了 .item()，在这里只是一个普通数字，没有 backward()：要对损失本身调用 "
        "backward()。",
    )
    valid = (LOOP.format(line="loss.backward()\n    loss = loss.item()"),)
    invalid = (
        Bad(LOOP.format(line="loss = loss.item()\n    loss.backward()  # finding")),
        Bad(
            """
            from torch import nn

            loss_fn = nn.CrossEntropyLoss()
            for imgs, targets in loader:
                loss = loss_fn(net(imgs), targets).item()
                loss.backward()  # finding
            """
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the calls of backward on the result of item()."""
        for call, on in script.method_calls("backward"):
            value = script.value(on)
            function = value.func if isinstance(value, cst.Call) else None
            if isinstance(function, cst.Attribute) and function.attr.value == "item":
                yield Match(node=call, fields={"name": script.code(on)})


class OptimizerGetsNetwork(Rule):
    """A network that is given to an optimizer, in place of its parameters."""

    name = "optimizer-gets-network"
    claims = ("optim.network-passed",)
    severity = "error"
    message = Text(
        en="An optimizer needs the parameters of the network: write {name}.parameters().",
        zh="优化器需要的是网络的参数：应当写 {name}.parameters()。",
    )
    valid = (LOOP.format(line="pass"),)
    invalid = (
        Bad(
            """
            import torch
            from torch import nn

            net = nn.Linear(8, 10)
            optimizer = torch.optim.SGD(net, lr=0.01)  # finding
            """,
            fixed="""
            import torch
            from torch import nn

            net = nn.Linear(8, 10)
            optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
            """,
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the networks that are passed to optimizers."""
        for call in script.nodes(cst.Call):
            given = argument(call, 0, "params")
            is_optimizer = given is not None and OPTIMIZERS.match(script.types.of(call))
            if given is not None and is_optimizer and script.types.is_module(given):
                new = cst.Call(cst.Attribute(given, cst.Name("parameters")))
                yield Match(node=given, fields={"name": script.code(given)}, fix={given: new})


RULES = (MethodNotCalled, NoGradNotCalled, ItemBeforeBackward, OptimizerGetsNetwork)
