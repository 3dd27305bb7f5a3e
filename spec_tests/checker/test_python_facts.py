"""What the rules about Python know of classes, attributes and parameters agrees with Python."""

import importlib.metadata
from pathlib import Path
from textwrap import dedent
from typing import Any

import libcst as cst
import pytest
from packaging.version import Version

from reference.checker.project import Project
from reference.checker.python.members import members, methods
from reference.checker.python.reads import has_one_type
from reference.checker.python.signatures import misfits
from reference.checker.script import Script

TORCH = Version(importlib.metadata.version("torch"))


def parse(code: str, folder: Path, **files: str) -> Script:
    """Return a script, with others beside it."""
    for name, text in files.items():
        (folder / f"{name}.py").write_text(dedent(text), encoding="utf-8")
    return Script(dedent(code), folder / "script.py", Project(TORCH), TORCH)


PARAMETERS = ("", "a", "a, b=1", "*rest", "a, *, b", "a, /, b", "a, *, b=1, **options")
ARGUMENTS = ("", "1", "1, 2", "1, 2, 3", "a=1", "1, b=2", "1, a=1", "1, c=3", "b=1, a=2")


def problem(parameters: str, arguments: str) -> str:
    """Return what Python says about arguments that do not fit; empty if they do."""
    namespace: dict[str, Any] = {}
    exec(f"def f({parameters}): pass", namespace)  # noqa: S102 - the code is above
    try:
        eval(f"f({arguments})", namespace)  # noqa: S307 - as above
    except TypeError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("parameters", PARAMETERS)
@pytest.mark.parametrize("arguments", ARGUMENTS)
def test_arguments_fit_as_python_says(tmp_path: Path, parameters: str, arguments: str) -> None:
    script = parse(f"def f({parameters}):\n    pass\n\n\nf({arguments})\n", tmp_path)
    message = problem(parameters, arguments)
    if "multiple values" not in message:  # of which the rules say nothing
        assert bool(misfits(script)) == bool(message)


def test_arguments_whose_number_is_not_known(tmp_path: Path) -> None:
    assert not misfits(parse("def f(a):\n    pass\n\n\nf(*xs)\nf(**options)\n", tmp_path))


CLASS = """
    from torch import nn


    class Tudui(nn.Module):
        classes = 10

        def __init__(self):
            super().__init__()
            self.conv1, self.pool = nn.Conv2d(3, 6, 3), nn.MaxPool2d(2)
            self.add_module("linear", nn.Linear(2, 3))

        def forward(self, x):
            return x


    Tudui().extra = 1
    """


def test_members_of_a_class(tmp_path: Path) -> None:
    found = members(parse(CLASS, tmp_path), "Tudui") or frozenset()
    assert {"classes", "conv1", "pool", "linear", "forward", "extra", "training"} <= found
    assert "conv2" not in found


def test_members_of_an_imported_class(tmp_path: Path) -> None:
    script = parse("from model import *\n\nnet = Tudui()\nnet.more = 1\n", tmp_path, model=CLASS)
    found = members(script, "model.Tudui") or frozenset()
    assert {"conv1", "more"} <= found


@pytest.mark.parametrize(
    "code",
    [
        "class A(Unknown):\n    pass\n",
        "class A:\n    def __getattr__(self, name):\n        return 1\n",
        "@decorated\nclass A:\n    pass\n",
        "class A:\n    pass\n\n\nclass A:\n    pass\n",
        "class A:\n    def __init__(self, **options):\n        self.__dict__.update(options)\n",
        "class A:\n    def __init__(self, x):\n        setattr(self, x, 1)\n",
        "class A(metaclass=Meta):\n    pass\n",
    ],
)
def test_members_that_are_not_known(tmp_path: Path, code: str) -> None:
    assert members(parse(code, tmp_path), "A") is None


def test_methods_with_those_of_bases(tmp_path: Path) -> None:
    code = """
        class Base:
            def run(self, x):
                return x

            def stop(self):
                pass


        class A(Base):
            def run(self):
                pass
        """
    script = parse(code, tmp_path)
    found = methods(script, "A") or {}
    assert set(found) == {"run", "stop"}
    assert found["run"] is script.nodes(cst.FunctionDef)[2]


@pytest.mark.parametrize("line", ["f = staticmethod(f)", "__call__ = f", "forward = f"])
def test_methods_that_are_replaced(tmp_path: Path, line: str) -> None:
    code = f"class A:\n    def f(x):\n        return x\n\n    {line}\n"
    assert methods(parse(code, tmp_path), "A") is None


def test_attribute_of_several_types(tmp_path: Path) -> None:
    model = """
        class Part:
            pass


        class Whole:
            def __init__(self, large):
                self.part = Part()
                if large:
                    self.part = large
        """
    code = "from model import Whole\n\nwhole = Whole(3)\nprint(whole.part.size)\n"
    script = parse(code, tmp_path, model=model)
    node = next(n for n in script.nodes(cst.Attribute) if n.attr.value == "part")
    of = script.types.of(node)
    assert of == "Part"
    assert not has_one_type(script, node, of)


@pytest.mark.parametrize("value", ["choose(3)", "A() if x else B()", "B() if x else A()"])
def test_variable_that_may_have_another_type(tmp_path: Path, value: str) -> None:
    code = f"""
        class A:
            def run(self):
                return self.a


        class B:
            def run(self, x):
                return x


        def choose(x):
            if x:
                return A()
            return B()


        x = 3
        one = {value}
        one.run()
        one.run(1)
        """
    assert not misfits(parse(code, tmp_path))
