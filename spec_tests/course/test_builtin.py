"""Claims about dir() and help() (P4-P5)."""

import builtins
import code
import inspect
import os
import pickle
import pydoc
import sys
import time
from pathlib import Path
from types import ModuleType

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset
from torch.utils.tensorboard import SummaryWriter

from spec_tests.harness.shown_errors import ShowsError
from spec_tests.support.listings import run


def help_text(capsys: pytest.CaptureFixture[str], thing: object) -> str:
    """Return what `help(thing)` prints."""
    help(thing)
    return pydoc.plain(capsys.readouterr().out)


@pytest.mark.claim("builtin.dir-modules")
def test_dir_lists_submodules() -> None:
    assert {"sum", "nn", "cuda", "tensor"} <= set(dir(torch))
    assert dir(torch) == sorted(dir(torch))
    assert isinstance(torch.cuda, ModuleType)
    assert "is_available" in dir(torch.cuda)


@pytest.mark.claim("builtin.dir-classes")
def test_dir_of_a_class_and_of_an_instance() -> None:
    class Point:
        size = 2

        def __init__(self) -> None:
            self.x = 1

        def move(self) -> None: ...

    assert {"size", "move"} <= set(dir(Point))
    assert "x" not in dir(Point)
    assert {"size", "move", "x"} <= set(dir(Point()))


@pytest.mark.claim("builtin.help-function")
def test_help_of_a_function(capsys: pytest.CaptureFixture[str]) -> None:
    text = help_text(capsys, torch.sum)
    assert text.startswith("Help on built-in function sum")
    assert "Returns the sum of all elements" in text


@pytest.mark.claim("builtin.help-without-call")
def test_help_of_a_call_describes_its_result(capsys: pytest.CaptureFixture[str]) -> None:
    assert "is_available" in help_text(capsys, torch.cuda.is_available).splitlines()[0]
    text = help_text(capsys, torch.cuda.is_available())
    assert "class bool" in text
    assert "is_available" not in text


@pytest.mark.claim("builtin.help-dataset")
def test_help_of_dataset(capsys: pytest.CaptureFixture[str]) -> None:
    assert "An abstract class representing a" in help_text(capsys, Dataset)


@pytest.mark.claim("builtin.question-marks")
def test_question_marks_are_a_syntax_error() -> None:
    with pytest.raises(SyntaxError, match="invalid syntax"):
        compile("Dataset??", "console", "exec")
    assert inspect.getsource(Dataset).startswith("class Dataset")


@pytest.mark.claim("builtin.dell")
@pytest.mark.parametrize("name", ["dell", "There"])
def test_names_in_the_listing_are_undefined(name: str) -> None:
    with pytest.raises(NameError, match=f"name '{name}' is not defined"):
        eval(f"{name}(torch)")  # noqa: S307 - the course's own line


@pytest.mark.claim("builtin.dir-files")
def test_dir_lists_names_and_listdir_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.txt").touch()
    monkeypatch.chdir(tmp_path)
    assert dir() == ["monkeypatch", "tmp_path"]
    assert os.listdir() == ["a.txt"]  # noqa: PTH208 - the course's function


@pytest.mark.claim("builtin.dir-lists-all")
def test_dir_omits_numbered_layers() -> None:
    network = nn.Sequential(nn.ReLU())
    assert getattr(network, "0") is network[0]
    assert "forward" in dir(network)
    assert "0" not in dir(network)
    assert [name for name, _ in network.named_children()] == ["0"]


