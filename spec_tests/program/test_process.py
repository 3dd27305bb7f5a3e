"""The settings of the process: idle threads sleep soon, and freed memory is kept."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from reference.app import process
from reference.app.doctor import diagnose
from reference.cli import main

PAGE_FAULTS = """
import contextlib, io, os, sys
from resource import RUSAGE_SELF, getrusage
from reference.cli import main

def step():
    blocks = [bytearray(b"x") * 2**24 for _ in range(4)]

if sys.argv[1] == "course":
    with contextlib.redirect_stderr(io.StringIO()):
        main(["models", "no-such-network"])
step()
before = getrusage(RUSAGE_SELF).ru_minflt
for _ in range(5):
    step()
print(getrusage(RUSAGE_SELF).ru_minflt - before, os.environ.get("OMP_WAIT_POLICY"))
"""
PEAK = """
import sys
from pathlib import Path
from reference.cli import main

assert main(sys.argv[1:]) == 0
print(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])
"""


@pytest.fixture(autouse=True)
def unset(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove the environment's variables about threads and memory."""
    for name in list(os.environ):
        if name.startswith(("GOMP_", "KMP_", "MKL_", "OMP_", "MALLOC_", "GLIBC_TUNABLES")):
            monkeypatch.delenv(name)


def measure(program: str) -> tuple[int, str]:
    """Run a process that repeatedly allocates and frees memory.

    Args:
        program: `course` to run the command line first, or `python`.

    Returns:
        The number of page faults, and the value of OMP_WAIT_POLICY.
    """
    command = [sys.executable, "-c", PAGE_FAULTS, program]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    faults, policy = done.stdout.split()
    return int(faults), policy


@pytest.fixture
def prepared(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Return a function that calls `prepare` as if without torch, and lists what it configured."""

    def prepare(**environment: str) -> list[str]:
        memory: list[str] = []
        monkeypatch.setattr(process, "keep_freed_memory", lambda: memory.append("memory"))
        monkeypatch.delitem(sys.modules, "torch", raising=False)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(os, "environ", dict(os.environ))
        process.prepare()
        return ["threads"] * ("OMP_WAIT_POLICY" in os.environ) + memory

    return prepare


def test_threads_and_memory_are_configured(prepared: Callable[..., list[str]]) -> None:
    assert prepared() == ["threads", "memory"]


@pytest.mark.parametrize(
    "name", ["OMP_NUM_THREADS", "GOMP_SPINCOUNT", "KMP_BLOCKTIME", "MKL_NUM_THREADS"]
)
def test_thread_variables_of_the_user_are_kept(
    prepared: Callable[..., list[str]], name: str
) -> None:
    assert prepared(**{name: "1"}) == ["memory"]


@pytest.mark.parametrize("name", ["MALLOC_ARENA_MAX", "GLIBC_TUNABLES"])
def test_memory_variables_of_the_user_are_kept(
    prepared: Callable[..., list[str]], name: str
) -> None:
    assert prepared(**{name: "1"}) == ["threads"]


def test_process_that_has_imported_torch_is_not_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "keep_freed_memory", lambda: pytest.fail("malloc was configured"))
    assert main(["models", "no-such-network"]) == 2
    assert "OMP_WAIT_POLICY" not in os.environ


def test_idle_threads_sleep_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "environ", {})
    monkeypatch.delitem(sys.modules, "torch")
    os.environ |= process.idle_thread_variables()
    assert os.environ == {"OMP_WAIT_POLICY": "passive", "GOMP_SPINCOUNT": "5000"}


def test_doctor_shows_how_threads_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    def detail() -> str:
        return next(finding.detail for finding in diagnose() if finding.check == "threads")

    assert "idle threads may busy-wait" in detail()
    monkeypatch.setenv("OMP_WAIT_POLICY", "PASSIVE")
    assert "sleep soon (OMP_WAIT_POLICY=PASSIVE; course" in detail()
    monkeypatch.setenv("GOMP_SPINCOUNT", "5000")
    assert "sleep soon (OMP_WAIT_POLICY=PASSIVE GOMP_SPINCOUNT=5000; course" in detail()


@pytest.mark.skipif(sys.platform != "linux", reason="mallopt is glibc's")
def test_course_keeps_freed_memory() -> None:
    faults, policy = measure("python")
    assert faults > 100  # 81,920 with pages of 4 KiB, 160 with huge ones
    assert policy == "None"
    faults, policy = measure("course")
    assert faults < 10
    assert policy == "passive"


def test_nothing_is_configured_without_glibc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr("ctypes.CDLL", lambda _: pytest.fail("a C library was loaded"))
    process.keep_freed_memory()


@pytest.mark.data
@pytest.mark.skipif(sys.platform != "linux", reason="the peak is read from /proc")
def test_training_on_the_real_images_needs_less_than_900_mb(
    real_data: Path, tmp_path: Path
) -> None:
    options = ["--data", real_data, "--out", tmp_path / "run", "--device", "cpu"]
    steps = ["--epochs", "1", "--max-steps", "100"]
    command = [sys.executable, "-c", PEAK, "train", *map(str, options), *steps]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert 300 < int(done.stdout.splitlines()[-1]) / 1024 < 900
