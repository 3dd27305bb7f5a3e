"""Values that a script computes and does not print (P4)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import libcst as cst

from reference.checker.finding import Text
from reference.checker.rule import Bad, Match, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reference.checker.script import Script

# Functions that are called for what they return, and do nothing else.
_FUNCTIONS = {
    "builtins.dir", "builtins.len", "builtins.type", "builtins.isinstance", "builtins.sorted",
    "builtins.sum", "builtins.max", "builtins.min", "builtins.round", "builtins.abs",
    "builtins.id", "builtins.repr", "torch.cuda.is_available", "torch.cuda.device_count",
    "torch.cuda.get_device_name", "torch.backends.mps.is_available", "os.listdir", "os.getcwd",
    "os.path.exists",
}  # fmt: skip
_METHODS = {"size", "dim", "numel", "tolist", "keys", "values", "items", "state_dict"}
_ATTRIBUTES = {
    "shape", "size", "dtype", "device", "ndim", "mode", "format", "width", "height", "classes",
    "class_to_idx", "targets", "weight", "bias", "grad", "classifier", "features", "__version__",
    "__doc__", "__file__",
}  # fmt: skip
# An editor runs the parts between such comments as the cells of a notebook, and shows values.
_CELLS = re.compile(r"^# ?(%%|In ?\[)", re.MULTILINE)


class ValueNotPrinted(Rule):
    """`dir(torch)` or `img.shape` as a line of a script, which shows nothing."""

    name = "value-not-printed"
    claims = ("builtin.shown-without-print",)
    severity = "warning"
    message = Text(
        en="In a script this line shows nothing: only an interactive interpreter or a notebook "
        "displays the value of a line. To see it, write {write}.",
        zh="在脚本里，这一行什么也不显示：只有交互式解释器或笔记本才会显示一行的值。"
        "想看到它，应写 {write}。",
    )
    write = ""
    valid = (
        """
        import torch
        from model import *

        print(dir(torch))
        help(torch.cuda.is_available)
        size = len([1])
        writer.close
        main
        x
        torch.zeros(1)
        "a text"
        """,
        """
        import torch

        # %%
        torch.__version__
        # %%
        torch.ones(2, 3).shape
        """,
        """
        import torch

        try:
            torch.backends.mps.is_available()
            len(data)
        except AttributeError:
            pass
        """,
    )
    invalid = (
        Bad(
            """
            import torch

            x = torch.ones(2, 3)
            dir(torch)  # finding
            torch.cuda.is_available()  # finding
            torch.__version__  # finding
            x.shape  # finding
            x.size()  # finding
            x  # finding
            """
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the lines that only have a value."""
        if script.path.suffix == ".ipynb":
            return
        found = [s.value for s in script.nodes(cst.Expr) if _is_value(script, s.value)]
        if found and not _CELLS.search(script.text):
            for node in found:
                if script.enclosing(node, cst.Try) is None:
                    yield Match(node=node, fields={"write": f"print({script.code(node)})"})


def _is_value(script: Script, node: cst.BaseExpression) -> bool:
    match node:
        case cst.Call(func=cst.Attribute(attr=cst.Name(method))) if method in _METHODS:
            return True
        case cst.Call():
            return script.name(node.func) in _FUNCTIONS
        case cst.Attribute():
            return node.attr.value in _ATTRIBUTES
        case cst.Name():
            bindings = script.bindings(node)
            return bool(bindings) and all(isinstance(b.statement, cst.Assign) for b in bindings)
        case _:
            return False


RULES = (ValueNotPrinted,)
