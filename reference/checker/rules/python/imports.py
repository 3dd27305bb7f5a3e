"""Imports that an editor adds by itself while the learner types (P2)."""

from __future__ import annotations

import importlib.util
import sys
from typing import TYPE_CHECKING, ClassVar

import libcst as cst

from reference.checker.finding import Text
from reference.checker.python.modules import correct_module, module_of
from reference.checker.rule import Bad, Match, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reference.checker.finding import Severity
    from reference.checker.script import Script

# Packages whose unused import is harmless in a script of this course.
USUAL = set(sys.stdlib_module_names).union(
    ["torch", "torchvision", "PIL", "numpy", "cv2", "tensorboard", "tensorboardX"],
    ["matplotlib", "tqdm", "pandas", "scipy", "sklearn", "seaborn"],
)
# Modules of the standard library that only an editor imports in such a script.
STRAY = frozenset(
    ["turtle", "tkinter", "cProfile", "distutils", "lib2to3", "turtledemo", "idlelib"]
)
# Layers for quantized networks: their names are those of torch.nn, their arguments are not.
QUANTIZED = ("torch.ao.nn.", "torch.nn.qat.", "torch.nn.quantized.", "torch.nn.intrinsic.")
# Modules of the two packages that hold what their documentation imports from elsewhere.
INTERNAL = ("torch._", "torchvision.datasets.utils", "torch.distributed", "torch.testing")


