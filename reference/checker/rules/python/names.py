"""Names that are not defined where they are read (P4, P5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import libcst as cst

from reference.checker.finding import Text
from reference.checker.python.causes import undefined_names
from reference.checker.python.order import defined_later
from reference.checker.rule import Bad, Match, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reference.checker.python.causes import Cause, Undefined
    from reference.checker.script import Script


def _found(script: Script, *causes: Cause) -> Iterator[Undefined]:
    return (found for found in undefined_names(script) if found.cause in causes)


class MissingImport(Rule):
    """A name of PyTorch, torchvision, Pillow or Python whose import is missing."""

    name = "missing-import"
    claims = (
        "listing.undefined-name",
        "listing.no-imports",
        "listing.optimizer-names",
        "listing.dataset-imports",
        "listing.loss-imports",
        "listing.vgg-imports",
    )
    severity = "error"
    message = Text(
        en="{name} is not imported (NameError). Write {statement} at the top.",
        zh="没有导入 {name}（NameError）：在文件开头加上 {statement}。",
    )
    write = ""
    valid = (
        """
        import torch
        from torch import nn
        from torch.utils.data import DataLoader as Loader

        loader = Loader(data)
        layer: nn.Module = nn.Linear(2, 3)
        print(__file__, __name__, len([x for x in torch.ones(3)]))
        """,
        """
        from model import *

        nn.ReLU()
        torch.ones(3)
        """,
        """
        from unknown import *

        nn.ReLU()
        """,
        """
        try:
            import torch
        except ImportError:
            torch = None
        print(torch)
        """,
        """
        def f():
            global torch
            import torch

        f()
        torch.ones(3)
        """,
    )
    files: ClassVar = {"model.py": "import torch\nfrom torch import nn\n"}
    invalid = (
        Bad(
            """
            from torch import nn

            net = nn.Linear(3072, 10)
            x = torch.ones(1, 3072)  # finding
            torch.save(net.state_dict(), "net.pth")
            """,
            fixed="""
            from torch import nn
            import torch

            net = nn.Linear(3072, 10)
            x = torch.ones(1, 3072)
            torch.save(net.state_dict(), "net.pth")
            """,
        ),
        Bad(
            """
            import torch


            class Tudui(torch.nn.Module):
                def __init__(self):
                    super().__init__()
                    self.conv1 = Conv2d(3, 6, 3)  # finding
                    self.relu = nn.ReLU()  # finding


            loader = DataLoader(data_set())  # finding
            """,
            fixed="""
            import torch
            from torch import nn
            from torch.nn import Conv2d
            from torch.utils.data import DataLoader


            class Tudui(torch.nn.Module):
                def __init__(self):
                    super().__init__()
                    self.conv1 = Conv2d(3, 6, 3)
                    self.relu = nn.ReLU()


            loader = DataLoader(data_set())
            """,
        ),
        Bad(
            """
            from torch.utils.data import Dataset


            class MyData(Dataset):
                def __init__(self, root):
                    self.paths = os.listdir(root)  # finding

                def __getitem__(self, index):
                    image = Image.open(self.paths[index])  # finding
                    return np.array(image)  # finding
            """,
            fixed="""
            from torch.utils.data import Dataset
            import os
            import numpy as np
            from PIL import Image


            class MyData(Dataset):
                def __init__(self, root):
                    self.paths = os.listdir(root)

                def __getitem__(self, index):
                    image = Image.open(self.paths[index])
                    return np.array(image)
            """,
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the first place that reads each such name."""
        for found in _found(script, "import"):
            node = found.names[0]
            yield Match(
                node=node,
                fields={"name": node.value, "statement": found.right},
                write=found.right,
                fix={node: cst.Name(node.value)},
                imports=(found.right,),
            )


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
        for found in _found(script, "constant"):
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
        for found in _found(script, "attribute"):
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
        for found in _found(script, "misspelt"):
            node = found.names[0]
            yield Match(node=node, fields={"name": node.value, "right": found.right})


class NameOfFunction(Rule):
    """A variable of a function that is read outside it."""

    name = "name-of-another-function"
    claims = ("listing.undefined-name",)
    severity = "error"
    message = Text(
        en="{name} exists only inside the function {function} (NameError): return it there, and "
        "assign the result of the call.",
        zh="{name} 只存在于函数 {function} 内部（NameError）：请在函数里 return 它，"
        "再接收调用的结果。",
    )
    write = ""
    valid = (
        """
        def f():
            net = 1
            return net


        net = f()
        print(net)
        """,
    )
    invalid = (
        Bad(
            """
            def build():
                classifier = 1


            build()
            print(classifier)  # finding
            """
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the first place that reads each such name."""
        for found in _found(script, "elsewhere"):
            node = found.names[0]
            yield Match(node=node, fields={"name": node.value, "function": found.right})


class UndefinedName(Rule):
    """Any other name that is not defined."""

    name = "undefined-name"
    claims = ("listing.undefined-name", "builtin.dell", "train.test-listing")
    severity = "error"
    message = Text(
        en="{name} is not defined anywhere in this script (NameError): define or import it first.",
        zh="整个脚本里都没有定义 {name}（NameError）：先定义或导入它才能使用。",
    )
    write = ""
    valid = (
        """
        import sys

        if sys.argv:
            x = 1
        del x
        try:
            print(missing)
        except NameError:
            missing = 3
        """,
        """
        exec("y = 1")
        print(y)
        """,
        """
        print([w for v in range(3) if (w := v)], w)
        match w:
            case [a, *b]:
                print(a, b)
        """,
    )
    invalid = (
        Bad(
            """
            print(dell(3))  # finding
            writer.add_scalar("loss", 1, 1)  # finding
            writer.close()
            """
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the first place that reads each such name."""
        for found in _found(script, "unknown"):
            yield Match(node=found.names[0], fields={"name": found.names[0].value})


class UsedBeforeDefinition(Rule):
    """A name that is read above the line that defines it."""

    name = "used-before-definition"
    claims = ("listing.undefined-name",)
    severity = "error"
    message = Text(
        en="{name} is defined only in line {line}, below: a script runs from top to bottom, so "
        "this line fails (NameError or UnboundLocalError). Define it above.",
        zh="{name} 到下面第 {line} 行才定义，而脚本从上往下执行，所以这一行会报错"
        "（NameError 或 UnboundLocalError）。请把定义移到前面。",
    )
    write = ""
    valid = (
        """
        def f():
            return later


        later = 1
        f()
        """,
        """
        for i in range(3):
            if i:
                print(x)
            x = i
        """,
        """
        total = 0
        for i in range(3):
            total = total + i
            total += 1
        """,
        """
        def f():
            def g():
                return x

            x = 1
            return g()
        """,
    )
    invalid = (
        Bad(
            """
            tudui = Tudui()  # finding


            class Tudui:
                pass


            print(tudui)
            """
        ),
        Bad(
            """
            for i in range(3):
                total = total + i  # finding
            print(total)
            """
        ),
        Bad(
            """
            step = 0


            def train():
                step += 1  # finding


            train()
            """
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the first place that reads each such name."""
        seen = set()
        for node, definition in sorted(defined_later(script), key=lambda p: script.line(p[0])):
            if node.value not in seen:
                seen.add(node.value)
                fields = {"name": node.value, "line": str(script.line(definition))}
                yield Match(node=node, fields=fields)


RULES = (
    MissingImport,
    MisspeltConstant,
    MissingSelf,
    MisspeltVariable,
    NameOfFunction,
    UndefinedName,
    UsedBeforeDefinition,
)
