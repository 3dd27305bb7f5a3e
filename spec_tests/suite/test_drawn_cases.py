"""The drawn cases are the same in each run."""

import subprocess
import sys
from pathlib import Path

from spec_tests import paths

DRAW = """
import sys
sys.path[:0] = sys.argv[1:]
try:
    import unrelated
except ImportError:
    pass
from hypothesis import given
from hypothesis import strategies as st
from spec_tests.harness import oracle_checks, profiles, strategies

profiles.load()

@given(strategies.batch_norm(strategies.TINY).flatmap(oracle_checks.gradient), st.integers())
def draw(case, number):
    print(case.name, case.parameters, case.inputs, number)

draw()
"""


def _drawn(*folders: Path) -> str:
    command = [sys.executable, "-c", DRAW, *map(str, folders)]
    run = subprocess.run(command, cwd=paths.ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.count("\n") >= 20
    return run.stdout


def test_unrelated_module_does_not_change_the_cases(tmp_path: Path) -> None:
    constants = ", ".join(str(number) for number in range(1, 300))
    Path(tmp_path, "unrelated.py").write_text(f"CONSTANTS = [{constants}, 123456, 7654321]\n")
    assert _drawn(tmp_path) == _drawn()
