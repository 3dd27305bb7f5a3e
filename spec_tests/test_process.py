"""How the threads of a process wait, and what becomes of the memory that it frees."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from reference.cli import main
from reference.environment import diagnose
from reference.process import keep_freed_memory, let_idle_threads_sleep

FAULTS = """
import sys
from resource import RUSAGE_SELF, getrusage
from reference.process import keep_freed_memory

def step():
    blocks = [bytearray(b"x") * 2**24 for _ in range(4)]

if sys.argv[1] == "kept":
    keep_freed_memory()
step()
before = getrusage(RUSAGE_SELF).ru_minflt
for _ in range(5):
    step()
print(getrusage(RUSAGE_SELF).ru_minflt - before)
"""


PEAK = """
import sys
from pathlib import Path
from reference.cli import main

main(sys.argv[1:])
print(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])
"""


@pytest.fixture(autouse=True)
def unset(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment in which nobody has said anything about threads or memory."""
    for name in list(os.environ):
        if name.startswith(("GOMP_", "KMP_", "MKL_", "OMP_", "MALLOC_", "GLIBC_TUNABLES")):
            monkeypatch.delenv(name)


def faults(memory: str) -> int:
    """Return how often a process that frees and takes memory had to ask the kernel for a page."""
    command = [sys.executable, "-c", FAULTS, memory]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def started_with(monkeypatch: pytest.MonkeyPatch, **environment: str) -> dict[str, str]:
    """Return what stands in the environment after `course` has begun without torch."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delitem(sys.modules, "torch")
    with monkeypatch.context() as patch:
        patch.setattr(os, "environ", dict(os.environ))
        let_idle_threads_sleep()
        return {name: value for name, value in os.environ.items() if "OMP_" in name}


def test_process_lets_idle_threads_sleep_after_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert started_with(monkeypatch) == {"OMP_WAIT_POLICY": "passive", "GOMP_SPINCOUNT": "5000"}


@pytest.mark.parametrize("name", ["OMP_NUM_THREADS", "GOMP_SPINCOUNT"])
def test_process_leaves_threads_to_whoever_has_set_them(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    assert started_with(monkeypatch, **{name: "1"}) == {name: "1"}


@pytest.mark.parametrize("name", ["KMP_BLOCKTIME", "MKL_NUM_THREADS"])
def test_process_leaves_threads_to_whoever_has_set_them_for_another_runtime(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    assert started_with(monkeypatch, **{name: "1"}) == {}


def test_process_that_has_torch_already_is_not_changed() -> None:
    assert main(["models", "no-such-network"]) == 2
    assert "OMP_WAIT_POLICY" not in os.environ


def test_doctor_says_how_threads_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    def detail() -> str:
        return next(finding.detail for finding in diagnose() if finding.check == "threads")

    assert "may spin" in detail()
    monkeypatch.setenv("OMP_WAIT_POLICY", "PASSIVE")
    assert "soon sleep (OMP_WAIT_POLICY=PASSIVE; course" in detail()
    monkeypatch.setenv("GOMP_SPINCOUNT", "5000")
    assert "soon sleep (OMP_WAIT_POLICY=PASSIVE GOMP_SPINCOUNT=5000; course" in detail()


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's own switch")
def test_process_keeps_the_memory_that_it_frees(monkeypatch: pytest.MonkeyPatch) -> None:
    assert faults("given back") > 100  # 81,920 with pages of 4 KiB, 160 with huge ones
    assert faults("kept") < 10
    monkeypatch.setenv("MALLOC_ARENA_MAX", "4")
    assert faults("kept") > 100


def test_process_without_glibc_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr("ctypes.CDLL", lambda _: pytest.fail("there is no C library to ask"))
    keep_freed_memory()


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
