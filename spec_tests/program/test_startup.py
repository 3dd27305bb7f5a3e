"""What a command imports before it answers."""

import subprocess
import sys
from pathlib import Path

AFTERWARDS = """
import sys
from reference.cli import main
try:
    sys.exit(main(sys.argv[1:]))
finally:
    print("", *sys.modules, sep="\\n")
"""


def imported_by(*arguments: str) -> list[str]:
    """Run a command in a fresh process and return the modules that it imported."""
    command = [sys.executable, "-c", AFTERWARDS, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_startup_of_help_imports_nothing_heavy() -> None:
    modules = imported_by("--help")
    assert {"torch", "numpy", "PIL", "torchvision", "tensorboard"}.isdisjoint(modules)
    assert "argparse" in modules


def test_startup_of_predict_imports_torch_and_nothing_slow_beside_it(
    checkpoint: Path, image: Path
) -> None:
    modules = imported_by("predict", str(image), "--checkpoint", str(checkpoint))
    assert {"torchvision", "tensorboard", "torch._dynamo", "sympy"}.isdisjoint(modules)
    assert "torch" in modules


def test_startup_of_train_imports_no_compiler(small_cifar10: Path, tmp_path: Path) -> None:
    options = ["--data", str(small_cifar10), "--out", str(tmp_path / "run"), "--device", "cpu"]
    modules = imported_by("train", *options, "--max-steps", "2")
    assert {"torch._dynamo", "torch._inductor", "triton", "torchvision"}.isdisjoint(modules)
    assert "torch.optim.sgd" in modules
