"""P1-P3: what is installed, and what stands in the way of it."""

import importlib
import importlib.metadata
import subprocess
import sys
import types
from pathlib import Path

import pytest
import torch
import torchvision
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from reference.app.doctor import Finding, diagnose
from reference.environment import select_device, why_no_cuda


def finding(check: str) -> Finding:
    """What `course doctor` says about one thing."""
    return next(found for found in diagnose() if found.check == check)


@pytest.fixture
def no_tensorboard_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget what was imported of TensorBoard, so that the next import looks for it anew."""
    for name in list(sys.modules):
        if name.startswith(("tensorboard", "torch.utils.tensorboard")):
            monkeypatch.delitem(sys.modules, name)


@pytest.mark.claim("env.import-torch")
def test_torch_is_installed() -> None:
    listed = importlib.metadata.version("torch")  # where pip list looks, too
    assert torch.__version__.startswith(listed)
    assert finding("torch") == Finding("torch", ok=True, detail=torch.__version__)


@pytest.mark.claim("env.interpreter")
def test_python_of_another_environment_lacks_torch() -> None:
    without_this_environment = [sys.executable, "-I", "-S"]
    done = subprocess.run(
        [*without_this_environment, "-c", "import torch"], capture_output=True, check=False
    )
    assert done.returncode == 1
    assert b"ModuleNotFoundError: No module named 'torch'" in done.stderr


@pytest.mark.claim("env.python-36")
def test_torch_refuses_python_36() -> None:
    pythons = SpecifierSet(importlib.metadata.metadata("torch")["Requires-Python"])
    assert "3.6" not in pythons
    assert "3.11" in pythons
    assert finding("python").ok


@pytest.mark.cuda
@pytest.mark.claim("env.driver-version")
def test_driver_is_newer_than_the_documented_one() -> None:
    driver = finding("cuda").detail.partition("driver ")[2].partition(",")[0]
    assert Version(driver) >= Version("450.80")  # the least for CUDA 11, the oldest in torch 2.6


@pytest.mark.claim("env.cuda-available")
def test_is_available_says_whether_cuda_works() -> None:
    try:
        works = torch.ones(1, device="cuda").item() == 1
    except (RuntimeError, AssertionError):
        works = False
    assert torch.cuda.is_available() is works


@pytest.mark.claim("env.cuda-available")
def test_doctor_says_why_cuda_does_not_work() -> None:
    assert bool(why_no_cuda()) is not torch.cuda.is_available()
    if torch.cuda.is_available():
        assert select_device("auto").type == "cuda"


@pytest.mark.usefixtures("no_tensorboard_imported")
@pytest.mark.claim("env.tensorboard-missing")
def test_import_without_tensorboard_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [])  # where packages are found, tensorboard among them
    with pytest.raises(ModuleNotFoundError, match=r"^No module named 'tensorboard'$"):
        importlib.import_module("torch.utils.tensorboard")
    missing = finding("tensorboard")
    assert not missing.ok
    assert missing.cure == "pip install tensorboard"


@pytest.mark.claim("env.tensorboard-missing")
def test_import_with_tensorboard_works() -> None:
    assert importlib.import_module("torch.utils.tensorboard").SummaryWriter
    assert finding("tensorboard").ok


@pytest.mark.usefixtures("no_tensorboard_imported")
@pytest.mark.claim("env.tensorboard-shadowed")
def test_script_named_tensorboard_is_in_the_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "tensorboard.py"
    script.write_text("from torch.utils.tensorboard import SummaryWriter\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ImportError, match="cannot import name 'SummaryWriter'"):
        importlib.import_module("torch.utils.tensorboard")
    assert str(script) in finding("tensorboard").detail


@pytest.mark.claim("env.imagenet-scipy")
def test_imagenet_needs_scipy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "scipy", None)
    with pytest.raises(ModuleNotFoundError, match="scipy"):
        torchvision.datasets.ImageNet(tmp_path)


@pytest.mark.claim("env.imagenet-download")
def test_imagenet_does_not_download(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("scipy", "scipy.io"):  # nothing of it is needed before the archive is read
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    with pytest.raises(RuntimeError, match="You need to download it externally"):
        torchvision.datasets.ImageNet(tmp_path, download=True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.claim("env.parent-folder")
def test_two_full_stops_are_the_folder_above(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert Path().samefile(tmp_path)
    assert Path("..").samefile(tmp_path.parent)
    Path("…").mkdir()
    assert [path.name for path in tmp_path.iterdir()] == ["…"]


@pytest.mark.claim("env.opencv-missing")
def test_opencv_is_no_part_of_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(importlib.metadata.PackageNotFoundError):
        importlib.metadata.version("cv2")  # pip knows no such package
    monkeypatch.delitem(sys.modules, "cv2", raising=False)
    monkeypatch.setattr(sys, "path", [])  # where packages are found, OpenCV among them
    with pytest.raises(ModuleNotFoundError, match=r"^No module named 'cv2'$"):
        importlib.import_module("cv2")
