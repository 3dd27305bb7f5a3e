"""The plugin: the summary line at the end of a run, and the files of --report."""

import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from spec_tests.implementations import Implementation
from spec_tests.report import plugin, recorder
from spec_tests.support.results_schema import problems
from spec_tests.support.sample_claim import CLAIM, TEST, RunSuite

# One test for each outcome.
ALL_OUTCOMES = """
import pytest
from spec_tests.implementations import Implementation, UnsupportedSkip

pytestmark = pytest.mark.claim("relu.zero")

@pytest.fixture
def broken():
    raise OSError("no setup")

@pytest.fixture
def torn():
    yield
    raise OSError("no teardown")

def test_passed(): pass
def test_failed(): pytest.fail("two\\nlines \\udc80", pytrace=False)
def test_asserted(): assert 1 == 2
def test_set_up(broken): pass
def test_torn_down(torn): pass
@pytest.mark.xfail(reason="it differs")
def test_known(): assert 0
@pytest.mark.xfail(reason="fixed", strict=True)
def test_known_fixed(): pass
def test_lack(): raise UnsupportedSkip(Implementation(name="mine", functions={}), "relu")
@pytest.mark.skip(reason="no GPU")
def test_skipped(): pass
"""


def summary_line(result: pytest.RunResult) -> str:
    """Return the line that counts the claims; there must be exactly one."""
    (line,) = (line for line in result.outlines if line.startswith("claims: "))
    return line


def read_results(folder: Path) -> dict[str, Any]:
    """Read a results.json and check it against its schema."""
    document = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    assert problems(document) == []
    return document


