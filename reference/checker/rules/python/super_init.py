"""Whether `__init__` calls that of nn.Module, when and with what (P16)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from reference.checker import networks
from reference.checker.finding import Text
from reference.checker.rule import Bad, Match, Rule
from reference.checker.rules.python.super_calls import MODULE, SUPER_INIT, is_super, only_base

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reference.checker.script import Script


class SuperInitMissing(Rule):
    """A network whose `__init__` does not call that of nn.Module first."""

    name = "super-init-missing"
    claims = ("module.super-init", "module.init-needed")
    severity = "error"
    message = Text(
        en="__init__ must begin with super().__init__(): without it, layers cannot be assigned "
        "(AttributeError: cannot assign module before Module.__init__() call).",
        zh="__init__ 的第一行必须是 super().__init__()，否则不能给 self 添加各层"
        "（AttributeError: cannot assign module before Module.__init__() call）。",
    )
    valid = (
        """
        from torch import nn


        class Tudui(nn.Module):
            def __init__(self, size):
                self.size = size
                super(Tudui, self).__init__()
                self.conv1 = nn.Conv2d(3, size, 3)


        class Other(nn.Module):
            def __init__(self):
                nn.Module.__init__(self)


        class Third(nn.Module):
            def forward(self, x):
                return x


        class Fourth(Tudui):
            def __init__(self):
                Tudui.__init__(self, 3)


        class Plain:
            def __init__(self):
                self.conv1 = nn.Conv2d(3, 6, 3)
        """,
    )
    invalid = (
        Bad(
            """
            from torch import nn


            class Tudui(nn.Module):
                def __init__(self):  # finding
                    # the layers
                    self.conv1 = nn.Conv2d(3, 6, 3)


            class Described(nn.Module):
                def __init__(self):  # finding
                    \"\"\"Create it.\"\"\"
                    self.conv1 = nn.Conv2d(3, 6, 3)
            """,
            fixed="""
            from torch import nn


            class Tudui(nn.Module):
                def __init__(self):
                    super().__init__()
                    # the layers
                    self.conv1 = nn.Conv2d(3, 6, 3)


            class Described(nn.Module):
                def __init__(self):
                    \"\"\"Create it.\"\"\"
                    super().__init__()
                    self.conv1 = nn.Conv2d(3, 6, 3)
            """,
        ),
        Bad(
            """
            from torch import nn


            class Tudui(nn.Module):
                def __init__(self):
                    self.conv1 = nn.Conv2d(3, 6, 3)  # finding
                    super().__init__()
            """
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the `__init__` without the call, and the layers that are assigned before it."""
        for owner in networks.classes(script):
            init = networks.method(owner, "__init__")
            if init is None or init.decorators or not isinstance(init.body, cst.IndentedBlock):
                continue
            calls = [a for a in script.within(init, cst.Attribute) if a.attr.value == "__init__"]
            if not calls and not _is_misspelt(script, init):
                yield Match(node=init, fix={init.body: _with_super(init.body)})
            early = (a for a in _layers(script, init) if calls and script.before(a, calls[0]))
            yield from (Match(node=assign) for assign in early)


def _with_super(body: cst.IndentedBlock) -> cst.IndentedBlock:
    statement = cst.parse_statement(SUPER_INIT)
    first = 1 if _is_text(body.body[0]) else 0
    return body.with_changes(body=[*body.body[:first], statement, *body.body[first:]])


def _is_text(line: cst.BaseStatement) -> bool:
    """Return whether a line is a docstring."""
    small = line.body[0] if isinstance(line, cst.SimpleStatementLine) else None
    return isinstance(small, cst.Expr) and isinstance(small.value, cst.SimpleString)


def _is_misspelt(script: Script, init: cst.FunctionDef) -> bool:
    """Return whether a method calls another one through super, such as `super().__int__()`."""
    return any(is_super(script, node.value) for node in script.within(init, cst.Attribute))


def _layers(script: Script, init: cst.FunctionDef) -> Iterator[cst.Assign]:
    """Yield the assignments of layers to attributes."""
    for assign in script.within(init, cst.Assign):
        target = assign.targets[0].target
        if networks.self_attribute(script, target) and script.types.is_module(assign.value):
            yield assign


class SuperInitArguments(Rule):
    """Arguments for nn.Module's `__init__`, which takes none."""

    name = "super-init-arguments"
    claims = ("module.super-init", "builtin.arguments")
    severity = "error"
    message = Text(
        en="nn.Module's __init__ takes no arguments (TypeError), and super() passes self by "
        "itself: write super().__init__().",
        zh="nn.Module 的 __init__ 不接受参数（TypeError），super() 会自动传入 self："
        "请写 super().__init__()。",
    )
    write = SUPER_INIT
    valid = (
        """
        from torch import nn


        class Base(nn.Module):
            def __init__(self, size):
                super().__init__()


        class Tudui(Base):
            def __init__(self):
                super().__init__(3)


        class Generated(nn.Module):
            def __init__(self, *args, **kwargs):
                super().__init__(*args, **kwargs)
        """,
    )
    invalid = (
        Bad(
            """
            from torch import nn


            class Tudui(nn.Module):
                def __init__(self):
                    super(Tudui, self).__init__(self)  # finding
            """,
            fixed="""
            from torch import nn


            class Tudui(nn.Module):
                def __init__(self):
                    super(Tudui, self).__init__()
            """,
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the calls in classes that derive from nn.Module alone."""
        for call, base in script.method_calls("__init__"):
            owner = script.enclosing(call, cst.ClassDef)
            given = call.args and not any(arg.star for arg in call.args)
            if owner is None or not given or not is_super(script, base):
                continue
            if only_base(script, owner) == MODULE:
                yield Match(node=call, fix={call: call.with_changes(args=[])})


RULES = (SuperInitMissing, SuperInitArguments)
