"""Methods of tensors that there are not, or that cannot be used (P12)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from reference.checker.finding import Text
from reference.checker.kinds import TENSOR
from reference.checker.rule import Bad, Match, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reference.checker.edits import Fix
    from reference.checker.script import Script

_REORDER = {"t", "transpose", "permute", "swapaxes", "movedim"}
_REORDER_FUNCTIONS = tuple(f"torch.{name}" for name in _REORDER)


class TorchView(Rule):
    """`torch.view`, which does not exist."""

    name = "torch-view"
    claims = ("tensor.view-is-a-method",)
    severity = "error"
    message = Text(
        en="torch has no function view (AttributeError): it is a method of tensors, x.view(…). The "
        "function is torch.reshape.",
        zh="torch 里没有 view 函数（会报 AttributeError）：它是张量的方法 x.view(…)；"
        "对应的函数是 torch.reshape。",
    )
    valid = (
        """
        import torch

        x = torch.rand(4, 4)
        print(x.view(-1, 8), torch.reshape(x, (-1, 8)), torch.view_as_real)
        """,
    )
    invalid = (
        Bad(
            """
            import torch

            x = torch.view(x, (-1, 8))  # finding
            y = torch.view(x, -1, 8)  # finding
            """,
            fixed="""
            import torch

            x = torch.reshape(x, (-1, 8))
            y = x.view(-1, 8)
            """,
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the calls of torch.view."""
        for call in script.calls("torch.view"):
            tensor, *sizes = call.args or (None,)
            fix: Fix = {}
            if len(sizes) == 1 and isinstance(call.func, cst.Attribute):
                fix = {call.func: call.func.with_changes(attr=cst.Name("reshape"))}
            elif tensor is not None and isinstance(tensor.value, cst.Name) and sizes:
                fix = {call: cst.Call(cst.Attribute(tensor.value, cst.Name("view")), sizes)}
            yield Match(node=call, fix=fix)


class TensorCopy(Rule):
    """`x.copy(y)`, which tensors do not have."""

    name = "tensor-copy"
    claims = ("tensor.copy-method",)
    severity = "error"
    message = Text(
        en="A tensor has no method copy (AttributeError): x.copy_(y) writes y into x, and "
        "x.clone() returns a copy.",
        zh="张量没有 copy 方法（会报 AttributeError）：x.copy_(y) 把 y 写进 x；"
        "x.clone() 返回一份副本。",
    )
    valid = (
        """
        import numpy as np
        import torch

        x = torch.rand(4, 4)
        x.copy_(torch.ones(4, 4))
        y = x.clone()
        z = np.ones(3).copy()
        names = ["ants"].copy()
        """,
    )
    invalid = (
        Bad(
            """
            import torch

            x = torch.rand(4, 4)
            x.copy(torch.ones(4, 4))  # finding
            y = x.copy()  # finding
            """,
            fixed="""
            import torch

            x = torch.rand(4, 4)
            x.copy_(torch.ones(4, 4))
            y = x.clone()
            """,
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the calls of copy on tensors."""
        for call, tensor in script.method_calls("copy"):
            if script.types.of(tensor) == TENSOR:
                func = cst.ensure_type(call.func, cst.Attribute)
                new = func.with_changes(attr=cst.Name("copy_" if call.args else "clone"))
                yield Match(node=call, fix={func: new})


class ViewAfterTranspose(Rule):
    """`view` of a tensor whose axes were exchanged."""

    name = "view-after-transpose"
    claims = ("tensor.view-any",)
    severity = "error"
    message = Text(
        en="view cannot change the shape of a tensor whose axes were exchanged (RuntimeError: view "
        "size is not compatible): write reshape.",
        zh="交换过维度的张量不能用 view 改变形状（RuntimeError: view size is not compatible）："
        "应写 reshape。",
    )
    valid = (
        """
        import torch

        x = torch.rand(4, 3)
        y = x.t().reshape(-1)
        z = x.permute(1, 0).contiguous().view(-1)
        w = x.view(-1, 6).t()
        """,
    )
    invalid = (
        Bad(
            """
            import torch

            x = torch.rand(4, 3)
            y = x.t().view(-1)  # finding
            z = x.T.view(-1)  # finding
            images = torch.rand(2, 32, 32, 3).permute(0, 3, 1, 2)
            flat = images.view(images.size(0), -1)  # finding
            """,
            fixed="""
            import torch

            x = torch.rand(4, 3)
            y = x.t().reshape(-1)
            z = x.T.reshape(-1)
            images = torch.rand(2, 32, 32, 3).permute(0, 3, 1, 2)
            flat = images.reshape(images.size(0), -1)
            """,
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the calls of view that follow an exchange of axes and merge them."""
        for call, tensor in script.method_calls("view"):
            value = script.value(tensor)
            sizes = [script.literal(arg.value) for arg in call.args]
            if _reorders(script, value) and sizes and sizes[-1] == -1:
                func = cst.ensure_type(call.func, cst.Attribute)
                yield Match(node=call, fix={func: func.with_changes(attr=cst.Name("reshape"))})


def _reorders(script: Script, value: cst.BaseExpression) -> bool:
    """Return whether an expression is a tensor with its axes exchanged."""
    if isinstance(value, cst.Attribute):
        return value.attr.value in ("T", "mT") and script.types.of(value.value) == TENSOR
    if not isinstance(value, cst.Call) or not isinstance(value.func, cst.Attribute):
        return False
    if script.name(value.func) in _REORDER_FUNCTIONS:
        return True
    of, method = script.types.of(value.func.value), value.func.attr.value
    return method in _REORDER if of == TENSOR else not of and method == "permute"


RULES = (TorchView, TensorCopy, ViewAfterTranspose)