class EditorImport(Rule):
    """An import of something that the script does not use."""

    name = "editor-import"
    claims = ("env.missing-package",)
    severity = "warning"
    message = Text(
        en="{module} is imported here, and the script never uses {names}: the editor has probably "
        "added this line. {effect} Delete it.",
        zh="这里导入了 {module}，但脚本没有用到 {names}，多半是编辑器自动添加的。"
        "{effect_zh}请删掉这一行。",
    )
    write = ""
    files: ClassVar = {
        "nn_loss.py": "import torch\n\nresult = torch.ones(3)\nprint(result)\n",
        "model_save.py": "class Tudui:\n    pass\n\n\nprint(Tudui())\n",
        "layers.py": "layer = 3\n\n\nclass Net:\n    pass\n",
    }
    valid = (
        """
        import os

        import numpy as np
        import torch
        import torchvision
        from PIL import Image
        from torch.nn import Conv2d, ReLU
        from torch.utils.data import DataLoader

        print(torch.ones(3))
        """,
        """
        from layers import layer
        from nn_loss import result

        print(result)
        result = 3
        """,
        """
        from nn_loss import result

        result = result + 1
        """,
        """
        try:
            from timm.layers import ConvNormAct
        except ImportError:
            ConvNormAct = None
        """,
        """
        from timm.layers import ConvNormAct

        print(ConvNormAct)
        """,
        """
        import torchvison
        """,
        """
        from layers import *
        from nn_loss import *
        """,
        """
        import torch
        from model_save import Tudui

        model = torch.load("tudui.pth", weights_only=False)
        """,
    )
    invalid = (
        Bad(
            """
            import torch
            from no_such_package.layers import ConvNormAct  # finding
            from nn_loss import result  # finding
            from turtle import forward  # finding

            print(torch.ones(3))
            """,
            fixed="""
            import torch

            print(torch.ones(3))
            """,
        ),
        Bad(
            """
            import torch
            from jinja2.optimizer import optimize  # finding
            from torchvision.datasets.utils import download_url  # finding
            from torch._C import device  # finding

            print("no more")
            """,
            fixed="""
            import torch

            print("no more")
            """,
        ),
        Bad(
            """
            import torch
            from nn_loss import result  # finding

            result = torch.ones(3)
            print(result)
            """,
            fixed="""
            import torch

            result = torch.ones(3)
            print(result)
            """,
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the import statements none of whose names is used."""
        statements: list[cst.Import | cst.ImportFrom] = [*script.nodes(cst.ImportFrom)]
        for statement in [*statements, *script.nodes(cst.Import)]:
            if script.enclosing(statement, cst.Try) or _is_used(script, statement):
                continue
            if (effect := _effect(script, statement)) is not None:
                severity, text = effect
                line = script.parent(statement)
                alone = isinstance(line, cst.SimpleStatementLine) and len(line.body) == 1
                yield Match(
                    node=statement,
                    severity=severity,
                    fields={
                        "module": module_of(statement),
                        "names": ", ".join(_names(statement)),
                        "effect": text.en,
                        "effect_zh": text.zh,
                    },
                    fix={line: cst.RemoveFromParent()} if line is not None and alone else {},
                )


class QuantizedLayer(Rule):
    """A layer for quantized networks in place of the layer of torch.nn with the same name."""

    name = "quantized-layer"
    claims = ("env.missing-package",)
    severity = "warning"
    message = Text(
        en="This {name} is a layer for quantized networks, with other arguments: the editor has "
        "probably added the import. Import the one of torch.nn.",
        zh="这个 {name} 是量化网络用的层，参数也不同，多半是编辑器自动导入的。"
        "应当从 torch.nn 导入。",
    )
    write = "from torch import nn"
    valid = (
        """
        from torch.nn import Conv2d

        conv = Conv2d(3, 6, 3)
        """,
    )
    invalid = (
        Bad(
            """
            from torch.ao.nn.qat import Conv2d  # finding
            from torch.nn.quantized import Linear  # finding

            conv = Conv2d(3, 6, 3)
            """
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the imports of layers from the packages for quantization."""
        for statement in script.nodes(cst.ImportFrom):
            if f"{module_of(statement)}.".startswith(QUANTIZED):
                yield Match(node=statement, fields={"name": ", ".join(_names(statement))})


def _names(statement: cst.Import | cst.ImportFrom) -> list[str]:
    """Return the names that a statement defines; none for a star."""
    if isinstance(statement.names, cst.ImportStar):
        return []
    return [alias.evaluated_alias or alias.evaluated_name for alias in statement.names]


def _is_used(script: Script, statement: cst.Import | cst.ImportFrom) -> bool:
    names = {name.partition(".")[0] for name in _names(statement)}
    if not names or (isinstance(statement, cst.ImportFrom) and statement.relative):
        return True  # a star, or a package: others may import the names from here
    replaced = {name: _replacement(script, statement, name) for name in names}
    return any(
        name.value in names
        and script.enclosing(name, cst.Import, cst.ImportFrom) is None
        and not _is_after(script, name, replaced[name.value])
        for name in script.nodes(cst.Name)
    )


def _replacement(script: Script, statement: cst.CSTNode, name: str) -> cst.Assign | None:
    """Return the assignment that gives the name another value, whatever the script does."""
    for line in script.module.body:
        for part in line.body if isinstance(line, cst.SimpleStatementLine) else ():
            if isinstance(part, cst.Assign) and script.code(part.targets[0].target) == name:
                return part if script.before(statement, part) else None
    return None


def _is_after(script: Script, name: cst.Name, assign: cst.Assign | None) -> bool:
    """Return whether a name has the value of an assignment, or is its target."""
    if assign is None:
        return False
    if assign in script.parents(name):
        return script.before(name, assign.value)
    return script.before(assign, name)


def _effect(script: Script, statement: cst.Import | cst.ImportFrom) -> tuple[Severity, Text] | None:
    """Return how much an unused import matters, and why; None if it does not."""
    module = module_of(statement)
    top = module.partition(".")[0]
    own = script.project.module(script, module) if module else None
    if own is not None:
        if not _does_something(own) or _needed_to_load(script, own, _names(statement)):
            return None
        return "warning", Text(
            en="It runs all of that script.", zh="它会把那个脚本从头到尾运行一遍。"
        )
    usual = top in USUAL and top not in STRAY and not module.startswith(INTERNAL)
    if usual or correct_module(script, module):  # misspelt: to be corrected, not deleted
        return None
    if top in USUAL or _is_installed(top):
        return "advice", Text(en="It is of no use.", zh="它没有用处。")
    return "error", Text(
        en="That package is not installed here (ModuleNotFoundError).",
        zh="这里没有安装这个包，会报 ModuleNotFoundError。",
    )


def _needed_to_load(script: Script, own: Script, names: list[str]) -> bool:
    """Return whether torch.load needs a class that is imported: a whole network's."""
    classes = {node.name.value for node in own.nodes(cst.ClassDef)}
    return bool(classes & set(names)) and any(script.calls("torch.load"))


def _does_something(script: Script) -> bool:
    """Return whether a script does more than define things when it is imported."""
    return any(
        isinstance(part, cst.Expr) and isinstance(part.value, cst.Call)
        for line in script.module.body
        if isinstance(line, cst.SimpleStatementLine)
        for part in line.body
    ) or any(isinstance(part, cst.For | cst.While | cst.With) for part in script.module.body)


def _is_installed(top: str) -> bool:
    try:
        return importlib.util.find_spec(top) is not None
    except (ImportError, ValueError):
        return False


RULES = (EditorImport, QuantizedLayer)
