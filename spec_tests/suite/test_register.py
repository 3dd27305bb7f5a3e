"""The register of claims, and its links to the tests."""

import contextlib
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
        (CLAIM + CLAIM, "relu.toml: relu.zero is defined twice: rename or merge it"),
        (CLAIM.replace("relu.zero", "zero"), "relu.toml: zero: 'id' must read topic.name"),
        (
            CLAIM.replace("relu.zero", "act.zero"),
            "relu.toml: act.zero belongs in act.toml or act_PART.toml: move it",
        ),
        (CLAIM.replace('"P20"', '"P34"'), "relu.toml: relu.zero: 'lesson' must be P1 to P33"),
        (CLAIM.replace('"holds"', '"false"'), "relu.zero: 'status' must be one of holds"),
        (CLAIM.replace('"holds"', '"erratum"'), "needs 'now': what holds instead"),
        (CLAIM + 'now = "It is 1."', "'now' and 'now_zh' must be given together: write both"),
        (CLAIM + 'now_zh = "是 1。"', "'now' and 'now_zh' must be given together: write both"),
        (CLAIM + 'untestable = "no"', "'untestable' and 'untestable_zh' must be given together"),
        (CLAIM.replace("kind =", "kin ="), "relu.zero: got an unexpected keyword"),
        (CLAIM.replace('says = "ReLU of -1 is 0."', 'says = ""'), "must not be empty"),
        (CLAIM + 'rules = ["a"]\nno_rule = "why"', "remove one of the two"),
        (
            CLAIM + 'errors = [{ type = "E" }]',
            "relu.zero: missing 1 required keyword-only argument",
        ),
        (CLAIM + 'errors = [{ type = "E", pattern = "[" }]', "relu.zero: the pattern '['"),
        (CLAIM.replace("= [", "= "), "relu.toml: not a list of [[claim]] entries"),
    ],
    ids=[
        "twice",
        "id",
        "topic",
        "lesson",
        "status",
        "now",
        "now-zh",
        "zh-alone",
        "untestable-zh",
        "field",
        "empty",
        "rules",
        "error",
        "pattern",
        "toml",
    ],
)
def test_broken_register_is_refused(tmp_path: Path, register: str, line: str) -> None:
    (tmp_path / "relu.toml").write_text(register, encoding="utf-8")
    with pytest.raises(claims.RegisterError, match=re.escape(line)):
        claims.load(tmp_path)


@pytest.mark.parametrize(
    ("fields", "complete"),
    [
        ('status = "holds"', True),
        ('status = "erratum"', False),
        ('status = "erratum"\nrules = ["a-rule"]', True),
        ('status = "erratum"\nno_rule = "Whether it is meant shows in no code."', True),
    ],
)
def test_erratum_with_code_needs_a_rule(tmp_path: Path, fields: str, *, complete: bool) -> None:
    code = 'now = "a"\nnow_zh = "b"\nwrite = "c"\n'
    register = CLAIM.replace('status = "holds"\n', code + fields)
    (tmp_path / "relu.toml").write_text(register, encoding="utf-8")
    refusal = pytest.raises(claims.RegisterError, match=r"^relu\.zero has code to write")
    with contextlib.nullcontext() if complete else refusal:
        claims.check_rules(claims.load(tmp_path))


@pytest.mark.parametrize("name", ["relu.toml", "relu_inplace.toml"])
def test_topic_may_have_several_files(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(CLAIM, encoding="utf-8")
    assert list(claims.load(tmp_path)) == ["relu.zero"]


def test_hyphen_in_a_topic_is_an_underscore_in_the_file_name(tmp_path: Path) -> None:
    register = CLAIM.replace("relu.zero", "leaky-relu.zero")
    (tmp_path / "leaky_relu.toml").write_text(register, encoding="utf-8")
    assert list(claims.load(tmp_path)) == ["leaky-relu.zero"]


COURSE_TESTS = sorted((paths.SPEC_TESTS / "course").glob("test_*.py"))


def test_each_file_of_claims_has_its_file_of_tests() -> None:
    topics = [path.stem for path in sorted(paths.CLAIMS.glob("*.toml"))]
    assert [path.stem.removeprefix("test_") for path in COURSE_TESTS] == topics


def test_course_tests_name_only_the_claims_of_their_file(request: pytest.FixtureRequest) -> None:
    if not (items := request.config.stash[claims.SUITE]):
        pytest.skip("needs the whole suite collected: pytest spec_tests -k test_register")
    files = {
        claim.id: path.stem for path in paths.CLAIMS.glob("*.toml") for claim in claims.read(path)
    }
    misplaced = {
        (item.nodeid, name)
        for item in items
        if item.path in COURSE_TESTS
        for name in claims.named_by(item)
        if files[name] != item.path.stem.removeprefix("test_")
    }
    assert misplaced == set()


@pytest.mark.parametrize(
    ("register", "tests", "line"),
    [
        (
            CLAIM,
            TEST.replace("relu.zero", "relu.nought"),
            "names the claim 'relu.nought', which is not in fixtures/claims: correct the ID or add",
        ),
        (CLAIM + CLAIM, TEST, "relu.toml: relu.zero is defined twice: rename or merge it"),
        (
            CLAIM,
            TEST.replace('"relu.zero"', '"relu.zero", "relu.zero"'),
            "names the claim 'relu.zero' twice: remove one",
        ),
        (
            CLAIM + CLAIM.replace("relu.zero", "relu.orphan"),
            TEST,
            "no test names the claim relu.orphan: write one with @pytest.mark.claim(ID)",
        ),
        (
            CLAIM + 'untestable = "no reason"\nuntestable_zh = "没有理由"\n',
            TEST,
            "checks 'relu.zero', which is marked as 'untestable'",
        ),
        (
            CLAIM.replace('"holds"', '"erratum"') + 'now = "a"\nnow_zh = "b"\nwrite = "c"\n',
            TEST,
            "relu.zero has code to write instead: name the 'rules' of course check that find",
        ),
    ],
    ids=["unknown", "defined-twice", "named-twice", "orphan", "untestable", "no-rule"],
)
def test_broken_link_fails_collection(
    run_suite: RunSuite, register: str, tests: str, line: str
) -> None:
    result = run_suite(register, tests)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    output = f"{result.stdout}{result.stderr}"
    assert line in output
    assert "Traceback" not in output


def test_partial_run_may_leave_claims_without_a_test(run_suite: RunSuite) -> None:
    register = CLAIM + CLAIM.replace("relu.zero", "relu.elsewhere")
    assert run_suite(register, TEST, "spec_tests/test_act.py").ret == 0


def test_failing_test_prints_its_claim(run_suite: RunSuite) -> None:
    result = run_suite(CLAIM, TEST.replace("== 0", "== 1"))
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert "relu.zero (P20, holds): ReLU of -1 is 0." in result.stdout.str()


def test_collection_error_is_not_reported_as_a_claim_without_a_test(
    run_suite: RunSuite,
) -> None:
    result = run_suite(CLAIM, "import nosuch")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    output = f"{result.stdout}{result.stderr}"
    assert "No module named 'nosuch'" in output
    assert "no test names the claim" not in output


@pytest.mark.parametrize(
    ("folder", "args", "options", "reason", "some"),
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
def test_partial_run_reason(
    folder: str, args: list[str], options: dict[str, object], reason: str, *, some: bool
) -> None:
    config = SimpleNamespace(
        args=args,
        invocation_params=SimpleNamespace(dir=paths.ROOT / folder),
        getoption=options.get,
    )
    assert claims.partial_run_reason(config) == reason
    assert claims.collects_suite(config) is some
