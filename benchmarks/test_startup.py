"""Start-up: imports and quick commands of `course`, each in a new process."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from reference.models.course import Tudui
from spec_tests import paths

IMAGE = paths.IMAGES / "cat.png"


@pytest.mark.parametrize(
    ("case", "arguments", "beginning"),
    [
        ("import torch", ["-c", "import torch; print(torch.__name__)"], "torch"),
        ("import reference", ["-c", "import reference; print(reference.__name__)"], "reference"),
        ("course --help", ["-m", "reference", "--help"], "usage: course"),
        (
            "course explain",
            [
                "-m",
                "reference",
                "explain",
                "--lang",
                "en",
                "UnpicklingError: Weights only load failed",
            ],
            "The course says: torch.load",
        ),
        (
            "course predict",
            ["-m", "reference", "predict", str(IMAGE), "--checkpoint", "weights.pth"],
            f"{IMAGE}: ",
        ),
    ],
    ids=["import-torch", "import-reference", "help", "explain", "predict"],
)
def test_startup(
    measure: Callable[..., None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    case: str,
    arguments: list[str],
    beginning: str,
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(paths.ROOT))
    torch.save(Tudui().state_dict(), tmp_path / "weights.pth")

    def run() -> str:
        process = subprocess.run(
            [sys.executable, *arguments], cwd=tmp_path, capture_output=True, text=True, check=True
        )
        return process.stdout

    assert run().startswith(beginning)
    measure(run, case=case, side="reference", rounds=3)
