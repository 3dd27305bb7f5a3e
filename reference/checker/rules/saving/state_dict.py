"""`load_state_dict`, and what must be there when a file is loaded (P26, P32)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar

import libcst as cst

from reference.checker.edits import Fix, expression, statement_of
from reference.checker.finding import Text
from reference.checker.flow import SAME_VALUE
from reference.checker.rule import Bad, Match, Rule
from reference.checker.saving.filenames import file_name
from reference.checker.saving.saved import content_of, saved_as
from reference.checker.tree import argument
from reference.checker.uses import use_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reference.checker.script import Script

_WEIGHT_FILE = re.compile(r"\.(pth|pt|pkl|bin|tar)\s*$")


class LoadStateDictOfPath(Rule):
    """`load_state_dict` with the name of a file."""

    name = "load-state-dict-path"
    claims = ("saveload.load-state-dict-argument",)
    severity = "error"
    message = Text(
        en="load_state_dict takes the weights, not the name of a file: read the file with "
        "torch.load first.",
        zh="load_state_dict 要的是参数（字典），不是文件名：先用 torch.load 读取文件。",
    )
    valid = (
        """
        import torch

        net.load_state_dict(torch.load("net.pth"))
        net.load_state_dict(state)
        """,
    )
    invalid = (
        Bad(
            """
            import torch

            net.load_state_dict("net.pth")  # finding
            path = "models/net_{}.pth".format(9)
            net.load_state_dict(path, strict=False)  # finding
            """,
            fixed="""
            import torch

            net.load_state_dict(torch.load("net.pth"))
            path = "models/net_{}.pth".format(9)
            net.load_state_dict(torch.load(path), strict=False)
            """,
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the calls of load_state_dict with a string."""
        for call, _ in script.method_calls("load_state_dict"):
            given = argument(call, 0, "state_dict")
            path = file_name(script, given)
            if given is None or not _WEIGHT_FILE.search(path):
                continue
            certain = content_of(saved_as(script, path)) != "network"
            load = cst.Call(expression("torch.load"), [cst.Arg(given)])
            fix: Fix = {given: load} if certain else {}
            yield Match(node=call, fix=fix, imports=("torch",))


class LoadStateDictOfNetwork(Rule):
    """`load_state_dict` with a whole network."""

    name = "load-state-dict-network"
    claims = ("saveload.load-state-dict-argument",)
    severity = "error"
    message = Text(
        en="load_state_dict takes weights, and this is a whole network: write .state_dict() "
        "behind it, or use the loaded network itself.",
        zh="load_state_dict 要的是参数，而这里给的是整个网络：在它后面加上 .state_dict()，"
        "或者直接使用读出来的网络。",
    )
    files: ClassVar = {
        "save.py": """
        import torch
        from torch import nn

        net = nn.Linear(2, 2)
        torch.save(net, "net.pth")
        """
    }
    valid = (
        """
        import torch
        from torch import nn

        net = nn.Linear(2, 2)
        net.load_state_dict(torch.load("weights.pth"))
        net.load_state_dict(nn.Linear(2, 2).state_dict())
        """,
    )
    invalid = (
        Bad(
            """
            import torch
            from torch import nn

            net = nn.Linear(2, 2)
            other = nn.Linear(2, 2)
            net.load_state_dict(other)  # finding
            net.load_state_dict(torch.load("net.pth", weights_only=False))  # finding
            """,
            fixed="""
            import torch
            from torch import nn

            net = nn.Linear(2, 2)
            other = nn.Linear(2, 2)
            net.load_state_dict(other.state_dict())
            net.load_state_dict(torch.load("net.pth", weights_only=False).state_dict())
            """,
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the calls of load_state_dict with a network."""
        for call, _ in script.method_calls("load_state_dict"):
            given = argument(call, 0, "state_dict")
            if given is not None and (
                script.types.is_module(given) or _is_loaded_network(script, script.value(given))
            ):
                new = cst.Call(cst.Attribute(given, cst.Name("state_dict")))
                yield Match(node=call, fix={given: new})


def _is_loaded_network(script: Script, value: cst.BaseExpression) -> bool:
    """Return whether an expression reads a file that a script saved as a whole network."""
    if not isinstance(value, cst.Call) or script.name(value.func) != "torch.load":
        return False
    if script.literal(argument(value, None, "weights_only")) is not False:
        return False  # the load itself fails
    return content_of(saved_as(script, file_name(script, argument(value, 0, "f")))) == "network"


class LoadStateDictResult(Rule):
    """The result of `load_state_dict` used as the network."""

    name = "load-state-dict-result"
    claims = ("infer.load-state-dict-result",)
    severity = "error"
    message = Text(
        en="load_state_dict changes the network itself and returns only a report of the keys, "
        "which cannot be used as a network: do not assign its result.",
        zh="load_state_dict 修改的是网络本身，返回的只是键的匹配情况，不能当作网络来用："
        "不要把它的结果赋给网络变量。",
    )
    valid = (
        """
        import torch

        net.load_state_dict(torch.load("net.pth"))
        result = net.load_state_dict(torch.load("net.pth"), strict=False)
        print(result.missing_keys)
        """,
    )
    invalid = (
        Bad(
            """
            import torch

            net = Net()
            net = net.load_state_dict(torch.load("net.pth"))  # finding
            print(net)
            """,
            fixed="""
            import torch

            net = Net()
            net.load_state_dict(torch.load("net.pth"))
            print(net)
            """,
        ),
        Bad(
            """
            import torch

            def load(path):
                model = Net().load_state_dict(torch.load(path))  # finding
                model.eval()
                return model
            """,
            fixed="""
            import torch

            def load(path):
                model = Net()
                model.load_state_dict(torch.load(path))
                model.eval()
                return model
            """,
        ),
        Bad(
            """
            import torch

            Net().load_state_dict(torch.load("net.pth")).eval()  # finding
            """
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the calls of load_state_dict whose result is used as a network."""
        for call, network in script.method_calls("load_state_dict"):
            assign = script.parent(call)
            target = _only_target(assign)
            again = target is not None and target.deep_equals(network)
            if again or use_of(script, call) == "network" or _is_moved(script, call):
                yield Match(node=call, fix=_assign_first(script, call, network, target))


def _only_target(assign: cst.CSTNode | None) -> cst.BaseExpression | None:
    return assign.targets[0].target if isinstance(assign, cst.Assign) else None


def _is_moved(script: Script, call: cst.Call) -> bool:
    """Return whether `.to(device)` or the like stands behind a call."""
    parent = script.parent(call)
    return isinstance(parent, cst.Attribute) and parent.attr.value in SAME_VALUE


def _assign_first(
    script: Script,
    call: cst.Call,
    network: cst.BaseExpression,
    target: cst.BaseExpression | None,
) -> Fix:
    """Return the fix that makes two statements of `net = Net().load_state_dict(…)`."""
    statement = statement_of(script, call)
    assign = script.parent(call)
    if target is None or statement is None or len(statement.body) != 1:
        return {}
    if target.deep_equals(network):
        return {assign: cst.Expr(call)} if assign is not None else {}
    new = call.with_changes(func=cst.Attribute(target, cst.Name("load_state_dict")))
    first = f"{script.code(target)} = {script.code(network)}"
    second = cst.SimpleStatementLine(
        [cst.Expr(new)], trailing_whitespace=statement.trailing_whitespace
    )
    made = cst.parse_statement(first).with_changes(leading_lines=statement.leading_lines)
    return {statement: cst.FlattenSentinel([made, second])}


RULES = (LoadStateDictOfPath, LoadStateDictOfNetwork, LoadStateDictResult)
