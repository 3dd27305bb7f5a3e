"""What an optimizer is given, and optimizers that are never used (P24)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from reference.checker.finding import Text
from reference.checker.overwritten import overwriting
from reference.checker.rule import Bad, Match, Rule
from reference.checker.training.loops import training_loops
from reference.checker.training.updates import is_optimizer
from reference.checker.tree import argument

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reference.checker.script import Script


class ParametersNotCalled(Rule):
    """`model.parameters` without parentheses, given to an optimizer."""

    name = "parameters-not-called"
    claims = ("optim.parameters-called",)
    severity = "error"
    message = Text(
        en="An optimizer needs the parameters, and this is the method that returns them: call it, "
        "{code}().",
        zh="优化器需要的是参数，这里传入的却是返回参数的方法本身：要加上括号，写成 {code}()。",
    )
    valid = (
        """
        import torch

        optimizer = torch.optim.SGD(tudui.parameters(), lr=0.01)
        """,
    )
    invalid = (
        Bad(
            """
            from torch import optim

            optimizer = optim.SGD(tudui.parameters, lr=0.01)  # finding
            optimizer = optim.Adam(params=tudui.parameters)  # finding
            """,
            fixed="""
            from torch import optim

            optimizer = optim.SGD(tudui.parameters(), lr=0.01)
            optimizer = optim.Adam(params=tudui.parameters())
            """,
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the attributes `parameters` that are passed to optimizers."""
        for call in script.nodes(cst.Call):
            node = argument(call, 0, "params")
            is_method = isinstance(node, cst.Attribute) and node.attr.value == "parameters"
            if node and is_method and is_optimizer(script, call):
                code = script.code(node)
                yield Match(node=node, fields={"code": code}, fix={node: cst.Call(node)})


class OptimizerReplaced(Rule):
    """An optimizer that is replaced by another one before it is used."""

    name = "optimizer-replaced"
    claims = ("optim.second-optimizer",)
    severity = "advice"
    message = Text(
        en="Line {line} puts another optimizer into {name}, so this one is never used: keep only "
        "one of the two.",
        zh="第 {line} 行又给 {name} 赋了另一个优化器，这一个根本没有用到：两个里只留一个。",
    )
    valid = (
        """
        import torch

        if momentum:
            optimizer = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)
        else:
            optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
        """,
        """
        import torch

        optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
        train(optimizer)
        optimizer = torch.optim.SGD(net.parameters(), lr=0.001)
        train(optimizer)
        """,
    )
    invalid = (
        Bad(
            """
            import torch

            optimizer = torch.optim.SGD(net.parameters(), lr=0.01)  # finding
            optimizer = torch.optim.Adam([var1, var2], lr=0.0001)
            optimizer.step()
            """
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the optimizers that a later line of the same block replaces unused."""
        for first in script.nodes(cst.Assign):
            second = overwriting(script, first) if is_optimizer(script, first.value) else None
            if second is not None and is_optimizer(script, second.value):
                name = script.code(second.targets[0].target)
                fields = {"line": str(script.line(second)), "name": name}
                yield Match(node=first, fields=fields)


class ParametersOfAnother(Rule):
    """An optimizer with the parameters of a network that the script does not use."""

    name = "parameters-of-another"
    claims = ("optim.own-parameters", "optim.second-optimizer")
    severity = "warning"
    message = Text(
        en="The optimizer changes the weights of {given}, but the loop trains {trained}, whose "
        "weights stay as they are. Write {trained}.parameters().",
        zh="优化器更新的是 {given} 的权重，而循环里训练的是 {trained}，它的权重不会变。"
        "请写 {trained}.parameters()。",
    )
    write = "optimizer = torch.optim.SGD(tudui.parameters(), lr=0.01)"
    valid = (
        """
        import torch
        from torch import nn

        backbone = nn.Linear(8, 8)
        net = nn.Sequential(backbone, nn.Linear(8, 2))
        optimizer = torch.optim.SGD(backbone.parameters(), lr=0.01)
        for imgs, targets in loader:
            optimizer.zero_grad()
            loss_fn(net(imgs), targets).backward()
            optimizer.step()
        """,
    )
    invalid = (
        Bad(
            """
            import torch
            from torch import nn
            from torch.utils.data import DataLoader

            net1 = nn.Linear(8, 2)
            net2 = nn.Linear(8, 2)
            optimizer = torch.optim.SGD(net1.parameters(), lr=0.01)  # finding
            for imgs, targets in DataLoader(dataset, batch_size=4):
                optimizer.zero_grad()
                loss_fn(net2(imgs), targets).backward()
                optimizer.step()
            """,
            fixed="""
            import torch
            from torch import nn
            from torch.utils.data import DataLoader

            net1 = nn.Linear(8, 2)
            net2 = nn.Linear(8, 2)
            optimizer = torch.optim.SGD(net2.parameters(), lr=0.01)
            for imgs, targets in DataLoader(dataset, batch_size=4):
                optimizer.zero_grad()
                loss_fn(net2(imgs), targets).backward()
                optimizer.step()
            """,
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the only optimizer's network, if the training loops call only another one."""
        calls = [call for call in script.nodes(cst.Call) if is_optimizer(script, call)]
        loops = training_loops(script)
        if len(calls) != 1 or not loops or not calls[0].args:
            return
        given = calls[0].args[0].value
        if not isinstance(given, cst.Call) or not isinstance(given.func, cst.Attribute):
            return
        network = given.func.value
        trained = [call.func for loop in loops for call in loop.outputs]
        names = {node.value for node in trained if isinstance(node, cst.Name)}
        if not isinstance(network, cst.Name) or len(names) != 1 or len(names) != len(trained):
            return
        if network.value not in names and _is_unused(script, network):
            fields = {"given": network.value, "trained": script.code(trained[0])}
            yield Match(node=calls[0], fields=fields, fix={network: trained[0]})


def _is_unused(script: Script, network: cst.Name) -> bool:
    """Return whether only methods such as `parameters` and `to` of a network are used."""
    is_known = script.types.is_module(network)
    uses = [script.parent(name) for name in script.accesses(network)]
    only = {"parameters", "to", "cuda", "train", "eval", "state_dict"}
    return is_known and all(isinstance(u, cst.Attribute) and u.attr.value in only for u in uses)


RULES = (ParametersNotCalled, OptimizerReplaced, ParametersOfAnother)
