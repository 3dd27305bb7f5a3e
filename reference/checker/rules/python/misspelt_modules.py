"""Imports of modules whose names are misspelt (P4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import libcst as cst

from reference.checker.finding import Text
from reference.checker.python.modules import correct_module, module_of
from reference.checker.rule import Bad, Match, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reference.checker.script import Script


class MisspeltModule(Rule):
    """`import torchvison`."""

    name = "misspelt-module"
    claims = ("builtin.misspelt",)
    severity = "error"
    message = Text(
        en="There is no module {name} (ModuleNotFoundError): write {meant}.",
        zh="没有名为 {name} 的模块（ModuleNotFoundError）：应写 {meant}。",
    )
    write = "import torchvision\nfrom torch.utils.tensorboard import SummaryWriter"
    files: ClassVar = {"torchvsion.py": "layer = 3\n"}
    valid = (
        """
        import matplotlib.pyplot as plt
        import numba
        import numpy as np
        import tensorboardX
        import torch.nn.functional as F
        import torchinfo
        import torchmetrics
        import torchtext
        import tensorflow
        from torch.utils.data import DataLoader
        from torch.utils.tensorboard import SummaryWriter
        from torchsummary import summary
        from torchvision.models.vgg import VGG
        from torchvision.transforms import v2
        from torchvsion import layer
        """,
        """
        try:
            import torchvison
        except ImportError:
            torchvison = None
        """,
    )
    invalid = (
        Bad(
            """
            import torchvison  # finding
            import torch.optm as optim  # finding
            from pil import Image  # finding
            from torch.utils.tensorborad import SummaryWriter  # finding
            from torchvision.transfroms import ToTensor  # finding

            dataset = torchvision.datasets.CIFAR10("data")
            """,
            fixed="""
            import torchvision
            import torch.optim as optim
            from PIL import Image
            from torch.utils.tensorboard import SummaryWriter
            from torchvision.transforms import ToTensor

            dataset = torchvision.datasets.CIFAR10("data")
            """,
        ),
        Bad(
            """
            import Torch  # finding

            x = Torch.ones(3)
            """
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the import statements whose module resembles a known one."""
        statements: list[cst.Import | cst.ImportFrom] = [*script.nodes(cst.ImportFrom)]
        for statement in [*statements, *script.nodes(cst.Import)]:
            if script.enclosing(statement, cst.Try) or _is_relative(statement):
                continue
            name = module_of(statement)
            if meant := correct_module(script, name):
                fields = {"name": name, "meant": meant}
                yield Match(node=statement, fields=fields, fix=_fix(script, statement, meant))


def _is_relative(statement: cst.Import | cst.ImportFrom) -> bool:
    return isinstance(statement, cst.ImportFrom) and bool(statement.relative)


def _fix(
    script: Script, statement: cst.Import | cst.ImportFrom, meant: str
) -> dict[cst.CSTNode, cst.CSTNode]:
    """Return the edit of the name; none where the script uses the misspelt name later."""
    module = cst.parse_expression(meant)
    if isinstance(statement, cst.ImportFrom):
        return {statement.module: module} if statement.module is not None else {}
    alias = statement.names[0]
    wrong = module_of(statement).partition(".")[0]
    names = (name for name in script.nodes(cst.Name) if name.value == wrong)
    used = any(script.enclosing(name, cst.Import) is None for name in names)
    return {} if used and alias.asname is None else {alias.name: module}


RULES = (MisspeltModule,)
