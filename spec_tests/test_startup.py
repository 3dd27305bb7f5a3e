"""What a command imports before it answers, and how its threads wait."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from reference.cli import main
from reference.environment import diagnose

AFTERWARDS = """
import os, sys
from reference.cli import main
try:
    main(sys.argv[1:])
finally:
    print("", *sys.modules, "", os.environ.get("OMP_WAIT_POLICY"), sep="\\n")
"""
THREADS = ("GOMP_", "KMP_", "MKL_", "OMP_")


@pytest.fixture
def unset(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment in which nobody has said anything about threads."""
    for name in [name for name in os.environ if name.startswith(THREADS)]:
        monkeypatch.delenv(name)


def run(*arguments: str) -> tuple[list[str], str]:
    """Run a command in a fresh process: the modules it imported, and its OMP_WAIT_POLICY."""
    command = [sys.executable, "-c", AFTERWARDS, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    *modules, _, policy = done.stdout.splitlines()
    return modules, policy


def test_startup_of_help_imports_nothing_heavy() -> None:
    modules, _ = run("--help")
    assert {"torch", "numpy", "PIL", "torchvision", "tensorboard"}.isdisjoint(modules)
    assert "argparse" in modules


def test_startup_of_predict_imports_torch_and_nothing_slow_beside_it(
    checkpoint: Path, image: Path
) -> None:
    modules, _ = run("predict", str(image), "--checkpoint", str(checkpoint))
    assert {"torchvision", "tensorboard", "torch._dynamo", "sympy"}.isdisjoint(modules)
    assert "torch" in modules


@pytest.mark.usefixtures("unset")
def test_startup_lets_idle_threads_sleep_where_nothing_is_set() -> None:
    assert run("--help")[1] == "passive"


@pytest.mark.usefixtures("unset")
@pytest.mark.parametrize("name", ["OMP_NUM_THREADS", "KMP_BLOCKTIME", "MKL_NUM_THREADS"])
def test_startup_leaves_threads_to_whoever_has_set_them(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "1")
    assert run("--help")[1] == "None"


@pytest.mark.usefixtures("unset")
def test_startup_changes_no_process_that_has_torch_already() -> None:
    assert main(["models", "no-such-network"]) == 2
    assert "OMP_WAIT_POLICY" not in os.environ


@pytest.mark.usefixtures("unset")
def test_doctor_says_how_threads_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    def detail() -> str:
        return next(finding.detail for finding in diagnose() if finding.check == "threads")

    assert "may spin" in detail()
    monkeypatch.setenv("OMP_WAIT_POLICY", "PASSIVE")
    assert "sleep (OMP_WAIT_POLICY=passive" in detail()
