"""Calls without an argument that the function needs (P4, P16, P26)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reference.checker.finding import Text
from reference.checker.python.signatures import misfits
from reference.checker.rule import Bad, Match, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reference.checker.script import Script


class MissingArguments(Rule):
    """A call without an argument that the function needs."""

    name = "missing-arguments"
    claims = ("builtin.arguments", "module.missing-argument", "listing.bare-save-and-load")
    severity = "error"
    message = Text(
        en="{function} needs the argument {missing}, which this call does not give (TypeError: "
        "missing required positional argument).",
        zh="{function} 需要参数 {missing}，而这里没有给出（TypeError: missing required "
        "positional argument）。",
    )
    write = ""
    valid = (
        """
        from torch import nn


        class Tudui(nn.Module):
            def __init__(self, channels=3):
                super().__init__()
                self.conv1 = nn.Conv2d(in_channels=channels, out_channels=6, kernel_size=3)

            def forward(self, x):
                return self.conv1(x)


        def train(net, *args, lr=0.1):
            return net


        tudui = Tudui()
        tudui(imgs)
        train(tudui)
        train(*parts)
        Other()
        """,
        """
        class Counter:
            def __init__(self, start):
                self.start = start

            @property
            def value(self):
                return self.start

            @staticmethod
            def make():
                return Counter(0)


        Counter.make()
        Counter(start=1).value
        Counter.__init__(Counter(1), 2)
        """,
        """
        if a:

            def f(x):
                return x

        else:

            def f():
                return 1


        f()
        """,
    )
    invalid = (
        Bad(
            """
            class Person:
                def __call__(self, name):
                    print("Hello " + name)

                def hello(self, name):
                    print("Hello " + name)


            person = Person()
            person("zhang")
            person()  # finding
            person.hello()  # finding
            Person.hello("zhang")  # finding
            Person()()  # finding
            """
        ),
        Bad(
            """
            import torch
            from torch import nn


            class Tudui(nn.Module):
                def __init__(self, classes):
                    super().__init__()
                    self.linear1 = nn.Linear(1024)  # finding

                def forward(self, x):
                    return self.linear1(x)


            tudui = Tudui()  # finding
            output = tudui()  # finding
            torch.save(tudui)  # finding
            """
        ),
        Bad(
            """
            def train(net, loader):
                print(net, loader)


            train(1)  # finding
            """
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the calls."""
        for call, signature, wrong, _ in misfits(script):
            if wrong.missing and not wrong.unknown:
                yield Match(
                    node=call,
                    fields={
                        "function": signature.function,
                        "missing": ", ".join(wrong.missing),
                    },
                )


RULES = (MissingArguments,)
