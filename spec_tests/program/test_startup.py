"""The modules that a command imports."""

import subprocess
import sys
from pathlib import Path

PRINT_MODULES = """
import sys
from reference.cli import main
try:
    sys.exit(main(sys.argv[1:]))
finally:
    print("", *sys.modules, sep="\\n")
"""
IMPORT_PLUGINS = """
import importlib, sys
from conftest import pytest_plugins
for name in pytest_plugins:
    if name.startswith("spec_tests."):
        importlib.import_module(name)
print("torch" in sys.modules)
"""


def imported_by(*arguments: str) -> list[str]:
    """Run a command in a fresh process and return the modules that it imported."""
    command = [sys.executable, "-c", PRINT_MODULES, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_help_imports_nothing_heavy() -> None:
    modules = imported_by("--help")
    assert {"torch", "numpy", "PIL", "torchvision", "tensorboard"}.isdisjoint(modules)
    assert "argparse" in modules


def test_pytest_plugins_leave_torch_to_conftest() -> None:
    """OpenMP reads the variables that spec_tests/conftest.py sets when torch is imported."""
    command = [sys.executable, "-c", IMPORT_PLUGINS]
    root = Path(__file__).parents[2]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_predict_imports_torch_and_nothing_else_slow(checkpoint: Path, image: Path) -> None:
    modules = imported_by("predict", str(image), "--checkpoint", str(checkpoint))
    assert {"torchvision", "tensorboard", "torch._dynamo", "sympy"}.isdisjoint(modules)
    assert "torch" in modules


def test_train_imports_no_compiler(small_cifar10: Path, tmp_path: Path) -> None:
    options = ["--data", str(small_cifar10), "--out", str(tmp_path / "run"), "--device", "cpu"]
    modules = imported_by("train", *options, "--max-steps", "2")
    assert {"torch._dynamo", "torch._inductor", "triton", "torchvision"}.isdisjoint(modules)
    assert "torch.optim.sgd" in modules
