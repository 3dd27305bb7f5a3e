"""Arguments that the function does not have (P4, P16)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from reference.checker.finding import Text
from reference.checker.kinds import TENSOR
from reference.checker.python.libraries import similar
from reference.checker.python.signatures import misfits
from reference.checker.rule import Bad, Match, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reference.checker.edits import Fix
    from reference.checker.python.signatures import Signature
    from reference.checker.script import Script


class TooManyArguments(Rule):
    """A call with more arguments than the function has parameters."""

    name = "too-many-arguments"
    claims = ("builtin.arguments",)
    severity = "error"
    message = Text(
        en="{function} takes {count} arguments ({names}), and this call gives {given} (TypeError).",
        zh="{function} 只接受 {count} 个参数（{names}），这里给了 {given} 个（TypeError）。",
    )
    write = ""
    valid = (
        """
        def f(x, *rest):
            return x


        f(1, 2, 3)
        """,
        """
        from torch import nn


        class Tudui(nn.Module):
            def forward(self, x, y=None):
                return x


        net = Tudui()
        net(1, 2)
        """,
    )
    invalid = (
        Bad(
            """
            from torch import nn


            class Tudui(nn.Module):
                def __init__(self):
                    super().__init__()

                def forward(self, x):
                    return x


            net = Tudui(3, 10)  # finding
            net(imgs, targets)  # finding
            """
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the calls of the script's own functions and classes."""
        for call, signature, wrong, own in misfits(script):
            if own and wrong.too_many is not None and not _gets_data(script, call):
                yield Match(
                    node=call,
                    fields={
                        "function": signature.function,
                        "count": str(len(signature.positional)),
                        "names": ", ".join(signature.positional),
                        "given": str(sum(arg.keyword is None for arg in call.args)),
                    },
                )


def _gets_data(script: Script, call: cst.Call) -> bool:
    """Return whether a network's class is called with tensors, which is another mistake."""
    is_class = script.types.is_module_type(script.name(call.func))
    is_object = script.types.is_module(call.func)
    tensors = any(script.types.of(arg.value) == TENSOR for arg in call.args)
    return is_class and not is_object and tensors


class UnknownArgument(Rule):
    """An argument by a name that the function does not have."""

    name = "unknown-argument"
    claims = ("builtin.arguments",)
    severity = "error"
    message = Text(
        en="{function} has no argument {name} (TypeError: unexpected keyword argument). It has "
        "{right}.",
        zh="{function} 没有名为 {name} 的参数（TypeError: unexpected keyword argument）。"
        "它有 {right}。",
    )
    write = ""
    valid = (
        """
        from torch import nn
        from torch.utils.data import DataLoader

        nn.Conv2d(3, 6, kernel_size=3, new_option_of_another_version=1)
        DataLoader(data, batch_size=64, shuffle=True, drop_last=True)


        def f(**options):
            return options


        f(x=1)
        """,
    )
    invalid = (
        Bad(
            """
            from torch import nn
            from torch.optim import SGD
            from torch.utils.data import DataLoader

            nn.Conv2d(3, 6, kernal_size=3)  # finding
            DataLoader(data, batchsize=64)  # finding
            SGD(params, learning_rate=0.01)  # finding


            def train(net, epochs=3):
                return net


            train(1, epoch=4)  # finding
            """,
            fixed="""
            from torch import nn
            from torch.optim import SGD
            from torch.utils.data import DataLoader

            nn.Conv2d(3, 6, kernel_size=3)
            DataLoader(data, batch_size=64)
            SGD(params, lr=0.01)


            def train(net, epochs=3):
                return net


            train(1, epochs=4)
            """,
        ),
        Bad(
            """
            def train(net, epochs=3):
                return net


            train(1, learning_rate=4)  # finding
            """
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the arguments; those of PyTorch only if they resemble one that exists."""
        for call, signature, wrong, own in misfits(script):
            for arg in wrong.unknown:
                name = arg.keyword.value if arg.keyword else ""
                right = similar(name, signature.named) or _meant(name, signature)
                if own or right:
                    fields = {
                        "function": signature.function,
                        "name": name,
                        "right": right or ", ".join(signature.named) or "-",
                    }
                    given = {other.keyword.value for other in call.args if other.keyword}
                    fix: Fix = {}
                    if right and right not in given:
                        fix = {arg: arg.with_changes(keyword=cst.Name(right))}
                    yield Match(node=arg, fields=fields, fix=fix)


def _meant(name: str, signature: Signature) -> str:
    """Return the parameter that other libraries call by a name."""
    meant = {"learning_rate": "lr", "kernel": "kernel_size", "pad": "padding"}.get(name, "")
    return meant if meant in signature.named else ""


RULES = (TooManyArguments, UnknownArgument)
