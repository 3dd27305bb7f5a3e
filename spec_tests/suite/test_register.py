"""The register resolves the link between statements and tests both ways."""

import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from spec_tests import paths
from spec_tests.harness import claims
from spec_tests.support.sample_claim import CLAIM, TEST, RunSuite


def test_linked_claim_passes(run_suite: RunSuite) -> None:
    result = run_suite(CLAIM, TEST)
    assert result.ret == 0
    result.assert_outcomes(passed=1)


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
def test_broken_link_fails_collection(
    run_suite: RunSuite, register: str, tests: str, line: str
) -> None:
    result = run_suite(register, tests)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    output = f"{result.stdout}{result.stderr}"
    assert line in output
    assert "Traceback" not in output


def test_part_of_the_suite_may_leave_claims_out(run_suite: RunSuite) -> None:
    register = CLAIM + CLAIM.replace("relu.zero", "relu.elsewhere")
    assert run_suite(register, TEST, "spec_tests/test_act.py").ret == 0


def test_failing_test_prints_its_claim(run_suite: RunSuite) -> None:
    result = run_suite(CLAIM, TEST.replace("== 0", "== 1"))
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert "relu.zero (P20, holds): ReLU of -1 is 0." in result.stdout.str()


def test_an_error_in_collection_is_not_taken_for_a_claim_without_a_test(
    run_suite: RunSuite,
) -> None:
    result = run_suite(CLAIM, "import nosuch")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    output = f"{result.stdout}{result.stderr}"
    assert "No module named 'nosuch'" in output
    assert "no test names the claim" not in output


@pytest.mark.parametrize(
    ("folder", "args", "options", "left_out", "some"),
    [
        (".", ["spec_tests"], {}, "", True),
        (".", ["."], {}, "", True),
        ("..", [paths.ROOT.name], {}, "", True),
        ("spec_tests", ["."], {}, "", True),
        (".", ["benchmarks", "spec_tests"], {}, "", True),
        (".", ["benchmarks"], {}, "only benchmarks", False),
        (".", ["spec_tests/test_a.py::test_b"], {}, "only spec_tests/test_a.py::test_b", True),
        (".", list("abcde"), {}, "only a b c and 2 more", False),
        (".", ["."], {"--ignore": ["a.py"]}, "--ignore a.py", True),
        (".", ["spec_tests"], {"--deselect": ["a::b", "c"]}, "--deselect a::b c", True),
        (".", ["spec_tests"], {"--last-failed": True}, "--last-failed", True),
    ],
)
def test_what_the_arguments_leave_out(
    folder: str, args: list[str], options: dict[str, object], left_out: str, *, some: bool
) -> None:
    config = SimpleNamespace(
        args=args,
        invocation_params=SimpleNamespace(dir=paths.ROOT / folder),
        getoption=options.get,
    )
    assert claims.partial_run_reason(config) == left_out
    assert claims.collects_suite(config) is some
