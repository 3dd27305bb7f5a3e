"""P1-P3, P8: the findings of `course doctor` and their cures."""

import importlib.metadata
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from reference import environment
from reference.app import doctor
from reference.app.doctor import Finding, diagnose
from reference.cli import main


def finding_of(check: str) -> Finding:
    (finding,) = [finding for finding in diagnose() if finding.check == check]
    return finding


def test_this_environment_is_in_order() -> None:
    findings = diagnose()
    assert [finding.check for finding in findings] == [
        "python",
        "torch",
        "torchvision",
        "pair",
        "cuda",
        "device",
        "threads",
        "tensorboard",
    ]
    assert all(finding.ok and finding.detail and not finding.cure for finding in findings)


@pytest.mark.parametrize(
    ("requirement", "fits"), [("torch==2.15.0", True), ("torch==2.13.0", False)]
)
def test_pair_is_checked_by_torchvisions_requirement(
    monkeypatch: pytest.MonkeyPatch, requirement: str, *, fits: bool
) -> None:
    versions = {"torch": "2.15.0+cpu", "torchvision": "0.30.0"}
    monkeypatch.setattr(importlib.metadata, "version", versions.__getitem__)
    monkeypatch.setattr(importlib.metadata, "requires", lambda _name: ["numpy", requirement])
    finding = finding_of("pair")
    assert finding.ok is fits
    assert "torch 2.15.0+cpu and torchvision 0.30.0" in finding.detail
    assert ("pip install --upgrade torch torchvision" in finding.cure) is not fits


def test_missing_package_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    finding = finding_of("tensorboard")
    assert not finding.ok
    assert finding.cure == "pip install tensorboard"


@pytest.mark.parametrize("place", ["the working directory", "the search path"])
def test_script_that_shadows_tensorboard_is_found_and_not_run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, place: str
) -> None:
    script = tmp_path / "tensorboard.py"
    script.write_text("raise SystemExit('ran')")
    monkeypatch.delitem(sys.modules, "tensorboard")
    if place == "the working directory":
        monkeypatch.chdir(tmp_path)
    else:
        monkeypatch.syspath_prepend(tmp_path)
    finding = finding_of("tensorboard")
    assert not finding.ok
    assert finding.detail == f"{script} is imported in place of the package tensorboard"
    assert finding.cure == "rename that file"


@pytest.mark.parametrize(
    ("build", "cure"), [("13.2", "update the NVIDIA driver"), (None, doctor.NEW_PAIR)]
)
def test_gpu_that_torch_does_not_find_has_a_cure(
    monkeypatch: pytest.MonkeyPatch, build: str | None, cure: str
) -> None:
    monkeypatch.setattr(doctor, "driver_version", lambda: "470.1")
    monkeypatch.setattr(doctor, "why_no_cuda", lambda: "the reason")
    monkeypatch.setattr(torch.version, "cuda", build)
    finding = finding_of("cuda")
    assert not finding.ok
    assert "driver 470.1; is_available() is False: the reason" in finding.detail
    assert finding.cure == cure


def test_gpu_that_does_not_compute_is_found(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def why_unusable(device: torch.device) -> str:
        return "" if device.type == "cpu" else "no kernel image is available"

    monkeypatch.setattr(torch.accelerator, "is_available", lambda: True)
    monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda: torch.device("cuda"))
    monkeypatch.setattr(doctor, "why_no_cuda", lambda: "")
    for module in (doctor, environment):
        monkeypatch.setattr(module, "why_unusable", why_unusable)
    for check in ("cuda", "device"):
        finding = finding_of(check)
        assert not finding.ok
        assert "no kernel image is available" in finding.detail
        assert finding.cure == doctor.NO_COMPUTING
    assert main(["doctor", "--json"]) == 1
    answer = json.loads(capsys.readouterr().out)
    assert answer["ok"] is False
    assert answer["device"] is None


@pytest.mark.skipif(sys.platform == "win32", reason="nvidia-smi is replaced by a shell script")
@pytest.mark.parametrize(
    ("script", "version"),
    [
        ("echo 570.86.15", "570.86.15"),
        ("echo 470.1; echo 470.1", "470.1"),
        ("echo 470.1; exit 9", ""),
        ("exec sleep 60", ""),
        ("exec cat", ""),  # waits for standard input
        ("printf '\\377\\376\\000 570'", ""),
        ("echo NVIDIA-SMI has failed because it could not communicate with the driver", ""),
        ("echo '[N/A]'", ""),
        ("echo 570.86.15 and more", ""),
        ("true", ""),
        (None, ""),
    ],
)
def test_driver_version(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, script: str | None, version: str
) -> None:
    program = tmp_path / "nvidia-smi"
    program.write_text("" if script is None else f"#!/bin/sh\n{script}\n")  # "" cannot be run
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setattr(doctor, "NVIDIA_SMI_SECONDS", 1)
    assert doctor.driver_version() == version


def test_driver_version_without_nvidia_smi(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert doctor.driver_version() == ""


def test_torchvision_for_another_torch_is_found(tmp_path: Path) -> None:
    """A CPU build of torch with a CUDA build of torchvision fails when torchvision is imported."""
    package = tmp_path / "torchvision"
    package.mkdir()
    error = 'raise RuntimeError("operator torchvision::nms does not exist")\n'
    (package / "__init__.py").write_text(error)
    (package / "version.py").write_text("__version__ = '0.0.0+other'\n")
    command = [sys.executable, "-m", "reference"]
    env = os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}
    done = subprocess.run(
        [*command, "doctor"], env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "BAD torchvision: import torchvision fails: operator torchvision::nms" in done.stdout
    assert f"torchvision: {doctor.NEW_PAIR}" in done.stdout
    assert done.stderr == ""

    done = subprocess.run(
        [*command, "train", "--model", "vgg16", "--out", str(tmp_path / "run")],
        env=env,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("course: the installation is broken (operator torchvision::nms")
    assert done.stderr.count("\n") == 1
