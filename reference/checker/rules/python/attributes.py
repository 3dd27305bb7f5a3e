"""Attributes that the objects of a class do not have (P4, P16)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from reference.checker.finding import Text
from reference.checker.python import libraries
from reference.checker.python.members import members, own_names
from reference.checker.python.reads import has_one_type, is_read, tested_names
from reference.checker.rule import Bad, Match, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reference.checker.script import Script

MAX_SHOWN = 6  # attributes in a message
# Packages whose functions add no attributes to an object that they get.
_HARMLESS = {
    "builtins",
    "torch",
    "torchvision",
    "tensorboardX",
    "torchsummary",
    "torchinfo",
    "copy",
}


class UndefinedAttribute(Rule):
    """An attribute that nothing in a class of the script defines."""

    name = "undefined-attribute"
    claims = (
        "module.layer-name",
        "module.call-method",
        "seq.commented-layers",
        "builtin.misspelt",
    )
    severity = "error"
    message = Text(
        en="Nothing defines {name} for objects of {owner} (AttributeError). The class defines "
        "{names}.",
        zh="{owner} 的对象没有 {name}（AttributeError）。类里定义的有 {names}。",
    )
    write = ""
    valid = (
        """
        import torch
        from torch import nn
        from torch.utils.data import Dataset


        class Tudui(nn.Module):
            classes = 10

            def __init__(self):
                super().__init__()
                self.conv1, self.pool = nn.Conv2d(3, 6, 3), nn.MaxPool2d(2)
                self.add_module("linear", nn.Linear(2, 3))
                self.register_buffer("mean", torch.zeros(1))

            def forward(self, x):
                self.calls += 1
                return self.linear(self.pool(self.conv1(x))) + self.mean + self.classes

            def extra(self):
                return self.training, self.weight


        net = Tudui()
        net.weight = 3
        net.eval().to("cpu").state_dict()
        Tudui.calls = 0
        """,
        """
        import dataclasses
        from torch import nn
        from other_library import prepare


        @dataclasses.dataclass
        class Options:
            epochs: int = 3


        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                object.__setattr__(self, "plain", 3)
                self.part = Options()
                if self.plain:
                    self.part = None


        options = Options()
        print(options.epochs, Net().plain, Net().part.replaced)
        net = Net()
        prepare(net)
        net.prepared()
        other = Net()
        print(other.shown if isinstance(other, Options) else 0)
        """,
        """
        from somewhere import Base


        class A(Base):
            def f(self):
                return self.unknown


        class B:
            def __getattr__(self, name):
                return name

            def f(self):
                return self.anything


        class C:
            def f(self, names):
                for name in names:
                    setattr(self, name, 1)
                return self.anything


        class Single:
            def __new__(cls):
                cls.made = super().__new__(cls)
                return cls.made, cls.__name__, cls.mro()


        class Template:
            def f(self):
                return self.of_a_derived_class

            def g(self):
                raise NotImplementedError


        class D:
            def f(self):
                if hasattr(self, "cache"):
                    return self.cache
                try:
                    return self.other
                except AttributeError:
                    return None
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

                def forward(self, x):
                    return self.conv(x)  # finding


            class Other(nn.Module):
                def __init__(self):
                    super().__init__()
                    self.conv = nn.Conv2d(3, 6, 3)


            tudui = Tudui()
            tudui.call(x)  # finding
            """
        ),
        Bad(
            """
            import os
            from torch.utils.data import Dataset


            class MyData(Dataset):
                def __init__(self, root):
                    self.img_path = os.listdir(root)

                def __len__(self):
                    return len(self.image_path)  # finding
            """
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the first place that reads each such attribute."""
        seen = set()
        skipped = _unfinished(script)
        for node in script.nodes(cst.Attribute):
            name, of = node.attr.value, script.types.of(node.value)
            if not of or of in skipped or (of, name) in seen or name.startswith("__"):
                continue
            known = members(script, of)
            if known is None or name in known or name in tested_names(script):
                continue
            certain = is_read(script, node) and has_one_type(script, node.value, of)
            if certain and not _may_be_changed(script, node.value, of):
                seen.add((of, name))
                fields = {"name": name, "owner": of.rpartition(".")[2], "names": ""}
                yield Match(node=node, fields=fields | {"names": _shown(script, name, of)})


def _unfinished(script: Script) -> set[str]:
    """Return the classes that may use what others define: those that derive from them."""
    names = {script.name(b.value) for c in script.nodes(cst.ClassDef) for b in c.bases}
    called = {name for name, _ in script.named_calls}
    for node in script.nodes(cst.ClassDef):
        name = script.name(node.name) or node.name.value
        if name not in called and (not node.bases or _is_abstract(script, node)):
            names.add(name)
    return names


def _is_abstract(script: Script, owner: cst.ClassDef) -> bool:
    """Return whether a class leaves a method to those that derive from it."""
    raised = (r.exc for r in script.within(owner, cst.Raise))
    raised = (r.func if isinstance(r, cst.Call) else r for r in raised)
    return any(script.name(exc) == "builtins.NotImplementedError" for exc in raised)


def _may_be_changed(script: Script, node: cst.BaseExpression, of: str) -> bool:
    """Return whether another class, or a function of another library, may add the attribute."""
    short = of.rpartition(".")[2]
    for other in script.project.beside(script, b"class", short.encode()):
        bases = (other.name(b.value) for c in other.nodes(cst.ClassDef) for b in c.bases)
        if any(base.rpartition(".")[2] == short for base in bases):
            return True
    if not isinstance(node, cst.Name):
        return False
    for name in script.accesses(node):
        arg = script.parent(name)
        call = script.parent(arg) if isinstance(arg, cst.Arg) else None
        called = script.name(call.func) if isinstance(call, cst.Call) else ""
        if called and not _leaves_alone(script, called):
            return True
    return False


def _leaves_alone(script: Script, function: str) -> bool:
    """Return whether a function adds nothing to its arguments that the script does not show."""
    if function.startswith("torch.distributed"):
        return False
    top = function.partition(".")[0]
    return top in _HARMLESS or "." not in function or script.project.module(script, top) is not None


def _shown(script: Script, name: str, of: str) -> str:
    """Return the name that one resembles; else some of those that the class defines."""
    own = own_names(script, of)
    names = sorted(n for n in own if not n.startswith("__"))
    return libraries.similar(name, own) or ", ".join(names[:MAX_SHOWN]) or "-"


RULES = (UndefinedAttribute,)
