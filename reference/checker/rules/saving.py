"""Saving and loading networks (P26, P32)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from reference.checker.finding import Text
from reference.checker.rule import Bad, Match, Rule
from reference.checker.tree import argument

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reference.checker.script import Script


class TorchLoadWholeModel(Rule):
    """`torch.load` of a whole network, which fails since torch 2.6."""

    name = "torch-load-whole-model"
    claims = ("saveload.whole-model", "infer.whole-model")
    since = "2.6"
    severity = "error"
    message = Text(
        en="This file contains a whole network, and since torch 2.6 torch.load reads only tensors "
        "and plain values. If you trust the file, write weights_only=False; better, save "
        "model.state_dict() and load it with load_state_dict.",
        zh="这个文件保存的是整个网络，而从 torch 2.6 起 torch.load 默认只读张量和普通数值。"
        "文件可信时加上 weights_only=False；更好的做法是保存 model.state_dict()，"
        "再用 load_state_dict 加载。",
    )
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
    )
    invalid = (
        Bad(
            """
            import torch

            model = torch.load("tudui.pth")  # finding
            model.eval()
            """,
            fixed="""
            import torch

            model = torch.load("tudui.pth", weights_only=False)
            model.eval()
            """,
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the calls of torch.load whose result is used as a network."""
        for call in script.calls("torch.load"):
            if argument(call, None, "weights_only") is None and _used_as_network(script, call):
                new = cst.Arg(
                    cst.Name("False"),
                    keyword=cst.Name("weights_only"),
                    equal=cst.AssignEqual(cst.SimpleWhitespace(""), cst.SimpleWhitespace("")),
                )
                yield Match(node=call, fix={call: call.with_changes(args=[*call.args, new])})


def _used_as_network(script: Script, call: cst.Call) -> bool:
    parent = script.parent(call)
    if not isinstance(parent, cst.Assign) or not isinstance(parent.targets[0].target, cst.Name):
        return False
    for name in script.accesses(parent.targets[0].target):
        use = script.parent(name)
        if isinstance(use, cst.Call) and use.func is name:
            return True
        if isinstance(use, cst.Attribute) and use.attr.value in ("eval", "train", "to", "cuda"):
            return True
    return False


RULES = (TorchLoadWholeModel,)