@pytest.mark.claim("builtin.shown-without-print")
def test_only_the_interpreter_displays_a_value(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # the interpreter sets builtins._ to the last value
    monkeypatch.setattr(builtins, "_", None, raising=False)
    exec("dir(torch.cuda)", {"torch": torch})  # noqa: S102 - as a script does
    assert capsys.readouterr().out == ""
    code.InteractiveInterpreter({"torch": torch}).runsource("dir(torch.cuda)")
    assert "'is_available'" in capsys.readouterr().out


@pytest.mark.shows("builtin.dell")
def test_message_of_the_listing(shows_error: ShowsError) -> None:
    with shows_error("builtin.dell"):
        run("dell(torch)")


@pytest.mark.claim("builtin.misspelt")
@pytest.mark.shows("builtin.misspelt")
def test_dir_lists_the_right_name(shows_error: ShowsError, tmp_path: Path) -> None:
    with shows_error("builtin.misspelt"):
        _ = nn.Conv2D
    assert "Conv2d" in dir(nn)
    for listing in ("from torchvision import transform", "import torchvision.transform"):
        with shows_error("builtin.misspelt"):
            run(listing)
    with SummaryWriter(tmp_path) as writer, shows_error("builtin.misspelt"):
        writer.add_imgs("test", torch.ones(1, 3, 8, 8))
    assert "add_images" in dir(SummaryWriter)


@pytest.mark.claim("builtin.not-callable")
@pytest.mark.shows("builtin.not-callable")
def test_variable_that_hides_a_function(shows_error: ShowsError) -> None:
    for listing in ("print = 'x'; print(1)", "shape()", "net = 0; net(1)", "data()"):
        with shows_error("builtin.not-callable"):
            run(listing, shape=torch.ones(2).shape, data=DataLoader([1]))


@pytest.mark.claim("builtin.arguments", "builtin.text-and-number", "builtin.unpacking")
@pytest.mark.shows("builtin.arguments", "builtin.text-and-number", "builtin.unpacking")
def test_messages_of_python(shows_error: ShowsError) -> None:
    for name, listing in (
        ("builtin.arguments", "nn.Conv2d(3, 6)"),
        ("builtin.arguments", "nn.Flatten(dim=1)"),
        ("builtin.arguments", "nn.Flatten(1, 2, 3)"),
        ("builtin.arguments", "nn.Flatten(1, start_dim=2)"),
        ("builtin.text-and-number", "'loss: ' + loss"),
        ("builtin.text-and-number", "loss + 'loss: '"),
        ("builtin.unpacking", "imgs, targets = [1, 2, 3]"),
        ("builtin.unpacking", "imgs, targets = [1]"),
    ):
        with shows_error(name):
            run(listing, nn=nn, loss=torch.tensor(2.5))


@pytest.mark.claim("builtin.function-as-value")
@pytest.mark.shows("builtin.function-as-value")
def test_function_of_python_as_a_value(shows_error: ShowsError) -> None:
    with pytest.raises(NameError):
        run("nn.ReLU()(inputs)", nn=nn)
    for listing in ("nn.ReLU()(input)", "input.shape", "x.size[0]", "len(input)", "1 - time.time"):
        with shows_error("builtin.function-as-value"):
            run(listing, nn=nn, x=torch.ones(2), time=time)
    run("nn.ReLU(input)", nn=nn)  # an option that only has to be true or false


@pytest.mark.claim("builtin.name-taken")
@pytest.mark.shows("builtin.name-taken")
def test_object_with_the_name_of_its_class(
    monkeypatch: pytest.MonkeyPatch, shows_error: ShowsError
) -> None:
    class tudui(nn.Module):  # noqa: N801 - the claim is about this name
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x + 1

    names = run("tudui = tudui()", tudui=tudui)
    assert isinstance(names["tudui"], nn.Module)
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'x'"):
        run("tudui = tudui()", **names)
    script = ModuleType("script")
    monkeypatch.setitem(sys.modules, "script", script)
    vars(script).update(run("class tudui: pass\ntudui = tudui()", __name__="script"))
    with shows_error("builtin.name-taken"):
        pickle.dumps(script.tudui)


@pytest.mark.claim("builtin.local-before-assignment")
@pytest.mark.shows("builtin.local-before-assignment")
def test_name_that_a_function_assigns_later(shows_error: ShowsError) -> None:
    listing = "total = 0\ndef add(loss):\n    total = total + loss\n    return total\nadd(2)"
    with shows_error("builtin.local-before-assignment"):
        run(listing)
    assert run(listing.replace("total +", "0 +").replace("add(2)", "sum = add(2)"))["sum"] == 2
