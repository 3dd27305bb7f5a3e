"""How super() is written (P16)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from reference.checker import networks
from reference.checker.finding import Text
from reference.checker.python.libraries import attributes, similar
from reference.checker.rule import Bad, Match, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reference.checker.edits import Fix
    from reference.checker.script import Script

MODULE = "torch.nn.Module"
SUPER_INIT = "super().__init__()"


class SuperWithoutCall(Rule):
    """`super.__init__()`, or `super().__init__` without parentheses."""

    name = "super-without-call"
    claims = ("module.super-init", "module.super-forms")
    severity = "error"
    message = Text(
        en="Both pairs of parentheses are needed: super().__init__().",
        zh="两对括号都不能少：super().__init__()。",
    )
    write = SUPER_INIT
    valid = (
        """
        class A(B):
            def __init__(self):
                super().__init__()
                super(A, self).__init__()
                parent = super().run
        """,
    )
    invalid = (
        Bad(
            """
            from torch import nn


            class Tudui(nn.Module):
                def __init__(self):
                    super.__init__()  # finding


            class Other(nn.Module):
                def __init__(self):
                    super(Other, self).__init__  # finding
            """,
            fixed="""
            from torch import nn


            class Tudui(nn.Module):
                def __init__(self):
                    super().__init__()


            class Other(nn.Module):
                def __init__(self):
                    super(Other, self).__init__()
            """,
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the uses of super without the one or the other parentheses."""
        for node in script.nodes(cst.Attribute):
            if script.name(node.value) == "builtins.super" and isinstance(node.value, cst.Name):
                yield Match(node=node, fix={node.value: cst.Call(node.value)})
            elif is_super(script, node.value) and isinstance(script.parent(node), cst.Expr):
                yield Match(node=node, fix={node: cst.Call(node)})


class SuperOfAnotherClass(Rule):
    """`super(Other, self)` in a class of another name, often copied from another script."""

    name = "super-of-another-class"
    claims = ("module.super-forms", "module.super-init")
    severity = "error"
    message = Text(
        en="The class here is {owner}, so it is super({owner}, self).__init__(), or simply "
        "super().__init__(). With {other}, nn.Module's __init__ is not called.",
        zh="这里的类是 {owner}，应写 super({owner}, self).__init__()，"
        "或者直接写 super().__init__()。写成 {other} 就不会调用 nn.Module 的 __init__。",
    )
    write = SUPER_INIT
    valid = (
        """
        from torch import nn


        class Base(nn.Module):
            def __init__(self):
                super(Base, self).__init__()


        class Tudui(Base):
            def __init__(self):
                super(Tudui, self).__init__()
                super(Base, self).__init__()
                super(__class__, self).__init__()
                super(type(self), self).__init__()
                super(self.__class__, self).__init__()
        """,
    )
    invalid = (
        Bad(
            """
            from torch import nn


            class Net(nn.Module):
                pass


            class Tudui(nn.Module):
                def __init__(self):
                    super(Net, self).__init__()  # finding


            class Other(nn.Module):
                def __init__(self):
                    super(nn.Module, self).__init__()  # finding
            """,
            fixed="""
            from torch import nn


            class Net(nn.Module):
                pass


            class Tudui(nn.Module):
                def __init__(self):
                    super(Tudui, self).__init__()


            class Other(nn.Module):
                def __init__(self):
                    super(Other, self).__init__()
            """,
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the calls of super with a class that is neither the own nor a base of it."""
        owners = networks.classes(script)
        for call in script.calls("builtins.super"):
            owner = script.enclosing(call, cst.ClassDef)
            if owner is None or owner not in owners or len(call.args) != 2:  # noqa: PLR2004
                continue
            given = call.args[0].value
            name = script.name(given)
            short = script.code(given)
            bases = {script.name(base.value) for base in owner.bases} - {MODULE}
            own = (owner.name.value, "__class__")
            if isinstance(given, cst.Name | cst.Attribute) and short.rpartition(".")[2] not in own:
                if not name or name in bases or (bases and name != MODULE):
                    continue  # the first is a name that is not defined, which is another mistake
                fields = {"owner": owner.name.value, "other": short}
                yield Match(node=call, fields=fields, fix={given: cst.Name(owner.name.value)})


def is_super(script: Script, node: cst.BaseExpression) -> bool:
    """Return whether an expression is a call of super."""
    return isinstance(node, cst.Call) and script.name(node.func) == "builtins.super"


class SuperMisspelt(Rule):
    """`super().__int__()`, or another misspelt `__init__`."""

    name = "super-misspelt"
    claims = ("module.super-init", "module.init-name")
    severity = "error"
    message = Text(
        en="nn.Module has no method {name} (AttributeError): it is __init__, with two underscores "
        "on each side.",
        zh="nn.Module 没有 {name} 方法（AttributeError）：应写 __init__，前后各有两个下划线。",
    )
    write = SUPER_INIT
    valid = (
        """
        class A(B):
            def __init__(self):
                super().__init__()
                super().init()
        """,
        """
        from torch import nn


        class A(nn.Module):
            def forward(self, x):
                return super().__getattr__(x)
        """,
    )
    invalid = (
        Bad(
            """
            from torch import nn


            class Tudui(nn.Module):
                def __init__(self):
                    super().__int__()  # finding


            class Other(nn.Module):
                def __init__(self):
                    super(Other, self)._init_()  # finding
            """,
            fixed="""
            from torch import nn


            class Tudui(nn.Module):
                def __init__(self):
                    super().__init__()


            class Other(nn.Module):
                def __init__(self):
                    super(Other, self).__init__()
            """,
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the calls in classes that derive from nn.Module alone."""
        for node in script.nodes(cst.Attribute):
            name = node.attr.value
            if name == "__init__" or not is_super(script, node.value):
                continue
            owner = script.enclosing(node, cst.ClassDef)
            is_network = owner is not None and only_base(script, owner) == MODULE
            if is_network and name not in attributes(MODULE) and similar(name.strip("_"), ["init"]):
                fix: Fix = {node.attr: cst.Name("__init__")}
                yield Match(node=node, fields={"name": name}, fix=fix)


def only_base(script: Script, owner: cst.ClassDef) -> str:
    """Return the full name of the only base of a class; empty if it has several or none."""
    return script.name(owner.bases[0].value) if len(owner.bases) == 1 else ""


RULES = (SuperWithoutCall, SuperOfAnotherClass, SuperMisspelt)
