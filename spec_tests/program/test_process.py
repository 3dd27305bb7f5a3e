"""How the threads of a process wait, and what becomes of the memory that it frees."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from reference.app import process
from reference.app.doctor import diagnose
from reference.cli import main

FAULTS = """
import contextlib, io, os, sys
from resource import RUSAGE_SELF, getrusage
from reference.cli import main

def step():
    blocks = [bytearray(b"x") * 2**24 for _ in range(4)]

if sys.argv[1] == "course":
    with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):
        main(["--help"])
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
    """An environment in which nobody has said anything about threads or memory."""
    for name in list(os.environ):
        if name.startswith(("GOMP_", "KMP_", "MKL_", "OMP_", "MALLOC_", "GLIBC_TUNABLES")):
            monkeypatch.delenv(name)


def run(program: str) -> tuple[int, str]:
    """Run a process that frees and takes memory.

    Returns:
        How often it had to ask the kernel for a page, and how its threads wait.
    """
    command = [sys.executable, "-c", FAULTS, program]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    faults, policy = done.stdout.split()
    return int(faults), policy


@pytest.fixture
def prepared(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Prepares a process without torch, and says what it was told."""

    def begin(**environment: str) -> list[str]:
        told: list[str] = []
        monkeypatch.setattr(process, "let_idle_threads_sleep", lambda: told.append("threads"))
        monkeypatch.setattr(process, "keep_freed_memory", lambda: told.append("memory"))
        monkeypatch.delitem(sys.modules, "torch", raising=False)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        process.prepare()
        return told

    return begin


def test_process_is_told_of_threads_and_memory(prepared: Callable[..., list[str]]) -> None:
    assert prepared() == ["threads", "memory"]


@pytest.mark.parametrize(
    "name", ["OMP_NUM_THREADS", "GOMP_SPINCOUNT", "KMP_BLOCKTIME", "MKL_NUM_THREADS"]
)
def test_process_leaves_threads_to_whoever_has_set_them(
    prepared: Callable[..., list[str]], name: str
) -> None:
    assert prepared(**{name: "1"}) == ["memory"]


@pytest.mark.parametrize("name", ["MALLOC_ARENA_MAX", "GLIBC_TUNABLES"])
def test_process_leaves_memory_to_whoever_has_set_it(
    prepared: Callable[..., list[str]], name: str
) -> None:
    assert prepared(**{name: "1"}) == ["threads"]


def test_process_that_has_torch_already_is_not_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "keep_freed_memory", lambda: pytest.fail("it is not ours"))
    assert main(["models", "no-such-network"]) == 2
    assert "OMP_WAIT_POLICY" not in os.environ


def test_process_threads_sleep_after_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "environ", {})
    process.let_idle_threads_sleep()
    assert os.environ == {"OMP_WAIT_POLICY": "passive", "GOMP_SPINCOUNT": "5000"}


def test_doctor_says_how_threads_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    def detail() -> str:
        return next(finding.detail for finding in diagnose() if finding.check == "threads")

    assert "may spin" in detail()
    monkeypatch.setenv("OMP_WAIT_POLICY", "PASSIVE")
    assert "soon sleep (OMP_WAIT_POLICY=PASSIVE; course" in detail()
    monkeypatch.setenv("GOMP_SPINCOUNT", "5000")
    assert "soon sleep (OMP_WAIT_POLICY=PASSIVE GOMP_SPINCOUNT=5000; course" in detail()


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's own switch")
def test_process_of_course_keeps_the_memory_that_it_frees() -> None:
    faults, policy = run("python")
    assert faults > 100  # 81,920 with pages of 4 KiB, 160 with huge ones
    assert policy == "None"
    faults, policy = run("course")
    assert faults < 10
    assert policy == "passive"


def test_process_without_glibc_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr("ctypes.CDLL", lambda _: pytest.fail("there is no C library to ask"))
    process.keep_freed_memory()


@pytest.mark.data
@pytest.mark.skipif(sys.platform != "linux", reason="the peak is read from /proc")
def test_process_that_trains_on_the_real_images_needs_less_than_900_mb(
    real_data: Path, tmp_path: Path
) -> None:
    options = ["--data", real_data, "--out", tmp_path / "run", "--device", "cpu"]
    steps = ["--epochs", "1", "--max-steps", "100"]
    command = [sys.executable, "-c", PEAK, "train", *map(str, options), *steps]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert 300 < int(done.stdout.splitlines()[-1]) / 1024 < 900
