"""Networks whose forward is missing or has another name (P16)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import libcst as cst

from reference.checker import networks
from reference.checker.finding import Text
from reference.checker.python.libraries import attributes, similar
from reference.checker.python.members import methods, own_names
from reference.checker.python.reads import assigned_names, has_one_type
from reference.checker.rule import Bad, Match, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reference.checker.edits import Fix
    from reference.checker.script import Script


class ForwardMisspelt(Rule):
    """A method such as `forword` in a network without forward."""

    name = "forward-misspelt"
    claims = ("module.forward-name", "module.forward-needed")
    severity = "error"
    message = Text(
        en="The network calls a method named forward, not {name} (NotImplementedError: missing the "
        'required "forward" function).',
        zh="调用网络时执行的方法必须叫 forward，而不是 {name}（NotImplementedError: missing the "
        'required "forward" function）。',
    )
    valid = (
        """
        from torch import nn


        class Tudui(nn.Module):
            def forward(self, x):
                return self.forward1(x)

            def forward1(self, x):
                return x


        class Other(nn.Module):
            def forward1(self, x):
                return x


        Other().forward1(x)


        class Siamese(nn.Module):
            def forward_once(self, x):
                return x


        class Base(nn.Module):
            def _forward(self, x):
                return x
        """,
    )
    invalid = (
        Bad(
            """
            from torch import nn


            class Tudui(nn.Module):
                def forword(self, x):  # finding
                    return x


            class Other(nn.Module):
                def __forward__(self, x):  # finding
                    return x
            """,
            fixed="""
            from torch import nn


            class Tudui(nn.Module):
                def forward(self, x):
                    return x


            class Other(nn.Module):
                def forward(self, x):
                    return x
            """,
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the methods whose name resembles forward, in classes that have no forward."""
        called = {node.attr.value for node in script.nodes(cst.Attribute)}
        for owner in networks.classes(script):
            found = methods(script, script.name(owner.name) or owner.name.value) or {}
            meant = [method for name, method in found.items() if is_misspelt(name)]
            if "forward" in found or len(meant) != 1 or meant[0] not in owner.body.body:
                continue
            name = meant[0].name.value
            if name not in called | attributes("torch.nn.Module"):
                fix: Fix = {meant[0].name: cst.Name("forward")}
                yield Match(node=meant[0], fields={"name": name}, fix=fix)


def is_misspelt(name: str) -> bool:
    """Return whether a name resembles forward; `_forward` and `forward_once` are others."""
    is_variant = name == "_forward" or re.match("forward[_0-9]", name)
    return not is_variant and bool(similar(name.strip("_").lower(), ["forward"]))


class ForwardMissing(Rule):
    """A network without forward that is called."""

    name = "forward-missing"
    claims = ("module.forward-needed",)
    severity = "error"
    message = Text(
        en="The class {owner} has no method forward, which this call runs (NotImplementedError): "
        "define def forward(self, input) in it.",
        zh="类 {owner} 没有 forward 方法，而这次调用要执行它（NotImplementedError）："
        "请在类里定义 def forward(self, input)。",
    )
    write = "def forward(self, input):\n    return self.model(input)"
    valid = (
        """
        from torch import nn


        class Base(nn.Module):
            def forward(self, x):
                return x


        class Tudui(Base):
            pass


        class Empty(nn.Module):
            def __init__(self):
                super().__init__()


        class Given(nn.Module):
            pass


        Tudui()(x)
        print(Empty())
        given = Given()
        given.forward = lambda x: x
        given(x)
        """,
    )
    invalid = (
        Bad(
            """
            from torch import nn


            class Tudui(nn.Module):
                def __init__(self):
                    super().__init__()
                    self.conv1 = nn.Conv2d(3, 6, 3)


            tudui = Tudui()
            output = tudui(imgs)  # finding
            """
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the first call of each such network."""
        seen = set()
        for call in script.nodes(cst.Call):
            if isinstance(call.func, cst.Name) and call.func.value in ("self", "cls"):
                continue
            of = script.types.of(call.func)
            found = methods(script, of) if of and script.types.is_module_type(of) else None
            if found is None or of in seen or "forward" in found or "__call__" in found:
                continue
            defined = any(is_misspelt(name) for name in found) or _sets_forward(script, of)
            if not defined and has_one_type(script, call.func, of):
                seen.add(of)
                yield Match(node=call, fields={"owner": of.rpartition(".")[2]})


def _sets_forward(script: Script, of: str) -> bool:
    """Return whether a script gives forward to objects: `net.forward = function`."""
    known = own_names(script, of) | {name for _, name in assigned_names(script)}
    return not known.isdisjoint({"forward", "__call__", ""}) or _has_inner_forward(script, of)


def _has_inner_forward(script: Script, of: str) -> bool:
    """Return whether forward is indented too far, which is another mistake."""
    found = script.project.class_def(script, of)
    functions = found[0].within(found[1], cst.FunctionDef) if found else ()
    return any(function.name.value == "forward" for function in functions)


RULES = (ForwardMisspelt, ForwardMissing)
