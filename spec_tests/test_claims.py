"""The register resolves the link between statements and tests both ways."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from spec_tests import claims

ROOT = Path(__file__).parent.parent

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
VERSIONS = """
now = "It was nothing at first."
versions = [
    { torch = "2.6", status = "erratum", value = "loud" },
    { torch = "2.10", status = "holds", value = "silent" },
]
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
        (CLAIM.replace("kind =", "kin ="), "relu.zero: got an unexpected keyword"),
        (CLAIM.replace('says = "ReLU of -1 is 0."', 'says = ""'), "must not be empty"),
        (CLAIM.replace("= [", "= "), "act.toml: not a list of [[claim]] entries"),
    ],
    ids=["twice", "id", "lesson", "status", "now", "field", "empty", "toml"],
)
def test_broken_register_is_refused(tmp_path: Path, register: str, line: str) -> None:
    (tmp_path / "act.toml").write_text(register, encoding="utf-8")
    with pytest.raises(claims.RegisterError, match=re.escape(line)):
        claims.load(tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ('"2.6"', '">=2.6"', "relu.zero: 'torch' must be a version such as \"2.9\", not '>=2.6'"),
        ('"2.6"', '"2.7"', "relu.zero: the first of 'versions' must be of torch 2.6"),
        ('"2.10"', '"2.6"', "relu.zero: 'versions' must ascend: 2.6 follows 2.6"),
        ('"2.10"', '"2.5.1"', "relu.zero: 'versions' must ascend: 2.5.1 follows 2.6"),
        ('"erratum"', '"errata"', "relu.zero: 'status' must be one of holds, erratum, changed"),
        ('"holds"', '"changed"', "must have the claim's status 'holds', not 'changed'"),
        (', value = "loud"', "", "relu.zero: 'versions' must all have a 'value', or none"),
        (
            'erratum", value = "loud',
            'holds", value = "silent',
            "relu.zero: 'versions' say the same of 2.6 and 2.10",
        ),
        ("now =", "write =", "relu.zero: status 'erratum' needs 'now': what holds instead"),
        ("torch =", "pytorch =", "relu.zero: got an unexpected keyword argument 'pytorch'"),
    ],
    ids=["specifier", "first", "equal", "order", "status", "last", "value", "same", "now", "field"],
)
def test_broken_versions_are_refused(tmp_path: Path, old: str, new: str, line: str) -> None:
    register = CLAIM + VERSIONS.replace(old, new)
    (tmp_path / "act.toml").write_text(register, encoding="utf-8")
    with pytest.raises(claims.RegisterError, match=re.escape(line)):
        claims.load(tmp_path)


@pytest.mark.parametrize(
    ("torch", "status", "value"),
    [
        ("2.6.0+cu124", "erratum", "loud"),
        ("2.9.1", "erratum", "loud"),
        ("2.10.0.dev20251130+cpu", "holds", "silent"),
        ("2.10.0", "holds", "silent"),
        ("3.0", "holds", "silent"),
    ],
)
def test_a_version_counts_up_to_the_next(
    tmp_path: Path, torch: str, status: str, value: str
) -> None:
    (tmp_path / "act.toml").write_text(CLAIM + VERSIONS, encoding="utf-8")
    claim = claims.load(tmp_path)["relu.zero"]
    assert (claim.on(torch).status, claim.value_on(torch)) == (status, value)


def test_without_versions_the_status_is_the_same_everywhere(tmp_path: Path) -> None:
    (tmp_path / "act.toml").write_text(CLAIM, encoding="utf-8")
    claim = claims.load(tmp_path)["relu.zero"]
    assert claim.on("2.6.0") == claim.on("2.15.0") == claim
    with pytest.raises(claims.RegisterError, match=r"relu\.zero has no 'versions'"):
        claim.value_on("2.6.0")


def test_the_oldest_torch_is_what_the_package_requires() -> None:
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert f"torch>={claims.OLDEST}" in pyproject["project"]["dependencies"]


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
            CLAIM + 'untestable = "no reason"\n',
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


def test_a_test_is_given_the_value_of_the_installed_version(tmp_path: Path) -> None:
    test = TEST.replace("test_relu()", "test_relu(by_version)").replace(
        "max(-1, 0) == 0", 'by_version("relu.zero") == "silent"'
    )
    patch = 'import importlib.metadata\nimportlib.metadata.version = {"torch": "2.11.0"}.get\n'
    code, output = run_pytest(tmp_path, CLAIM + VERSIONS, patch + test)
    assert code == 0, output
