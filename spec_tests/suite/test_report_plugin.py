"""The plugin: what a run tells at its end, and the files that --report writes."""

import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from spec_tests.implementations import TESTED
from spec_tests.report import plugin
from spec_tests.support.results_schema import problems
from spec_tests.support.small_project import CLAIM, TEST, run_pytest

# One test for each thing that can become of a test; the claim's Chinese comes through.
ALL = """
import pytest
from types import SimpleNamespace
from spec_tests.implementations import UnsupportedSkip

pytestmark = pytest.mark.claim("relu.zero")

@pytest.fixture
def broken():
    raise OSError("no set-up")

@pytest.fixture
def torn():
    yield
    raise OSError("no tear-down")

def test_passed(): pass
def test_failed(): pytest.fail("two\\nlines \\udc80", pytrace=False)
def test_asserted(): assert 1 == 2
def test_set_up(broken): pass
def test_torn_down(torn): pass
@pytest.mark.xfail(reason="it differs")
def test_known(): assert 0
@pytest.mark.xfail(reason="no more", strict=True)
def test_known_no_more(): pass
def test_lack(): raise UnsupportedSkip(SimpleNamespace(__name__="mine"), "relu")
@pytest.mark.skip(reason="no GPU")
def test_skipped(): pass
"""


def told(output: str) -> str:
    """Return the line of figures."""
    (line,) = re.findall("^claims: .*$", output, re.MULTILINE)
    return line


def written(folder: Path) -> dict[str, Any]:
    """Read a results.json, which follows the schema."""
    document = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    assert problems(document) == []
    return document


def test_each_outcome_is_told_and_written(tmp_path: Path) -> None:
    """From another folder, into one that is missing."""
    project = tmp_path / "project"
    args = (f"{project}/spec_tests", "--report", "new/reports", "-ra")
    code, output = run_pytest(project, CLAIM, ALL, *args, cwd=tmp_path)
    folder = tmp_path / "new" / "reports"
    assert code == pytest.ExitCode.TESTS_FAILED
    assert sorted(path.name for path in folder.iterdir()) == sorted(plugin.FILES)
    assert told(output).endswith("1 failed), 0 not run, 0 not checkable")
    assert f"\nreport: {folder}\n" in output
    document = written(folder)
    (claim,) = document["claims"]
    assert (claim["zh"], claim["state"]) == ("-1 的 ReLU 是 0。", "failed")
    assert "-1 的 ReLU" in (folder / "results.json").read_text(encoding="utf-8")
    tests = {test["id"].split("test_")[-1]: test for test in claim["results"]["torch"]["tests"]}
    assert {name: (test["outcome"], test.get("detail")) for name, test in tests.items()} == {
        "passed": ("passed", None),
        "failed": ("failed", "two\nlines \udc80"),
        "asserted": ("failed", "assert 1 == 2"),
        "set_up": ("failed", "OSError: no set-up"),
        "torn_down": ("failed", "OSError: no tear-down"),
        "known": ("known_difference", "it differs"),
        "known_no_more": ("failed", "[XPASS(strict)] no more"),
        "lack": ("not_implemented", "not implemented by mine: relu"),
        "skipped": ("not_run", "no GPU"),
    }
    assert re.search(r"^SKIPPED \[1\] \S+: not implemented by mine: relu$", output, re.MULTILINE)
    assert document["not_run"] == [
        {"reason": "no GPU", "tests": ["spec_tests/test_act.py::test_skipped"]}
    ]
    assert document["run"]["partial"] == ""


def test_figures_without_a_report(tmp_path: Path) -> None:
    code, output = run_pytest(tmp_path, CLAIM, TEST)
    assert code == 0
    assert told(output) == (
        "claims: 1, of which 1 checked (1 hold, 0 errata, 0 changed, 0 by environment, 0 failed), "
        "0 not run, 0 not checkable"
    )
    assert "report:" not in output


