"""Python's own functions where a variable was meant: `input` that nothing defines (P4, P20)."""

from __future__ import annotations

import builtins
import inspect
import re
from typing import TYPE_CHECKING

import libcst as cst

from reference.checker.finding import Text
from reference.checker.kinds import MODULES, TENSOR, WRITERS
from reference.checker.python.reads import is_read
from reference.checker.python.undefined import is_builtin, other_names, star_names
from reference.checker.rule import Bad, Match, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reference.checker.finding import Severity
    from reference.checker.script import Script

_FUNCTIONS = {name for name, value in vars(builtins).items() if inspect.isbuiltin(value)}
_FUNCTIONS -= {"print", "exit", "quit", "super", "__import__", "__build_class__"}
_CLASSES = {"type", "range", "map", "filter", "zip", "object"}
_OPERATORS = (
    cst.Add, cst.Subtract, cst.Multiply, cst.Divide, cst.FloorDivide, cst.Power, cst.MatrixMultiply,
    cst.LessThan, cst.LessThanEqual, cst.GreaterThan, cst.GreaterThanEqual,
)  # fmt: skip
# Python's functions whose only argument cannot be a function.
_OF_VALUES = {f"builtins.{n}" for n in ("len", "range", "enumerate", "int", "float", "sum", "abs")}
# Layers whose first argument is True or False, for which any object will do.
_INPLACE = re.compile(r"torch\.nn\.(ReLU6?|SELU|SiLU|Mish|Hardswish|Hardsigmoid)$")
_GIVEN_FUNCTIONS = {"activation", "distance_function"}  # arguments of layers


class BuiltinAsValue(Rule):
    """`input`, `type` or `max` as a value, where the script has no variable of that name."""

    name = "builtin-as-value"
    claims = ("builtin.function-as-value",)
    severity = "error"
    message = Text(
        en="No variable {name} is defined here, so {name} is Python's own function of that name: "
        "define the variable above, or call the function, {name}(…).",
        zh="这里没有定义变量 {name}，所以 {name} 是 Python 自带的同名函数："
        "请先定义这个变量，或者调用函数 {name}(…)。",
    )
    write = ""
    valid = (
        """
        import torch
        from torch import nn
        from torchvision import transforms

        input = torch.ones(2)
        print(nn.ReLU()(input), input.shape, input[0])
        names = sorted(["b", "a"], key=len)
        numbers = list(map(float, ["1", "2"]))
        scale = transforms.Lambda(max)
        text, kind = str(type), isinstance(scale, type)
        lines = iter(input, "")
        torch.clamp(torch.ones(2), min=0, max=1)
        torch.flatten(input=lines)
        layer = nn.TransformerEncoderLayer(8, 2, activation=abs)
        print(str.join(",", names), dict.fromkeys(names), sum.__name__)
        total: dict[str, type] = {}
        torch.ones(2).to(dtype=float)


        def forward(self, input, type):
            return self.linear(input) + type.shape
        """,
        """
        from other_library import *

        print(input.shape)
        """,
        """
        from torch import *

        print(sum / 2)
        """,
    )
    invalid = (
        Bad(
            """
            import torch
            import torch.nn.functional as F
            from torch import nn
            from torch.utils.tensorboard import SummaryWriter


            class Tudui(nn.Module):
                def __init__(self):
                    super().__init__()
                    self.relu1 = nn.ReLU(input)  # finding

                def forward(self, x):
                    return self.relu1(x)


            tudui = Tudui()
            output = tudui(input)  # finding
            print(input.shape)  # finding
            output = torch.reshape(input, (-1, 1, 2, 2))  # finding
            output = F.relu(input)  # finding
            writer = SummaryWriter("logs")
            writer.add_images("input", input, 0)  # finding
            for i in range(len):  # finding
                print(dir[i])  # finding
            for name in dir:  # finding
                print(100 * sum / len(name))  # finding
            """
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the places where a function of Python can only be a mistake."""
        names = _FUNCTIONS | _CLASSES
        found = [n for n in script.nodes(cst.Name) if n.value in names and is_builtin(script, n)]
        if not found or other_names(script) is None:
            return
        exported = _star_exports(script)
        for name in found:
            severity = None if name.value in exported else _severity(script, name)
            if severity is not None:
                yield Match(node=name, fields={"name": name.value}, severity=severity)


def _star_exports(script: Script) -> set[str]:
    stars = (s for s in script.nodes(cst.ImportFrom) if isinstance(s.names, cst.ImportStar))
    return {name for statement in stars for name in star_names(script, statement) or ()}


def _severity(script: Script, name: cst.Name) -> Severity | None:
    """Return how bad it is that a name is a function of Python's; None if it may be meant."""
    parent = script.parent(name)
    if isinstance(parent, cst.Attribute) and parent.value is name:
        known = hasattr(getattr(builtins, name.value), parent.attr.value)
        return None if known or not is_read(script, parent) else "error"
    if isinstance(parent, cst.Arg) and parent.value is name:
        call = script.parent(parent)
        return _as_argument(script, parent, call) if isinstance(call, cst.Call) else None
    return "error" if name.value in _FUNCTIONS and _is_used_as_value(script, name) else None


def _is_used_as_value(script: Script, name: cst.Name) -> bool:
    """Return whether a name is calculated with, iterated over or indexed."""
    parent = script.parent(name)
    if isinstance(parent, cst.ComparisonTarget):
        parent = script.parent(parent)
    match parent:
        case cst.BinaryOperation():
            return isinstance(parent.operator, _OPERATORS)
        case cst.Comparison():
            return all(isinstance(part.operator, _OPERATORS) for part in parent.comparisons)
        case cst.Subscript():
            return parent.value is name and script.enclosing(name, cst.Annotation) is None
        case cst.For() | cst.CompFor():
            return parent.iter is name
        case _:
            return False


def _as_argument(script: Script, arg: cst.Arg, call: cst.Call) -> Severity | None:
    """Return how bad it is to pass a function of Python's; None if a function may be meant."""
    if arg.star or (arg.keyword and arg.keyword.value in _GIVEN_FUNCTIONS):
        return None
    called = script.name(call.func)
    if called in _OF_VALUES:
        is_function = isinstance(arg.value, cst.Name) and arg.value.value in _FUNCTIONS
        return "error" if is_function and len(call.args) == 1 else None
    if MODULES.match(called):
        is_flag = _INPLACE.match(called) or (arg.keyword and arg.keyword.value == "inplace")
        return "warning" if is_flag else "error"
    is_tensors = called.startswith("torch.nn.functional.") or (
        re.fullmatch(r"torch\.[a-z]\w*", called) and script.types.of(call) == TENSOR
    )
    is_method = isinstance(call.func, cst.Attribute) and call.func.attr.value.startswith("add_")
    if is_method and isinstance(call.func, cst.Attribute):
        is_tensors = is_tensors or script.types.of(call.func.value) in WRITERS
    return "error" if is_tensors or script.types.is_module(call.func) else None


RULES = (BuiltinAsValue,)
