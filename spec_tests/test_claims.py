"""The register resolves the link between statements and tests both ways."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from spec_tests import claims

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


def run_pytest(folder: Path, register: str, tests: str, *args: str) -> tuple[int, str]:
    """Run pytest over a project with this register and these tests."""
    (folder / "spec_tests").mkdir()
    (folder / "spec_tests" / "__init__.py").touch()  # else an installed spec_tests comes first
    shutil.copy(claims.__file__, folder / "spec_tests")
    (folder / "conftest.py").write_text('pytest_plugins = ["spec_tests.claims"]\n')
    (folder / "pytest.ini").write_text("[pytest]\nmarkers = claim\n")
    (folder / "fixtures" / "claims").mkdir(parents=True)
    (folder / "fixtures" / "claims" / "act.toml").write_text(register, encoding="utf-8")
    (folder / "spec_tests" / "test_act.py").write_text(tests)
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *(args or ["spec_tests"])]
    bare = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": ""}
    done = subprocess.run(
        command, cwd=folder, env=bare, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


def test_linked_claim_passes(tmp_path: Path) -> None:
    code, output = run_pytest(tmp_path, CLAIM, TEST)
    assert code == 0
    assert "1 passed" in output


@pytest.mark.parametrize(
    ("register", "line"),
    [
        (CLAIM + CLAIM, "act.toml: relu.zero is defined twice: rename or merge it"),
        (CLAIM.replace("relu.zero", "zero"), "act.toml: zero: 'id' must read topic.name"),
        (CLAIM.replace('"P20"', '"P34"'), "act.toml: relu.zero: 'lesson' must be P1 to P33"),
        (CLAIM.replace('"holds"', '"false"'), "relu.zero: 'status' must be one of holds"),
        (CLAIM.replace('"holds"', '"erratum"'), "needs 'now': what holds instead"),
        (CLAIM + 'now = "It is 1."', "'now' and 'now_zh' need each other: write both"),
        (CLAIM + 'now_zh = "是 1。"', "'now' and 'now_zh' need each other: write both"),
        (CLAIM + 'untestable = "no"', "'untestable' and 'untestable_zh' need each other"),
        (CLAIM.replace("kind =", "kin ="), "relu.zero: got an unexpected keyword"),
        (CLAIM.replace('says = "ReLU of -1 is 0."', 'says = ""'), "must not be empty"),
        (CLAIM.replace("= [", "= "), "act.toml: not a list of [[claim]] entries"),
    ],
    ids=[
        "twice",
        "id",
        "lesson",
        "status",
        "now",
        "now-zh",
        "zh-alone",
        "untestable-zh",
        "field",
        "empty",
        "toml",
    ],
)
def test_broken_register_is_refused(tmp_path: Path, register: str, line: str) -> None:
    (tmp_path / "act.toml").write_text(register, encoding="utf-8")
    with pytest.raises(claims.RegisterError, match=re.escape(line)):
        claims.load(tmp_path)


@pytest.mark.parametrize(
    ("register", "tests", "line"),
    [
        (
            CLAIM,
            TEST.replace("relu.zero", "relu.nought"),
            "names the claim 'relu.nought', which is not in fixtures/claims: mend the ID or add",
        ),
        (CLAIM + CLAIM, TEST, "act.toml: relu.zero is defined twice: rename or merge it"),
        (
            CLAIM,
            TEST.replace('"relu.zero"', '"relu.zero", "relu.zero"'),
            "names the claim 'relu.zero' twice: drop one",
        ),
        (
            CLAIM + CLAIM.replace("relu.zero", "relu.orphan"),
            TEST,
            "no test names the claim relu.orphan: write one with @pytest.mark.claim(ID)",
        ),
        (
            CLAIM + 'untestable = "no reason"\nuntestable_zh = "没有理由"\n',
            TEST,
            "checks 'relu.zero', which says that it is untestable",
        ),
    ],
    ids=["unknown", "defined-twice", "named-twice", "orphan", "untestable"],
)
def test_broken_link_fails_collection(tmp_path: Path, register: str, tests: str, line: str) -> None:
    code, output = run_pytest(tmp_path, register, tests)
    assert code == pytest.ExitCode.USAGE_ERROR
    assert line in output
    assert "Traceback" not in output


def test_part_of_the_suite_may_leave_claims_out(tmp_path: Path) -> None:
    register = CLAIM + CLAIM.replace("relu.zero", "relu.elsewhere")
    code, _ = run_pytest(tmp_path, register, TEST, "spec_tests/test_act.py")
    assert code == 0


def test_failing_test_prints_its_claim(tmp_path: Path) -> None:
    code, output = run_pytest(tmp_path, CLAIM, TEST.replace("== 0", "== 1"))
    assert code == pytest.ExitCode.TESTS_FAILED
    assert "relu.zero (P20, holds): ReLU of -1 is 0." in output
