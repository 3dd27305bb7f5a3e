"""Options of layers, and the modules in which layers and functions are (P16, P17, P28)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import libcst as cst
from libcst.helpers import get_full_name_for_node

from reference.checker.finding import Text
from reference.checker.rule import Bad, Match, Replacement, Rule
from reference.checker.tree import argument

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reference.checker.script import Script

_CONV2D = ("torch.nn.Conv2d", "torch.nn.ConvTranspose2d")
# The functions of torch.nn.functional that learners use.
_FUNCTIONS = re.compile(
    r"conv[123]d|(adaptive_)?(max|avg)_pool\dd|(leaky_)?relu|sigmoid|tanh|(log_)?softmax|linear|gelu"
    r"|dropout|cross_entropy|(nll|mse|l1)_loss|batch_norm|pad|interpolate|normalize|one_hot|embedding"
)
MODES = ("zeros", "reflect", "replicate", "circular")
CHINESE = {"零": "zeros", "反射": "reflect", "复制": "replicate", "圆形": "circular"}


class KernelOfOneNumber(Rule):
    """`kernel_size=(5,)`, a tuple with one number, in a two-dimensional convolution."""

    name = "kernel-of-one-number"
    claims = ("conv.kernel-one-tuple",)
    severity = "error"
    message = Text(
        en="{code} is a tuple with one number, and Conv2d needs two: the first image raises an "
        "error. Write one number, or two.",
        zh="{code} 是只有一个数的元组，而 Conv2d 需要两个数，处理第一张图片时就会报错：写一个数，"
        "或者两个数。",
    )
    valid = (
        """
        from torch import nn

        layers = nn.Conv2d(3, 32, 5), nn.Conv2d(3, 32, (5, 5)), nn.Conv1d(3, 32, (5,))
        """,
    )
    invalid = (
        Bad(
            """
            from torch import nn

            layer = nn.Conv2d(3, 32, kernel_size=(5,), stride=1, padding=2)  # finding
            """,
            fixed="""
            from torch import nn

            layer = nn.Conv2d(3, 32, kernel_size=5, stride=1, padding=2)
            """,
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the tuples with one number."""
        for call in script.calls(*_CONV2D):
            node = argument(call, 2, "kernel_size")
            if isinstance(node, cst.Tuple) and len(node.elements) == 1:
                only = node.elements[0].value
                yield Match(node=node, fields={"code": script.code(node)}, fix={node: only})


class PaddingMode(Rule):
    """A `padding_mode` that convolutions do not have."""

    name = "padding-mode"
    claims = ("conv.padding-mode-chinese", "conv.padding-mode-names")
    severity = "error"
    message = Text(
        en="{value} is not a padding_mode: write 'zeros', 'reflect', 'replicate' or 'circular'.",
        zh="padding_mode 没有 {value} 这个值：只能写 'zeros'、'reflect'、'replicate' 或 "
        "'circular'。",
    )
    valid = (
        """
        from torch import nn

        layer = nn.Conv2d(3, 6, 3, padding=1, padding_mode="reflect")
        padded = numpy.pad(array, 1, padding_mode="edge")
        """,
    )
    invalid = (
        Bad(
            """
            from torch import nn

            layer = nn.Conv2d(3, 6, 3, padding=1, padding_mode="零")  # finding
            """,
            fixed="""
            from torch import nn

            layer = nn.Conv2d(3, 6, 3, padding=1, padding_mode='zeros')
            """,
        ),
        Bad(
            """
            from torch import nn

            layer = nn.Conv2d(3, 6, 3, padding=1, padding_mode="same")  # finding
            """
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the padding modes that are none of the four."""
        for call in script.nodes(cst.Call):
            node = argument(call, None, "padding_mode")
            value = script.literal(node) if node is not None else ...
            is_conv = node is not None and script.name(call.func).startswith("torch.nn.Conv")
            if node is not None and is_conv and isinstance(value, str) and value not in MODES:
                fix: dict[cst.CSTNode, Replacement] = {}
                if value in CHINESE and isinstance(node, cst.SimpleString):
                    fix = {node: cst.SimpleString(repr(CHINESE[value]))}
                yield Match(node=node, fields={"value": repr(value)}, fix=fix)


class FunctionalModule(Rule):
    """`torch.functional`, which is not `torch.nn.functional`."""

    name = "functional-module"
    claims = ("conv.functional-module",)
    severity = "error"
    message = Text(
        en="torch.functional has no {name}: the functions of layers are in torch.nn.functional.",
        zh="torch.functional 里没有 {name}：各层对应的函数在 torch.nn.functional 里。",
    )
    valid = (
        """
        import torch
        import torch.functional
        import torch.nn.functional as F

        output = F.conv2d(torch.functional.einsum("ij->ji", image), kernel)
        """,
    )
    invalid = (
        Bad(
            """
            import torch.functional as F

            output = F.conv2d(image, kernel)  # finding
            output = F.relu(output)  # finding
            """,
            fixed="""
            import torch.nn.functional as F

            output = F.conv2d(image, kernel)
            output = F.relu(output)
            """,
        ),
        Bad(
            """
            import torch

            output = torch.functional.conv2d(image, kernel)  # finding
            """,
            fixed="""
            import torch

            output = torch.nn.functional.conv2d(image, kernel)
            """,
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the functions of layers that are taken from torch.functional."""
        aliases = {
            alias.asname.name.value: alias
            for statement in script.nodes(cst.Import)
            for alias in statement.names
            if get_full_name_for_node(alias.name) == "torch.functional"
            and alias.asname is not None
            and isinstance(alias.asname.name, cst.Name)
        }
        new = cst.parse_expression("torch.nn.functional")
        for node in script.nodes(cst.Attribute):
            base = get_full_name_for_node(node.value)
            if not _FUNCTIONS.fullmatch(node.attr.value):
                continue
            if base in aliases and isinstance(node.value, cst.Name):
                alias = aliases[base]
                yield Match(node=node, fields={"name": node.attr.value}, fix={alias.name: new})
            elif base == "torch.functional" and script.name(node.value) != "":
                yield Match(node=node, fields={"name": node.attr.value}, fix={node.value: new})


class NnModuleLowercase(Rule):
    """`nn.module` for `nn.Module`."""

    name = "nn-module-lowercase"
    claims = ("eval.module-name",)
    severity = "error"
    message = Text(
        en="torch.nn has no module: the class is nn.Module, with a capital M.",
        zh="torch.nn 里没有 module：类名是 nn.Module，M 要大写。",
    )
    write = "from torch import nn\n\n\nclass Tudui(nn.Module):\n    pass"
    valid = ("from torch import nn\n\n\nclass Tudui(nn.Module):\n    module = nn.modules\n",)
    invalid = (
        Bad(
            "from torch import nn\n\n\nclass Tudui(nn.module):  # finding\n    pass\n",
            fixed="from torch import nn\n\n\nclass Tudui(nn.Module):\n    pass\n",
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the names torch.nn.module."""
        for node in script.nodes(cst.Attribute):
            if node.attr.value == "module" and script.name(node) == "torch.nn.module":
                yield Match(node=node, fix={node.attr: cst.Name("Module")})


RULES = (KernelOfOneNumber, PaddingMode, FunctionalModule, NnModuleLowercase)
