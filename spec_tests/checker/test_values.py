"""Where values go in a script, which files it names, and what it saves in them."""

import importlib.metadata
from pathlib import Path
from textwrap import dedent

import libcst as cst
import pytest
import torchvision
from packaging.version import Version

from reference.checker.flow import places
from reference.checker.project import Project
from reference.checker.rules.vgg.weights import NEWER_WEIGHTS
from reference.checker.saving.filenames import file_name, folder_of, may_be_same_file, shown
from reference.checker.saving.saved import content_of, saved_as
from reference.checker.script import Script

TORCH = Version(importlib.metadata.version("torch"))


def parse(code: str, path: Path = Path("script.py")) -> Script:
    return Script(dedent(code), path, Project(TORCH), TORCH)


def uses_of_load(code: str) -> list[str]:
    """Return what surrounds the places that have the value of the script's first torch.load."""
    script = parse(code)
    call = next(script.calls("torch.load"))
    parents = [script.parent(place) for place in places(script, call)]
    return [script.code(parent) for parent in parents if isinstance(parent, cst.Attribute)]


@pytest.mark.parametrize(
    "code",
    [
        "net = torch.load(f)\nnet.eval()",
        "net = torch.load(f)\nnet = net.to(device)\nnet.eval()",
        "torch.load(f).eval()",
        "a, net = 1, torch.load(f)\nnet.eval()",
        "def load():\n    return torch.load(f)\nnet = load()\nnet.eval()",
        "def test(other, net):\n    net.eval()\ntest(1, torch.load(f))",
        "def test(net):\n    net.eval()\ntest(net=torch.load(f))",
        "if f:\n    net = torch.load(f)\nelse:\n    net = 1\nnet.eval()",
        "class A:\n    def a(self):\n        self.x = torch.load(f)\n        self.x.eval()",
    ],
)
def test_a_value_is_followed(code: str) -> None:
    assert any(use.endswith(".eval") for use in uses_of_load(f"import torch\n{code}\n"))


@pytest.mark.parametrize(
    "code",
    [
        "net = torch.load(f)\nnet = 1\nnet.eval()",
        "net = torch.load(f)\nother.eval()",
        "if f:\n    net = torch.load(f)\n    net = 1\n    net.eval()",
        "def test(net, other):\n    net.eval()\ntest(1, torch.load(f))",
    ],
)
def test_another_value_of_a_variable_is_not_followed(code: str) -> None:
    assert not any(use.endswith(".eval") for use in uses_of_load(f"import torch\n{code}\n"))


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ('"runs/net.pth"', "runs/net.pth"),
        ('"net_{}.pth".format(i)', "net_….pth"),
        ('"net_{}_{}.pth".format(i, name)', "net_…_….pth"),
        ('f"net_{i}.pth"', "net_….pth"),
        ('"net_" + str(i + 1) + ".pth"', "net_….pth"),
        ('"net_%d.pth" % i', "net_….pth"),
        ('os.path.join("runs", "a", "net.pth")', "runs/a/net.pth"),
        ('Path("runs") / "net.pth"', "runs/net.pth"),
        ("path", "models/net.pth"),
        ("read()", "…"),
    ],
)
def test_names_of_files(code: str, expected: str) -> None:
    script = parse(f"""
        import os
        from pathlib import Path
        path = "models/net.pth"
        for i in range(3):
            print({code})
    """)
    call = next(script.calls("builtins.print"))
    assert shown(file_name(script, call.args[0].value)) == expected


@pytest.mark.parametrize(
    ("saved", "loaded", "same"),
    [
        ('"net_{}.pth".format(i)', "net_9.pth", True),
        ('"net_{}.pth".format(i)', "../models/net_9.pth ", True),
        ('"net_{}.pth".format(i)', "net_best.pth", False),
        ('"net_{}.pth".format(name)', "net_best.pth", True),
        ('"net_9.pth"', "vgg_9.pth", False),
        ('str(i) + ".pth"', "9.pth", False),
    ],
)
def test_files_are_compared_by_their_names(saved: str, loaded: str, *, same: bool) -> None:
    script = parse(f"for i in range(10):\n    print({saved})\n")
    call = next(script.calls("builtins.print"))
    assert may_be_same_file(file_name(script, call.args[0].value), loaded) is same


def test_folder_of_a_path() -> None:
    assert folder_of("a/b/c.pth") == folder_of("a\\b\\c.pth") == "a/b"
    assert folder_of("c.pth") == ""


@pytest.mark.parametrize(
    ("value", "content"),
    [
        ("net", "network"),
        ("Net()", "network"),
        ("net.state_dict()", "weights"),
        ('{"model": net.state_dict(), "epoch": 1}', "weights"),
        ('{"model": net, "epoch": 1}', "network"),
        ("unknown", ""),
    ],
)
def test_what_a_script_saves(value: str, content: str) -> None:
    script = parse(f"""
        import torch
        from torch import nn
        class Net(nn.Module):
            pass
        net = Net()
        torch.save({value}, "net.pth")
    """)
    assert content_of(saved_as(script, "net.pth")) == content


def test_the_scripts_beside_it_are_read_if_a_script_saves_nothing(tmp_path: Path) -> None:
    code = "import torch\nfrom torch import nn\ntorch.save(nn.Linear(2, 2), 'net.pth')\n"
    (tmp_path / "train.py").write_text(code, encoding="utf-8")
    (tmp_path / "other.py").write_text("x = (", encoding="utf-8")
    script = parse("import torch\nnet = torch.load('net.pth')\n", tmp_path / "load.py")
    assert content_of(saved_as(script, "net.pth")) == "network"
    (tmp_path / "again.py").write_text(code.replace("2)", "2).state_dict()"), encoding="utf-8")
    script = parse("import torch\nnet = torch.load('net.pth')\n", tmp_path / "load.py")
    assert content_of(saved_as(script, "net.pth")) == ""


def test_default_weights_are_those_of_pretrained() -> None:
    """Compare torchvision's networks with those for which --fix does not write "DEFAULT"."""
    for name in torchvision.models.list_models(module=torchvision.models):
        weights = torchvision.models.get_model_weights(name)
        if "IMAGENET1K_V1" in weights.__members__:
            is_newest = weights.DEFAULT is weights["IMAGENET1K_V1"]
            assert is_newest is not bool(NEWER_WEIGHTS.match(name)), name