def test_each_outcome_is_printed_and_written(
    pytester: pytest.Pytester, run_suite: RunSuite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Run from another folder and report into a folder that does not exist."""
    elsewhere = pytester.mkdir("elsewhere")
    monkeypatch.chdir(elsewhere)
    tests = str(pytester.path / "spec_tests")
    result = run_suite(CLAIM, ALL_OUTCOMES, tests, "--report", "new/reports", "-ra")
    folder = elsewhere / "new" / "reports"
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert sorted(path.name for path in folder.iterdir()) == sorted(plugin.FILES)
    assert summary_line(result).endswith("1 failed), 0 not run, 0 not checkable")
    assert f"report: {folder}" in result.outlines
    document = read_results(folder)
    (claim,) = document["claims"]
    assert (claim["zh"], claim["state"]) == ("-1 的 ReLU 是 0。", "failed")
    assert "-1 的 ReLU" in (folder / "results.json").read_text(encoding="utf-8")
    tests = {test["id"].split("test_")[-1]: test for test in claim["results"]["torch"]["tests"]}
    assert {name: (test["outcome"], test.get("detail")) for name, test in tests.items()} == {
        "passed": ("passed", None),
        "failed": ("failed", "two\nlines \udc80"),
        "asserted": ("failed", "assert 1 == 2"),
        "set_up": ("failed", "OSError: no setup"),
        "torn_down": ("failed", "OSError: no teardown"),
        "known": ("known_difference", "it differs"),
        "known_fixed": ("failed", "[XPASS(strict)] fixed"),
        "lack": ("not_implemented", "not implemented by mine: relu"),
        "skipped": ("not_run", "no GPU"),
    }
    assert re.search(
        r"^SKIPPED \[1\] \S+: not implemented by mine: relu$", result.stdout.str(), re.MULTILINE
    )
    assert document["not_run"] == [
        {"reason": "no GPU", "tests": ["spec_tests/test_act.py::test_skipped"]}
    ]
    assert document["run"]["partial"] == ""


def test_claims_are_counted_without_a_report(run_suite: RunSuite) -> None:
    result = run_suite(CLAIM, TEST)
    assert result.ret == 0
    assert summary_line(result) == (
        "claims: 1, of which 1 checked (1 hold, 0 errata, 0 changed, 0 by environment, 0 failed), "
        "0 not run, 0 not checkable"
    )
    assert "report:" not in f"{result.stdout}{result.stderr}"


def test_a_run_that_stops_says_so(tmp_path: Path, run_suite: RunSuite) -> None:
    tests = f"def test_first(): assert 0\n{TEST}"
    folder = tmp_path / "report"
    result = run_suite(CLAIM, tests, "spec_tests", "-x", "--report", str(folder))
    assert summary_line(result).endswith(
        "1 not run, 0 not checkable; partial run: stopping after 1 failures"
    )
    (not_run,) = read_results(folder)["not_run"]
    assert not_run["reason"] == "stopping after 1 failures"
    assert "checked, 0 failed, failed tests: 1, partial run" in (folder / "badge.svg").read_text()


def test_an_interrupted_run_says_so(run_suite: RunSuite) -> None:
    tests = f"def test_first(): raise KeyboardInterrupt\n{TEST}"
    result = run_suite(CLAIM, tests)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert summary_line(result).endswith("1 not run, 0 not checkable; partial run: interrupted")


def test_a_part_of_the_suite_says_so(pytester: pytest.Pytester, run_suite: RunSuite) -> None:
    args = ("spec_tests/test_act.py", "-k", "nosuch", "-m", "not cuda", "--report", "out")
    result = run_suite(CLAIM, TEST, *args)
    assert result.ret == pytest.ExitCode.NO_TESTS_COLLECTED
    partial = "only spec_tests/test_act.py, -k nosuch, -m not cuda"
    assert summary_line(result).endswith(f"1 not run, 0 not checkable; partial run: {partial}")
    document = read_results(pytester.path / "out")
    assert document["run"]["partial"] == partial
    assert document["columns"] == document["not_run"] == []


def test_a_file_that_is_not_collected_makes_the_run_partial(run_suite: RunSuite) -> None:
    result = run_suite(CLAIM, "import nosuch")
    assert summary_line(result).endswith("; partial run: spec_tests/test_act.py was not collected")


@pytest.mark.parametrize("name", ["pytest.ini", "pytest.ini/folder"])
def test_an_impossible_folder_is_refused_before_the_run(
    pytester: pytest.Pytester, run_suite: RunSuite, name: str
) -> None:
    result = run_suite(CLAIM, TEST, "spec_tests", "--report", name)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    (line,) = f"{result.stdout}{result.stderr}".strip().splitlines()
    assert re.fullmatch(
        rf"ERROR: --report {pytester.path / name}: .*: name a folder that can be written to", line
    )


def test_a_report_that_cannot_be_written_fails_the_run(
    run_suite: RunSuite,
) -> None:
    gone = "\ndef test_gone():\n    import pathlib\n    pathlib.Path('out').rmdir()\n"
    result = run_suite(CLAIM, TEST + gone, "spec_tests", "--report", "out")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes(passed=2)
    assert "1 checked" in summary_line(result)
    output = f"{result.stdout}{result.stderr}"
    assert "\nWARNING: the report was not written: " in output
    assert "Traceback" not in output


def _item(implementation: str, device: str, *marks: str) -> SimpleNamespace:
    """Return a collected test with its parameters and marks, and the options of the run."""
    use = print if implementation == "torch" else None
    given = {"implementation": Implementation(name=implementation, functions={}, use=use)}
    given = given if implementation else {}
    return SimpleNamespace(
        config=SimpleNamespace(getoption={"--device": device}.get),
        callspec=SimpleNamespace(params=given),
        get_closest_marker=marks.__contains__,
    )


@pytest.mark.parametrize(
    ("item", "outcome", "column", "title"),
    [
        (_item("", "cpu"), "passed", "torch", "torch 9.9"),
        (_item("", "xyz"), "passed", "torch", "torch 9.9"),
        (_item("torch", "cpu"), "passed", "torch", "torch 9.9"),
        (_item("torch", "xyz:1"), "passed", "torch-xyz", "torch 9.9 on a xyz:1"),
        (_item("mine", "xyz"), "passed", "mine", "mine"),
        (_item("", "cpu", "cuda"), "passed", "torch-cuda", "torch 9.9 on a cuda"),
        (_item("", "cpu", "cuda"), "failed", "torch-cuda", "torch 9.9 on a cuda"),
        (_item("", "cpu", "cuda"), "not_run", "torch", "torch 9.9"),
    ],
)
def test_column_of_a_test(
    monkeypatch: pytest.MonkeyPatch, item: SimpleNamespace, outcome: str, column: str, title: str
) -> None:
    monkeypatch.setattr(recorder, "_torch_version", lambda: "9.9")
    monkeypatch.setattr(recorder, "_device_name", lambda device: f"a {device}")
    actual = recorder.column_of(item, outcome)
    assert (actual["id"], actual["title"]) == (column, title)
