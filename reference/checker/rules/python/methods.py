"""Methods of classes: self, and where they are defined (P16)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from reference.checker import networks
from reference.checker.finding import Text
from reference.checker.python.libraries import similar
from reference.checker.rule import Bad, Match, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reference.checker.edits import Fix
    from reference.checker.script import Script

# Methods that are called by Python or torch, and the number of their parameters, with self.
_PARAMETERS = {"__init__": 1, "__len__": 1, "forward": 2, "__getitem__": 2, "__call__": 1}


class MethodWithoutSelf(Rule):
    """A method without `self` as its first parameter."""

    name = "method-without-self"
    claims = ("module.self-missing",)
    severity = "error"
    message = Text(
        en="A method needs self as its first parameter: def {method}(self, …).",
        zh="类的方法第一个参数必须是 self：def {method}(self, …)。",
    )
    valid = (
        """
        class A:
            def __init__(self, x):
                self.x = x

            def forward(this, x):
                return x

            @staticmethod
            def make(x):
                return A(x)

            def helper(x):
                return x

            y = helper(3)

            def __len__(me):
                return 3
        """,
        """
        def forward(x):
            return x


        class Robot:
            def forward(metres):
                print(metres)

            def stop():
                print("stop")


        Robot.forward(3)
        Robot.stop()
        """,
    )
    invalid = (
        Bad(
            """
            from torch import nn


            class Tudui(nn.Module):
                def __init__():  # finding
                    super().__init__()

                def forward(x):  # finding
                    return x

                def show(x):  # finding
                    print(self.training, x)

                def named(slef, x):  # finding
                    print(self.training, x)

                def hello():  # finding
                    print("hello")


            tudui = Tudui()
            tudui.hello()
            """,
            fixed="""
            from torch import nn


            class Tudui(nn.Module):
                def __init__(self):
                    super().__init__()

                def forward(self, x):
                    return x

                def show(self, x):
                    print(self.training, x)

                def named(self, x):
                    print(self.training, x)

                def hello(self):
                    print("hello")


            tudui = Tudui()
            tudui.hello()
            """,
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the methods that use self, or that Python calls, and do not have it."""
        for owner in script.nodes(cst.ClassDef):
            for method in owner.body.body:
                if not isinstance(method, cst.FunctionDef) or method.decorators:
                    continue
                params = method.params
                names = [p.name.value for p in (*params.posonly_params, *params.params)]
                if "self" in names or isinstance(params.star_arg, cst.Param):
                    continue
                name = method.name.value
                special = name.startswith("__") or owner in networks.classes(script)
                few = special and len(names) < _PARAMETERS.get(name, 0) and names != ["this"]
                if few or _reads_self(script, method) or _gets_self(script, owner, method):
                    yield Match(node=method, fields={"method": name}, fix=_with_self(params))


def _gets_self(script: Script, owner: cst.ClassDef, method: cst.FunctionDef) -> bool:
    """Return whether a method without parameters is called on an object of its class."""
    name = script.name(owner.name) or owner.name.value
    calls = script.method_calls(method.name.value) if not method.params.params else ()
    return any(script.types.of(base) == name for _, base in calls)


def _with_self(params: cst.Parameters) -> Fix:
    """Return the fix: self before the parameters, or in place of a misspelt one."""
    this = cst.Param(cst.Name("self"))
    rest = list(params.params)
    if rest and similar(rest[0].name.value, ["self"]):
        return {rest[0].name: cst.Name("self")}
    return {params: params.with_changes(params=[this, *rest])}


def _reads_self(script: Script, method: cst.FunctionDef) -> bool:
    """Return whether a method reads self, which nothing defines."""
    names = (n for n in script.within(method, cst.Name) if n.value == "self")
    return any(not script.bindings(name) and script.name(name) == "" for name in names)


class MethodInsideMethod(Rule):
    """`def forward` that is indented into `__init__`."""

    name = "method-inside-method"
    claims = ("module.forward-needed", "listing.indentation")
    severity = "error"
    message = Text(
        en="{inner} is indented too far: it is inside {outer}, so the class has no {inner}. Indent "
        "def {inner} as far as def {outer}.",
        zh="{inner} 缩进多了一层，写到了 {outer} 里面，所以类没有 {inner} 方法。"
        "def {inner} 应与 def {outer} 对齐。",
    )
    write = ""
    valid = (
        """
        from torch import nn


        class Tudui(nn.Module):
            def __init__(self):
                super().__init__()

                def forward(x):
                    return x

                self.run = forward

            def forward(self, x):
                return x


        class Bound(nn.Module):
            def __init__(self):
                super().__init__()

                def forward(self, x):
                    return x

                self.forward = forward.__get__(self)
        """,
    )
    invalid = (
        Bad(
            """
            from torch import nn
            from torch.utils.data import Dataset


            class Tudui(nn.Module):
                def __init__(self):
                    super().__init__()
                    self.conv1 = nn.Conv2d(3, 6, 3)

                    def forward(self, x):  # finding
                        return self.conv1(x)


            class MyData(Dataset):
                def __init__(self):
                    self.paths = []

                    def __getitem__(self, index):  # finding
                        return self.paths[index]
            """
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the functions inside methods that the class lacks."""
        for method in script.nodes(cst.FunctionDef):
            name = method.name.value
            outer = script.enclosing(method, cst.FunctionDef, cst.ClassDef)
            owner = script.enclosing(outer, cst.ClassDef) if outer else None
            if not isinstance(outer, cst.FunctionDef) or owner is None or name not in _PARAMETERS:
                continue
            params = [param.name.value for param in method.params.params]
            lacks = not any(m.name.value == name for m in _functions(owner))
            used = any(n.value == name for n in script.within(outer, cst.Name) if n != method.name)
            if params[:1] == ["self"] and lacks and outer in owner.body.body and not used:
                fields = {"inner": name, "outer": outer.name.value}
                yield Match(node=method, fields=fields)


def _functions(owner: cst.ClassDef) -> list[cst.FunctionDef]:
    return [node for node in owner.body.body if isinstance(node, cst.FunctionDef)]


RULES = (MethodWithoutSelf, MethodInsideMethod)
