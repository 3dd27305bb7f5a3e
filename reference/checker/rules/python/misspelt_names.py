"""Names that are misspelt, or lack `self.` (P4, P5, P16)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from reference.checker.finding import Text
from reference.checker.python.causes import undefined_names
from reference.checker.rule import Bad, Match, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reference.checker.script import Script


class MisspeltConstant(Rule):
    """`Flase`, `true`, `null`: Python has True, False and None."""

    name = "misspelt-constant"
    claims = ("listing.flase", "listing.lowercase-false")
    severity = "error"
    message = Text(
        en="Python has no {name} (NameError): write {right}.",
        zh="Python 里没有 {name}（NameError）：请写 {right}。",
    )
    write = ""
    valid = (
        """
        true = True
        print(true, None, False)
        """,
    )
    invalid = (
        Bad(
            """
            from torch import nn

            nn.ReLU(inplace=Flase)  # finding
            shuffle = true  # finding
            weights = null  # finding
            """,
            fixed="""
            from torch import nn

            nn.ReLU(inplace=False)
            shuffle = True
            weights = None
            """,
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield each place."""
        for found in undefined_names(script, "constant"):
            for node in found.names:
                yield Match(
                    node=node,
                    fields={"name": node.value, "right": found.right},
                    fix={node: cst.Name(found.right)},
                )


class MissingSelf(Rule):
    """An attribute of `self` that is read without `self.`."""

    name = "missing-self"
    claims = ("module.layer-name",)
    severity = "error"
    message = Text(
        en="{name} is not a variable here but an attribute of the object: write self.{name}.",
        zh="这里没有变量 {name}，它是对象的属性：请写 self.{name}。",
    )
    write = ""
    valid = (
        """
        class A:
            def __init__(self, x):
                self.x = x

            def f(self):
                x = 1
                return self.x + x
        """,
    )
    invalid = (
        Bad(
            """
            from torch import nn


            class Tudui(nn.Module):
                def __init__(self):
                    super().__init__()
                    self.model1 = nn.ReLU()

                def forward(self, x):
                    return model1(x)  # finding
            """,
            fixed="""
            from torch import nn


            class Tudui(nn.Module):
                def __init__(self):
                    super().__init__()
                    self.model1 = nn.ReLU()

                def forward(self, x):
                    return self.model1(x)
            """,
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield each place."""
        for found in undefined_names(script, "attribute"):
            for node in found.names:
                new = cst.Attribute(cst.Name("self"), cst.Name(node.value))
                yield Match(node=node, fields={"name": node.value}, fix={node: new})


class MisspeltVariable(Rule):
    """A name that is not defined and resembles one that is."""

    name = "misspelt-variable"
    claims = ("listing.undefined-name", "listing.trainset", "listing.normalize-names")
    severity = "error"
    message = Text(
        en="{name} is not defined (NameError); {right} is: the spelling must be the same.",
        zh="{name} 没有定义（NameError），定义过的是 {right}：拼写必须完全一致。",
    )
    write = ""
    valid = (
        """
        train_set = [1]
        trainset = [2]
        print(trainset)
        """,
    )
    invalid = (
        Bad(
            """
            train_set = [1]
            print(trainset[0])  # finding
            pirnt(train_set)  # finding
            """
        ),
        Bad(
            """
            def train(loader, epochs):
                for i in range(epoch):  # finding
                    print(loader)


            epochs = 3
            train(1, epochs)
            """
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the first place that reads each such name."""
        for found in undefined_names(script, "misspelt"):
            node = found.names[0]
            yield Match(node=node, fields={"name": node.value, "right": found.right})


RULES = (MisspeltConstant, MissingSelf, MisspeltVariable)
