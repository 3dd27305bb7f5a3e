"""A project with the suite's plugins and a test or two, for pytest to run without PyTorch."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from spec_tests import paths

PLUGINS = (
    "__init__",
    "paths",
    "harness/__init__",
    "harness/claims",
    "harness/versions",
    "report/__init__",
    "report/page",
    "report/plugin",
    "report/results",
    "report/summary",
    "implementations/__init__",
)

CLAIM = """
[[claim]]
id = "relu.zero"
lesson = "P20"
source = ["004 19"]
says = "ReLU of -1 is 0."
zh = "-1 的 ReLU 是 0。"
kind = "value"
oracle = "derived"
status = "holds"
"""
TEST = """
import pytest

@pytest.mark.claim("relu.zero")
def test_relu():
    assert max(-1, 0) == 0
"""


def _make(folder: Path, register: str, tests: str) -> None:
    files = [*(f"spec_tests/{name}.py" for name in PLUGINS), "fixtures/lessons.toml"]
    for name in files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(paths.ROOT / name, folder / name)
    shutil.copytree(
        paths.ROOT / "spec_tests" / "report" / "templates",
        folder / "spec_tests" / "report" / "templates",
    )
    plugins = 'pytest_plugins = ["spec_tests.harness.claims", "spec_tests.report.plugin"]'
    (folder / "conftest.py").write_text(plugins)
    (folder / "pytest.ini").write_text("[pytest]\nmarkers =\n    claim\n    cuda\n")
    (folder / "fixtures" / "claims").mkdir()
    (folder / "fixtures" / "claims" / "act.toml").write_text(register, encoding="utf-8")
    (folder / "spec_tests" / "test_act.py").write_text(tests, encoding="utf-8")


def run_pytest(
    folder: Path, register: str, tests: str, *args: str, cwd: Path | None = None
) -> tuple[int, str]:
    """Run pytest over a new project with this register and these tests.

    Args:
        folder: the project's, made here.
        register: what stands in its only file of claims.
        tests: what stands in `spec_tests/test_act.py`.
        args: pytest's, in place of the folder `spec_tests`.
        cwd: where to run it from; the project's folder by default.

    Returns:
        The exit status, and what was printed.
    """
    _make(folder, register, tests)
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *(args or ["spec_tests"])]
    bare = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": ""}
    done = subprocess.run(
        command,
        cwd=cwd or folder,
        env=bare | {"PYTHONUTF8": "1"},
        encoding="utf-8",
        errors="backslashreplace",  # a test may print anything
        capture_output=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr
