"""Claims about the environment: what is installed and what can go wrong (P1-P3)."""

import importlib
import importlib.metadata
import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from reference.app.doctor import Finding, diagnose
from reference.environment import select_device, why_no_cuda
from spec_tests.harness.shown_errors import PrintsError, ShowsError


def finding(check: str) -> Finding:
    """Return one finding of `course doctor`."""
    return next(entry for entry in diagnose() if entry.check == check)


@pytest.fixture
def tensorboard_not_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove TensorBoard from sys.modules, so that the next import searches for it again."""
    for name in list(sys.modules):
        if name.startswith(("tensorboard", "torch.utils.tensorboard")):
            monkeypatch.delitem(sys.modules, name)


@pytest.mark.claim("env.import-torch")
def test_torch_is_installed() -> None:
    listed = importlib.metadata.version("torch")  # pip list reads the same metadata
    assert torch.__version__.startswith(listed)
    assert finding("torch") == Finding("torch", ok=True, detail=torch.__version__)


@pytest.mark.claim("env.interpreter")
@pytest.mark.shows("env.interpreter")
def test_python_of_another_environment_lacks_torch(prints_error: PrintsError) -> None:
    without_this_environment = [sys.executable, "-I", "-S"]
    result = subprocess.run(
        [*without_this_environment, "-c", "import torch"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 1
    prints_error("env.interpreter", result.stderr)


@pytest.mark.claim("env.python-36")
def test_torch_refuses_python_36() -> None:
    supported = SpecifierSet(importlib.metadata.metadata("torch")["Requires-Python"])
    assert "3.6" not in supported
    assert "3.11" in supported
    assert finding("python").ok


@pytest.mark.cuda
@pytest.mark.claim("env.driver-version")
def test_driver_is_newer_than_the_documented_one() -> None:
    driver = finding("cuda").detail.partition("driver ")[2].partition(",")[0]
    # the minimum for CUDA 11, the oldest CUDA that torch 2.6 supports
    assert Version(driver) >= Version("450.80")


@pytest.mark.claim("env.cuda-available")
def test_is_available_agrees_with_a_cuda_computation() -> None:
    try:
        works = torch.ones(1, device="cuda").item() == 1
    except (RuntimeError, AssertionError):
        works = False
    assert torch.cuda.is_available() is works


@pytest.mark.claim("env.cuda-available")
def test_why_no_cuda_agrees_with_is_available() -> None:
    assert bool(why_no_cuda()) is not torch.cuda.is_available()
    if torch.cuda.is_available():
        assert select_device("auto").type == "cuda"


@pytest.mark.usefixtures("tensorboard_not_imported")
@pytest.mark.claim("env.tensorboard-missing")
@pytest.mark.shows("env.tensorboard-missing")
def test_import_without_tensorboard_fails(
    monkeypatch: pytest.MonkeyPatch, shows_error: ShowsError
) -> None:
    monkeypatch.setattr(sys, "path", [])  # so that no package is found, tensorboard included
    with shows_error("env.tensorboard-missing"):
        importlib.import_module("torch.utils.tensorboard")
    missing = finding("tensorboard")
    assert not missing.ok
    assert missing.cure == "pip install tensorboard"


@pytest.mark.claim("env.tensorboard-missing")
def test_import_with_tensorboard_works() -> None:
    assert importlib.import_module("torch.utils.tensorboard").SummaryWriter
    assert finding("tensorboard").ok


@pytest.mark.usefixtures("tensorboard_not_imported")
@pytest.mark.claim("env.tensorboard-shadowed")
@pytest.mark.shows("env.tensorboard-shadowed")
def test_script_named_tensorboard_shadows_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shows_error: ShowsError
) -> None:
    script = tmp_path / "tensorboard.py"
    script.write_text("from torch.utils.tensorboard import SummaryWriter\n")
    monkeypatch.syspath_prepend(tmp_path)
    with shows_error("env.tensorboard-shadowed"):
        importlib.import_module("torch.utils.tensorboard")
    with shows_error("env.tensorboard-shadowed"):
        importlib.import_module("tensorboard.compat")
    assert str(script) in finding("tensorboard").detail


@pytest.mark.claim("env.imagenet-scipy")
@pytest.mark.shows("env.imagenet-scipy")
def test_imagenet_needs_scipy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shows_error: ShowsError
) -> None:
    monkeypatch.setitem(sys.modules, "scipy", None)
    with shows_error("env.imagenet-scipy"):
        torchvision.datasets.ImageNet(tmp_path)


@pytest.mark.claim("env.imagenet-download")
@pytest.mark.shows("env.imagenet-download")
def test_imagenet_does_not_download(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shows_error: ShowsError
) -> None:
    for name in ("scipy", "scipy.io"):  # a stub is enough: it is used only to read the archive
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    with shows_error("env.imagenet-download"):
        torchvision.datasets.ImageNet(tmp_path, download=True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.claim("env.parent-folder")
@pytest.mark.shows("env.parent-folder")
def test_two_full_stops_are_the_parent_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shows_error: ShowsError
) -> None:
    monkeypatch.chdir(tmp_path)
    assert Path().samefile(tmp_path)
    assert Path("..").samefile(tmp_path.parent)
    with shows_error("env.parent-folder"):
        list(Path("…").iterdir())
    Path("…").mkdir()
    assert [path.name for path in tmp_path.iterdir()] == ["…"]


@pytest.mark.claim("env.opencv-missing")
@pytest.mark.shows("env.opencv-missing")
def test_opencv_is_not_part_of_torch(
    monkeypatch: pytest.MonkeyPatch, shows_error: ShowsError
) -> None:
    with pytest.raises(importlib.metadata.PackageNotFoundError):
        importlib.metadata.version("cv2")  # pip knows no such package
    monkeypatch.delitem(sys.modules, "cv2", raising=False)
    monkeypatch.setattr(sys, "path", [])  # so that no package is found, OpenCV included
    with shows_error("env.opencv-missing"):
        importlib.import_module("cv2")


@pytest.mark.claim("env.missing-package")
@pytest.mark.shows("env.missing-package")
def test_package_that_is_not_installed(shows_error: ShowsError) -> None:
    with shows_error("env.missing-package"):
        importlib.import_module("package_of_another_environment")


@pytest.mark.claim("env.shadowed-module")
@pytest.mark.shows("env.shadowed-module")
def test_script_with_the_name_of_a_module(tmp_path: Path, prints_error: PrintsError) -> None:
    for use in ("import torch; torch.nn", "from torch import nn", "import torch.nn"):
        (tmp_path / "torch.py").write_text(use)
        result = subprocess.run(
            [sys.executable, "torch.py"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        prints_error("env.shadowed-module", result.stderr)


@pytest.mark.claim("env.no-network")
@pytest.mark.shows("env.no-network")
def test_server_that_cannot_be_reached(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shows_error: ShowsError
) -> None:
    monkeypatch.setenv("no_proxy", "*")
    with shows_error("env.no-network"):
        torch.hub.load_state_dict_from_url("http://127.0.0.1:9/vgg16.pth", str(tmp_path))
    (tmp_path / "vgg16.pth").touch()
    with pytest.raises(EOFError):  # it reads the file that is there
        torch.hub.load_state_dict_from_url("http://127.0.0.1:9/vgg16.pth", str(tmp_path))


@pytest.mark.claim("env.removed-names")
@pytest.mark.shows("env.removed-names")
def test_removed_names_of_numpy(shows_error: ShowsError) -> None:
    for name in ("int", "float", "complex"):
        with shows_error("env.removed-names"):
            getattr(np, name)
