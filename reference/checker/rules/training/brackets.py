"""Square brackets around what a description tells to replace (P24, P26)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from reference.checker.data.paths import TAKES_PATH
from reference.checker.finding import Text
from reference.checker.rule import Bad, Match, Rule
from reference.checker.tree import argument

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reference.checker.script import Script


class PlaceholderBrackets(Rule):
    """`[optimizer].zero_grad()`, `torch.load(["net.pth"])`."""

    name = "placeholder-brackets"
    claims = ("listing.square-brackets",)
    severity = "error"
    message = Text(
        en="With the square brackets this is a list, and the line fails. In a description they "
        "only mark what to replace: write {inner} without them.",
        zh="加了方括号就成了列表，这一行会报错。说明里的方括号只表示这里要换成自己的内容："
        "去掉方括号，写 {inner}。",
    )
    write = ""
    valid = (
        """
        import torch

        [1, 2].index(2)
        [optimizer].append(other)
        optimizer.zero_grad()
        torch.load("net.pth")
        torch.save([1, 2], "list.pth")
        """,
    )
    invalid = (
        Bad(
            """
            import torch

            optimizer = torch.optim.SGD([net].parameters(), lr=0.01)  # finding
            [optimizer].zero_grad()  # finding
            net.load_state_dict(torch.load(["net.pth"]))  # finding
            """,
            fixed="""
            import torch

            optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
            optimizer.zero_grad()
            net.load_state_dict(torch.load("net.pth"))
            """,
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the lists of one element that have no such method or stand for a path."""
        for brackets in _lists(script):
            if len(brackets.elements) == 1 and isinstance(brackets.elements[0], cst.Element):
                inner = brackets.elements[0].value
                fields = {"inner": script.code(inner)}
                yield Match(node=brackets, fields=fields, fix={brackets: inner})


def _lists(script: Script) -> Iterator[cst.List]:
    for name, call in script.named_calls:
        match call.func:
            case cst.Attribute(value=cst.List() as brackets, attr=cst.Name(method)):
                if not hasattr(list, method):
                    yield brackets
        path = argument(call, TAKES_PATH[name], "f") if name in TAKES_PATH else None
        if isinstance(path, cst.List):
            yield path


RULES = (PlaceholderBrackets,)
