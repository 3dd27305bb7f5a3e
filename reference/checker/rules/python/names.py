"""Names that are not defined where they are read (P4, P5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reference.checker.finding import Text
from reference.checker.python.causes import undefined_names
from reference.checker.python.order import defined_later
from reference.checker.rule import Bad, Match, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reference.checker.script import Script


class NameOfFunction(Rule):
    """A variable of a function that is read outside it."""

    name = "name-of-another-function"
    claims = ("listing.undefined-name",)
    severity = "error"
    message = Text(
        en="{name} exists only inside the function {function} (NameError): return it there, and "
        "assign the result of the call.",
        zh="{name} 只存在于函数 {function} 内部（NameError）：请在函数里 return 它，"
        "再接收调用的结果。",
    )
    write = ""
    valid = (
        """
        def f():
            net = 1
            return net


        net = f()
        print(net)
        """,
    )
    invalid = (
        Bad(
            """
            def build():
                classifier = 1


            build()
            print(classifier)  # finding
            """
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the first place that reads each such name."""
        for found in undefined_names(script, "elsewhere"):
            node = found.names[0]
            yield Match(node=node, fields={"name": node.value, "function": found.right})


class UndefinedName(Rule):
    """Any other name that is not defined."""

    name = "undefined-name"
    claims = ("listing.undefined-name", "builtin.dell", "train.test-listing")
    severity = "error"
    message = Text(
        en="{name} is not defined anywhere in this script (NameError): define or import it first.",
        zh="整个脚本里都没有定义 {name}（NameError）：先定义或导入它才能使用。",
    )
    write = ""
    valid = (
        """
        import sys

        if sys.argv:
            x = 1
        del x
        try:
            print(missing)
        except NameError:
            missing = 3
        """,
        """
        exec("y = 1")
        print(y)
        """,
        """
        print([w for v in range(3) if (w := v)], w)
        match w:
            case [a, *b]:
                print(a, b)
        """,
    )
    invalid = (
        Bad(
            """
            print(dell(3))  # finding
            writer.add_scalar("loss", 1, 1)  # finding
            writer.close()
            """
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the first place that reads each such name."""
        for found in undefined_names(script, "unknown"):
            yield Match(node=found.names[0], fields={"name": found.names[0].value})


class UsedBeforeDefinition(Rule):
    """A name that is read above the line that defines it."""

    name = "used-before-definition"
    claims = ("listing.undefined-name",)
    severity = "error"
    message = Text(
        en="{name} is defined only in line {line}, below: a script runs from top to bottom, so "
        "this line fails (NameError or UnboundLocalError). Define it above.",
        zh="{name} 到下面第 {line} 行才定义，而脚本从上往下执行，所以这一行会报错"
        "（NameError 或 UnboundLocalError）。请把定义移到前面。",
    )
    write = ""
    valid = (
        """
        def f():
            return later


        later = 1
        f()
        """,
        """
        for i in range(3):
            if i:
                print(x)
            x = i
        """,
        """
        total = 0
        for i in range(3):
            total = total + i
            total += 1
        """,
        """
        def f():
            def g():
                return x

            x = 1
            return g()
        """,
    )
    invalid = (
        Bad(
            """
            tudui = Tudui()  # finding


            class Tudui:
                pass


            print(tudui)
            """
        ),
        Bad(
            """
            for i in range(3):
                total = total + i  # finding
            print(total)
            """
        ),
        Bad(
            """
            step = 0


            def train():
                step += 1  # finding


            train()
            """
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the first place that reads each such name."""
        seen = set()
        for node, definition in sorted(defined_later(script), key=lambda p: script.line(p[0])):
            if node.value not in seen:
                seen.add(node.value)
                fields = {"name": node.value, "line": str(script.line(definition))}
                yield Match(node=node, fields=fields)


RULES = (NameOfFunction, UndefinedName, UsedBeforeDefinition)
