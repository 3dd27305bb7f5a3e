"""Variables that take the name of a class or function, and values that are called (P4, P16)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from reference.checker.blocks import loop
from reference.checker.finding import Text
from reference.checker.kinds import DATASETS, IMAGE, LOADER, OPTIMIZERS, TENSOR, WRITERS
from reference.checker.python.members import members, methods
from reference.checker.python.reads import has_one_type
from reference.checker.rule import Bad, Match, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reference.checker.script import Script

_SAME_OBJECT = {"to", "cuda", "cpu", "eval", "train", "double", "float", "half", "requires_grad_"}
_VALUES = {f"builtins.{n}" for n in ("int", "float", "str", "bool", "list", "dict")}
_VALUES |= {"torch.Size", "torch.device", IMAGE, LOADER, *WRITERS}


class NameOfClassTaken(Rule):
    """`tudui = tudui()`: an object with the name of its class."""

    name = "name-of-class-taken"
    claims = ("builtin.name-taken",)
    severity = "advice"
    message = Text(
        en="From this line on, {name} is the object, and the {kind} {name} cannot be used any "
        "more: another {name}(…) would call the object. Give the object another name.",
        zh="从这一行起，{name} 变成了对象，原来的{kind_zh} {name} 就不能再用了："
        "再写 {name}(…) 调用的是对象。请给对象另取一个名字。",
    )
    write = "tudui = Tudui()"
    valid = (
        """
        from torch import nn
        from torchvision.models import vgg16


        class Tudui(nn.Module):
            pass


        def loss():
            return loss


        tudui = Tudui()
        tudui = tudui.to("cuda")
        model = vgg16(weights=None)
        loss_fn = nn.MSELoss()
        loss_fn = loss_fn(1, 2)
        """,
    )
    invalid = (
        Bad(
            """
            from torch import nn
            from torchvision.models import vgg16


            class tudui(nn.Module):
                pass


            def accuracy(outputs):
                return outputs.sum()


            tudui = tudui().to("cuda")  # finding
            vgg16 = vgg16(weights=None)  # finding
            for imgs in loader:
                accuracy = accuracy(tudui(imgs))  # finding
            """
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the assignments; in a loop, the second round fails."""
        for assign in script.nodes(cst.Assign):
            target = assign.targets[0].target
            called = _called(assign.value)
            if len(assign.targets) > 1 or not isinstance(target, cst.Name) or called is None:
                continue
            binding = script.binding(called) if called.value == target.value else None
            if binding is None or script.scope(binding.name) is not script.scope(target):
                continue
            if isinstance(binding.statement, cst.ClassDef | cst.FunctionDef | cst.ImportFrom):
                around = loop(script, assign)
                repeated = around is not None and _repeats(script, around, binding.statement)
                is_class = isinstance(binding.statement, cst.ClassDef) or called.value[0].isupper()
                yield Match(
                    node=assign,
                    severity="error" if repeated else None,
                    fields={
                        "name": target.value,
                        "kind": "class" if is_class else "function",
                        "kind_zh": "类" if is_class else "函数",
                    },
                )


def _called(value: cst.BaseExpression) -> cst.Name | None:
    """Return the name that is called to create a value: `tudui` for `tudui().to(device)`."""
    while isinstance(value, cst.Call) and isinstance(value.func, cst.Attribute):
        if value.func.attr.value not in _SAME_OBJECT:
            return None
        value = value.func.value
    function = value.func if isinstance(value, cst.Call) else None
    return function if isinstance(function, cst.Name) else None


def _repeats(script: Script, around: cst.For | cst.While, definition: cst.CSTNode) -> bool:
    """Return whether a loop runs its body again with the name as the first round left it."""
    inside = around in script.parents(definition)
    return not inside and not any(True for _ in script.within(around, cst.Break))


class NotCallable(Rule):
    """Parentheses after a number, a text, a list, a picture, a DataLoader and so on."""

    name = "not-callable"
    claims = ("builtin.not-callable",)
    severity = "error"
    message = Text(
        en="{value} is of type {kind} here, which cannot be called (TypeError: '{kind}' object is "
        "not callable): remove the parentheses, or give the variable a name that is not that of a "
        "function or class.",
        zh="这里的 {value} 是 {kind} 类型，不能调用（TypeError: '{kind}' object is not callable）："
        "去掉括号；或者是变量占用了函数、类的名字，请给变量换一个名字。",
    )
    write = ""
    valid = (
        """
        import torch
        from torch import nn


        class Callable:
            def __call__(self):
                return 1


        class Net(nn.Module):
            def forward(self, x):
                return x


        def choose(f=None):
            f = f or print
            return f()


        data = Callable()
        print(data(), Net()(1), torch.ones(2).size(), len("abc"))
        text = "abc"
        if data:
            text = print
        text()
        """,
    )
    invalid = (
        Bad(
            """
            import torch
            from torch.utils.data import DataLoader


            class person:
                pass


            person = person()
            other = person()  # finding
            print = "loss"
            print("done")  # finding
            x = torch.ones(2, 3)
            rows = x.shape()  # finding
            loader = DataLoader([1, 2])
            for batch in loader():  # finding
                len = 3
            """
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the calls."""
        for call in script.nodes(cst.Call):
            if not isinstance(call.func, cst.Name | cst.Attribute):
                continue
            of = script.types.of(call.func)
            if of and _is_value(script, of) and has_one_type(script, call.func, of):
                kind = of if of == "torch.Size" else of.rpartition(".")[2]
                yield Match(node=call, fields={"value": script.code(call.func), "kind": kind})


def _is_value(script: Script, of: str) -> bool:
    """Return whether objects of a type cannot be called."""
    if of in _VALUES or DATASETS.match(of) or OPTIMIZERS.match(of):
        return True
    if of == TENSOR or script.types.is_module_type(of):
        return False  # what a function of torch returns may also be a function
    own, known = methods(script, of), members(script, of)
    return own is not None and known is not None and "__call__" not in known


RULES = (NameOfClassTaken, NotCallable)
