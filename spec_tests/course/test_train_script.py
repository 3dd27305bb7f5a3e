"""Claims about model.py and train.py as two files, with a folder of weights (P27-P28)."""

import importlib
import runpy
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from spec_tests.harness.shown_errors import ShowsError
from spec_tests.support.listings import run

MODEL = """
import torch
from torch import nn

class MyModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.model = nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 10))

    def forward(self, x):
        return self.model(x)

if __name__ == "__main__":
    print(MyModel()(torch.ones([64, 3, 32, 32])).shape)
"""


@pytest.fixture
def model_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Yield the file model.py, in a folder on the import path."""
    path = tmp_path / "model.py"
    path.write_text(MODEL)
    monkeypatch.syspath_prepend(tmp_path)
    yield path
    sys.modules.pop("model", None)


@pytest.mark.claim("train.model-guard")
def test_guarded_code_runs_only_as_a_script(
    model_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    importlib.import_module("model")
    assert capsys.readouterr().out == ""
    runpy.run_path(str(model_file), run_name="__main__")
    assert capsys.readouterr().out == "torch.Size([64, 10])\n"


@pytest.mark.claim("train.model-file-and-folder")
def test_module_is_imported_rather_than_a_folder_of_weights(model_file: Path) -> None:
    folder = model_file.with_suffix("")
    folder.mkdir()
    (folder / "model_0.pth").touch()
    assert importlib.import_module("model").__file__ == str(model_file)


@pytest.mark.claim("train.model-file-and-folder")
def test_folder_with_init_is_imported_rather_than_the_module(model_file: Path) -> None:
    package = model_file.with_suffix("") / "__init__.py"
    package.parent.mkdir()
    package.touch()
    assert importlib.import_module("model").__file__ == str(package)


@pytest.mark.claim("train.model-file", "train.model-name")
@pytest.mark.shows("train.model-file", "train.model-name", "train.test-listing")
def test_script_without_its_files(model_file: Path, shows_error: ShowsError) -> None:
    model_file.unlink()
    with shows_error("train.model-file"):
        run("from model import *")
    model_file.write_text(MODEL)
    importlib.invalidate_caches()
    with shows_error("train.model-name"):
        run("from model import Tudui")
    with shows_error("train.test-listing"):
        run("writer.add_scalar('test_loss', 0, 0)")


@pytest.mark.shows("train.item")
def test_plain_number_has_no_item(shows_error: ShowsError) -> None:
    with shows_error("train.item"):
        len([1]).item()