def test_a_run_that_stops_says_so(tmp_path: Path) -> None:
    tests = f"def test_first(): assert 0\n{TEST}"
    folder = tmp_path / "report"
    _, output = run_pytest(tmp_path, CLAIM, tests, "spec_tests", "-x", "--report", str(folder))
    assert told(output).endswith(
        "1 not run, 0 not checkable; partial run: stopping after 1 failures"
    )
    (not_run,) = written(folder)["not_run"]
    assert not_run["reason"] == "stopping after 1 failures"
    assert "checked, 0 failed, failed tests: 1, partial run" in (folder / "badge.svg").read_text()


def test_an_interrupted_run_says_so(tmp_path: Path) -> None:
    tests = f"def test_first(): raise KeyboardInterrupt\n{TEST}"
    code, output = run_pytest(tmp_path, CLAIM, tests)
    assert code == pytest.ExitCode.INTERRUPTED
    assert told(output).endswith("1 not run, 0 not checkable; partial run: interrupted")


def test_a_part_of_the_suite_says_so(tmp_path: Path) -> None:
    args = ("spec_tests/test_act.py", "-k", "nosuch", "-m", "not cuda", "--report", "out")
    code, output = run_pytest(tmp_path, CLAIM, TEST, *args)
    assert code == pytest.ExitCode.NO_TESTS_COLLECTED
    partial = "only spec_tests/test_act.py, -k nosuch, -m not cuda"
    assert told(output).endswith(f"1 not run, 0 not checkable; partial run: {partial}")
    document = written(tmp_path / "out")
    assert document["run"]["partial"] == partial
    assert document["columns"] == document["not_run"] == []


def test_a_file_that_is_not_collected_makes_the_run_partial(tmp_path: Path) -> None:
    _, output = run_pytest(tmp_path, CLAIM, "import nosuch")
    assert told(output).endswith("; partial run: spec_tests/test_act.py was not collected")


@pytest.mark.parametrize("name", ["pytest.ini", "pytest.ini/folder"])
def test_a_folder_that_cannot_be_is_refused_at_once(tmp_path: Path, name: str) -> None:
    code, output = run_pytest(tmp_path, CLAIM, TEST, "spec_tests", "--report", name)
    assert code == pytest.ExitCode.USAGE_ERROR
    (line,) = output.strip().splitlines()
    assert re.fullmatch(
        rf"ERROR: --report {tmp_path / name}: .*: name a folder that can be written to", line
    )


def test_workers_of_xdist_are_refused(tmp_path: Path) -> None:
    options = {"--report": "out", "-n": 2}
    config = SimpleNamespace(
        stash={}, getoption=options.get, invocation_params=SimpleNamespace(dir=tmp_path)
    )
    with pytest.raises(pytest.UsageError, match=r"^--report: leave out -n: "):
        plugin.pytest_configure(config)


def test_a_report_that_cannot_be_written_fails_the_run_and_loses_nothing(tmp_path: Path) -> None:
    gone = "\ndef test_gone():\n    import pathlib\n    pathlib.Path('out').rmdir()\n"
    code, output = run_pytest(tmp_path, CLAIM, TEST + gone, "spec_tests", "--report", "out")
    assert code == pytest.ExitCode.TESTS_FAILED
    assert "2 passed" in output
    assert "1 checked" in told(output)
    assert "\nWARNING: the report is not written: " in output
    assert "Traceback" not in output


def _item(implementation: str, device: str, *marks: str) -> SimpleNamespace:
    """A test as pytest has it: what it was given, and the run's options."""
    tested = {
        "torch": SimpleNamespace(use=None),
        "mine": SimpleNamespace(__name__="mine"),
    }
    given = {"implementation": tested[implementation]} if implementation else {}
    return SimpleNamespace(
        config=SimpleNamespace(stash={TESTED: tested}, getoption={"--device": device}.get),
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
    monkeypatch.setattr(plugin, "_version", lambda _: "9.9")
    monkeypatch.setattr(plugin, "_named", lambda device: f"a {device}")
    found = plugin.column_of(item, outcome)
    assert (found["id"], found["title"]) == (column, title)
