"""Diagnose the installation: what is installed, whether it fits together, what to do (P1-P3, P8).

Heavy packages are imported inside the functions: a broken one must become a finding.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import os
import platform
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement

from reference.app.process import IDLE_THREADS
from reference.environment import select_device, why_no_cuda, why_unusable
from reference.errors import InputError

NEW_PAIR = "in a fresh environment: pip install --upgrade torch torchvision, both in one command"
NO_COMPUTING = "install a build of torch for this GPU and its driver, or give --device cpu"
NVIDIA_SMI_SECONDS = 10  # it can wait forever for a driver that is stuck


@dataclass(frozen=True)
class Finding:
    """The result of one check; `cure` is what to do if it is not `ok`."""

    check: str
    ok: bool
    detail: str
    cure: str = ""


def diagnose() -> list[Finding]:
    """Check everything that the course needs.

    Returns:
        The findings, in the order in which to fix them.

    Source: P1-P3, and the notes of P8 on TensorBoard.
    """
    findings = [_python(), _package("torch"), _package("torchvision"), _pair()]
    if findings[1].ok:
        findings += [_cuda(), _device(), _threads()]
    return [*findings, _tensorboard()]


def _python() -> Finding:
    ok = sys.version_info >= (3, 11)
    return Finding(
        "python", ok, platform.python_version(), "" if ok else "use Python 3.11 or newer"
    )


def _package(name: str) -> Finding:
    try:
        version = str(importlib.import_module(name).__version__)
    except ModuleNotFoundError as error:
        return Finding(name, ok=False, detail=str(error), cure=f"pip install {error.name or name}")
    except Exception as error:  # noqa: BLE001 - a broken library may raise anything at import
        detail = f"import {name} fails: {(str(error).splitlines() or ['?'])[0]}"
        cure = NEW_PAIR if name.startswith("torch") else f"pip install --force-reinstall {name}"
        return Finding(name, ok=False, detail=detail, cure=cure)
    return Finding(name, ok=True, detail=version)


def _pair() -> Finding:
    """Check that torchvision was built for this torch: the same release, both for CPU or CUDA."""
    try:
        torch_version = importlib.metadata.version("torch")
        requirements = importlib.metadata.requires("torchvision") or []
    except importlib.metadata.PackageNotFoundError as error:
        return Finding("pair", ok=False, detail=f"{error.name} is not installed", cure=NEW_PAIR)
    vision_version = importlib.metadata.version("torchvision")
    detail = f"torch {torch_version} and torchvision {vision_version}"
    for requirement in map(Requirement, requirements):
        release = torch_version.partition("+")[0]
        specifier = requirement.specifier
        if requirement.name == "torch" and not specifier.contains(release, prereleases=True):
            detail += f", which needs torch{specifier}"
            return Finding("pair", ok=False, detail=detail, cure=NEW_PAIR)
    # The metadata of wheels from PyPI lacks the build (+cpu, +cu132), which is in version.py.
    builds = _build("torch"), _build("torchvision")
    if all(builds) and builds[0] != builds[1]:
        detail += f": torch is built for {builds[0]}, torchvision for {builds[1]}"
        return Finding("pair", ok=False, detail=detail, cure=NEW_PAIR)
    return Finding("pair", ok=True, detail=detail)


def _build(package: str) -> str:
    """Return what a package is built for according to its version.py: cpu, cu132, …, or ""."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        return ""
    version = Path(spec.origin).with_name("version.py")
    text = version.read_text(encoding="utf-8") if version.is_file() else ""
    match = re.search(r"^__version__ = '[^'+]*\+([^']+)'", text, re.MULTILINE)
    return match[1] if match else ""


def driver_version() -> str:
    """Return the NVIDIA driver's version; empty if nvidia-smi is missing or does not tell it."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return ""
    try:
        done = subprocess.run(  # noqa: S603 - a fixed command
            [program, "--query-gpu=driver_version", "--format=csv,noheader"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=True,
            timeout=NVIDIA_SMI_SECONDS,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    # Without a working driver it prints an error, also with exit code 0. One line for each GPU.
    version = re.match(rb"\s*(\d{1,5}(\.\d{1,5}){1,3})\s*(\n|$)", done.stdout)
    return version[1].decode() if version else ""


def _cuda() -> Finding:
    import torch

    driver = driver_version()
    detail = f"CUDA build {torch.version.cuda}, driver {driver or 'not found by nvidia-smi'}"
    if reason := why_no_cuda():
        detail += f"; is_available() is False: {reason}"
        cure = "update the NVIDIA driver" if torch.version.cuda else NEW_PAIR
        return Finding("cuda", ok=not driver, detail=detail, cure=cure if driver else "")
    if reason := why_unusable(torch.device("cuda")):
        detail += f"; is_available() is True, but the GPU does not compute: {reason}"
        return Finding("cuda", ok=False, detail=detail, cure=NO_COMPUTING)
    names = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    detail += f", {', '.join(names)}; fp32 is computed without TF32"
    return Finding("cuda", ok=True, detail=detail)


def _device() -> Finding:
    try:
        device = select_device("auto")
    except InputError as error:
        return Finding("device", ok=False, detail=str(error), cure=NO_COMPUTING)
    why = "torch finds no accelerator" if device.type == "cpu" else "torch finds this accelerator"
    return Finding("device", ok=True, detail=f"--device auto selects {device}: {why}")


def _threads() -> Finding:
    import torch

    detail = f"{torch.get_num_threads()} for one operation; idle threads "
    if os.environ.get("OMP_WAIT_POLICY", "").lower() == "passive":
        variables = " ".join(f"{n}={os.environ[n]}" for n in IDLE_THREADS if n in os.environ)
        detail += f"sleep soon ({variables}; course sets this if you set no variable for threads)"
    else:
        detail += "may busy-wait: next to a busy process, OMP_WAIT_POLICY=passive is faster"
    return Finding("threads", ok=True, detail=detail)


def _tensorboard() -> Finding:
    """Check that the package is installed and not shadowed by a script of the same name (P8)."""
    for folder in dict.fromkeys(["", *sys.path]):
        script = Path(folder, "tensorboard.py")
        if script.is_file():
            detail = f"{script.resolve()} is imported in place of the package tensorboard"
            return Finding("tensorboard", ok=False, detail=detail, cure="rename that file")
    return _package("tensorboard")
