"""Optimizers and the devices of their networks (P30)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from reference.checker.finding import Text
from reference.checker.kinds import OPTIMIZERS
from reference.checker.rule import Bad, Match, Rule
from reference.checker.tree import argument

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reference.checker.edits import Fix
    from reference.checker.script import Script


class OptimizerBeforeMove(Rule):
    """An optimizer that is made before its network is moved to a device."""

    name = "optimizer-before-move"
    claims = ("gpu.optimizer-first",)
    severity = "advice"
    message = Text(
        en="{network} is moved to a device after this optimizer was made from its parameters. Move "
        "it first: on some devices the move makes new parameters, and the optimizer then "
        "changes the old ones.",
        zh="先用 {network} 的参数创建了优化器，之后才移动 {network}。应先移动再创建优化器："
        "在某些设备上，移动会产生新的参数，优化器更新的仍是旧参数。",
    )
    valid = (
        """
        import torch

        net = Net()
        net = net.to(device)
        optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
        """,
        """
        import torch

        net = Net()
        optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
        net = Net().to(device)
        optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
        """,
    )
    invalid = (
        Bad("""
            import torch
            from torch import optim

            net = Net()
            optimizer = optim.Adam(net.parameters(), lr=0.01)  # finding
            net = net.to(device)
            """),
        Bad("""
            import torch

            def main():
                net = Net()
                optimizer = torch.optim.SGD(params=net.parameters(), lr=0.01)  # finding
                if torch.cuda.is_available():
                    net.cuda()
            """),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the optimizers whose network is moved later in the same function."""
        made = [call for call in script.nodes(cst.Call) if OPTIMIZERS.match(script.name(call.func))]
        networks = [(call, _network(argument(call, 0, "params"))) for call in made]
        for index, (call, network) in enumerate(networks):
            if network is None or any(
                _is_same(script, other, network) for _, other in networks[index + 1 :]
            ):
                continue
            moves = script.method_calls("to", "cuda")
            if any(script.before(call, m) and _is_same(script, n, network) for m, n in moves):
                yield Match(node=call, fields={"network": network.value})


def _network(params: cst.BaseExpression | None) -> cst.Name | None:
    """Return the variable of `net.parameters()`."""
    if not isinstance(params, cst.Call) or not isinstance(params.func, cst.Attribute):
        return None
    network = params.func.value
    return network if isinstance(network, cst.Name) else None


def _is_same(script: Script, first: cst.BaseExpression | None, second: cst.Name) -> bool:
    """Return whether two expressions read one variable of a function."""
    if not isinstance(first, cst.Name) or first.value != second.value:
        return False
    return script.scope(first) is script.scope(second)


class OptimizerMoved(Rule):
    """`optimizer.cuda()` or `optimizer.to(device)`, which do not exist."""

    name = "optimizer-moved"
    claims = ("gpu.optimizer-unused", "optim.no-cuda-method")
    severity = "error"
    message = Text(
        en="An optimizer has no method {method} (AttributeError): it works where its parameters "
        "are. Move the network first, then create the optimizer.",
        zh="优化器没有 {method} 方法（会报 AttributeError）：它跟随参数所在的设备。"
        "先移动网络，再创建优化器即可。",
    )
    valid = (
        """
        import torch

        net = net.to(device)
        optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
        optimizer.step()
        """,
    )
    invalid = (
        Bad(
            """
            import torch

            optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
            optimizer = optimizer.cuda()  # finding
            adam = torch.optim.Adam(net.parameters())
            if torch.cuda.is_available():
                net.cuda()
                adam.to(device)  # finding
            """,
            fixed="""
            import torch

            optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
            adam = torch.optim.Adam(net.parameters())
            if torch.cuda.is_available():
                net.cuda()
            """,
        ),
        Bad("""
            import torch

            if torch.cuda.is_available():
                optimizer = torch.optim.Adam(net.parameters()).cuda()  # finding
            """),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the calls that would move an optimizer."""
        for call, optimizer in script.method_calls("cuda", "to"):
            if OPTIMIZERS.match(script.types.of(optimizer)):
                method = cst.ensure_type(call.func, cst.Attribute).attr.value
                yield Match(
                    node=call, fields={"method": method}, fix=_without(script, call, optimizer)
                )


def _without(script: Script, call: cst.Call, optimizer: cst.BaseExpression) -> Fix:
    """Return the fix that removes the statement, if that is all it does and not all of a block."""
    statement = script.parent(call)
    line = script.parent(statement) if statement is not None else None
    block = script.parent(line) if line is not None else None
    if isinstance(statement, cst.Assign) and not statement.targets[0].target.deep_equals(optimizer):
        return {}
    alone = isinstance(line, cst.SimpleStatementLine) and len(line.body) == 1
    if not isinstance(statement, cst.Assign | cst.Expr) or not alone or line is None:
        return {}
    if not isinstance(block, cst.Module | cst.IndentedBlock) or len(block.body) == 1:
        return {}
    return {line: cst.RemovalSentinel.REMOVE}


RULES = (OptimizerBeforeMove, OptimizerMoved)
