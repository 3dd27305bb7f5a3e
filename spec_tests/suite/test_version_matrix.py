"""The report of several versions of torch: what becomes of runs that agree, differ, or are lost."""

import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from spec_tests import paths
from spec_tests.report.matrix import merge
from spec_tests.report.results import STATES
from spec_tests.report.summary import markdown

SCHEMA = json.loads((paths.RESULTS_SCHEMA).read_text(encoding="utf-8"))


def claim(name: str, state: str, *, lesson: str = "P20", **columns: str) -> dict[str, Any]:
    """A claim in a run; `columns` gives the outcome of its test in each."""
    texts = ("says", "zh", "now", "now_zh", "since", "write", "untestable", "untestable_zh")
    status = state if state in {"holds", "erratum", "changed", "environment"} else "holds"
    return dict.fromkeys(texts, "") | {
        "id": name,
        "says": "ReLU of -1 is 0.",
        "lesson": lesson,
        "source": [],
        "kind": "value",
        "oracle": "derived",
        "status": status,
        "state": state,
        "results": {
            column: {"state": state, "tests": [{"id": f"test_it[{column}]", "outcome": outcome}]}
            for column, outcome in columns.items()
        },
    }


def run(torch: str, *claims: dict[str, Any], partial: str = "", **parts: Any) -> dict[str, Any]:
    """What a run of the suite on a version of torch found."""
    states = [each["state"] for each in claims]
    return {
        "created": f"2026-11-20T10:00:{len(torch)}+00:00",
        "run": {
            "command": "pytest spec_tests",
            "partial": partial,
            "python": "3.12.1",
            "platform": "Linux",
            "packages": {"torch": torch, "pytest": "9.2.0"},
        },
        "columns": [
            {"id": "torch", "title": f"torch {torch}", "device": "cpu"},
            {"id": "reference", "title": "reference", "device": "cpu"},
        ],
        "totals": {name: states.count(name) for name in STATES} | {"claims": 0, "checked": 0},
        "lessons": [],
        "claims": list(claims),
        "vectors": [],
        "not_run": [],
        "failed": [],
    } | parts


def merged(*runs: dict[str, Any]) -> dict[str, Any]:
    found = merge(runs, {})
    for document in (*runs, found):
        jsonschema.validate(document, SCHEMA)
    return found


def spans(claims: Iterable[dict[str, Any]]) -> list[tuple[str, str | None, str | None]]:
    return [(each["state"], each.get("first"), each.get("last")) for each in claims]


def test_versions_are_columns_the_oldest_first() -> None:
    found = merged(*(run(torch) for torch in ("2.11.0+cpu", "2.6.0+cu124", "2.9.1")))
    assert [column["id"] for column in found["columns"]] == [
        "torch-2.6.0",
        "torch-2.9.1",
        "torch-2.11.0",
    ]
    assert found["columns"][0] == {"id": "torch-2.6.0", "title": "torch 2.6.0", "device": "cpu"}
    assert found["run"]["packages"] == {
        "torch": "2.6.0+cu124, 2.9.1, 2.11.0+cpu",
        "pytest": "9.2.0",
    }


@pytest.mark.parametrize(
    ("states", "span"),
    [
        (("holds", "holds", "holds"), ("holds", "2.6.0", "2.11.0")),
        (("holds", "holds", "changed"), ("changed", "2.6.0", "2.9.0")),
        (("erratum", "holds", "holds"), ("holds", "2.9.0", "2.11.0")),
        (("erratum", "erratum", "erratum"), ("erratum", "", "")),
        (("environment", "environment", "environment"), ("environment", "2.6.0", "2.11.0")),
        (("failed", "holds", "holds"), ("failed", "2.9.0", "2.11.0")),
        (("holds", "not_run", "not_run"), ("holds", "2.6.0", "2.6.0")),
        (("not_run", "not_run", "not_run"), ("not_run", None, None)),
        (("not_checkable", "not_checkable", "not_checkable"), ("not_checkable", None, None)),
    ],
    ids=str,
)
def test_where_the_course_is_right(
    states: tuple[str, ...], span: tuple[str, str | None, str | None]
) -> None:
    versions = ("2.6.0", "2.9.0", "2.11.0")
    found = merged(
        *(run(v, claim("relu.zero", state)) for v, state in zip(versions, states, strict=True))
    )
    assert spans(found["claims"]) == [span]
    assert found["totals"]["claims"] == found["totals"][span[0]] == 1


def test_a_claim_is_told_as_the_newest_version_tells_it() -> None:
    old, new = claim("relu.zero", "holds"), claim("relu.zero", "changed")
    (found,) = merged(run("2.9.0", new), run("2.6.0", old))["claims"]
    assert found["status"] == "changed"


def test_a_version_has_the_tests_of_all_columns_of_its_run() -> None:
    both = claim("relu.zero", "failed", torch="passed", reference="failed")
    (found,) = merged(run("2.6.0", both), run("2.9.0", claim("relu.zero", "not_run")))["claims"]
    assert found["results"] == {
        "torch-2.6.0": {
            "state": "failed",
            "tests": [
                {"id": "test_it[torch]", "outcome": "passed"},
                {"id": "test_it[reference]", "outcome": "failed"},
            ],
        }
    }


def test_a_claim_of_one_run_only_keeps_its_place_among_the_lessons() -> None:
    found = merged(
        run("2.6.0", claim("relu.zero", "holds"), claim("optim.step", "holds", lesson="P24")),
        run("2.9.0", claim("env.python", "holds", lesson="P1"), claim("relu.zero", "holds")),
    )
    assert [each["id"] for each in found["claims"]] == ["env.python", "relu.zero", "optim.step"]
    assert spans(found["claims"])[2] == ("holds", "2.6.0", "2.6.0")


def test_a_vector_has_the_worst_outcome_of_a_version() -> None:
    def vector(**outcomes: str) -> dict[str, Any]:
        results = {name: {"outcome": outcome} for name, outcome in outcomes.items()}
        return {"operator": "relu", "case": {"name": "zero"}, "results": results}

    (found,) = merged(
        run("2.6.0", vectors=[vector(torch="passed", reference="not_run")]),
        run("2.9.0", vectors=[vector(torch="passed", reference="failed")]),
        run("2.11.0", vectors=[vector()]),
    )["vectors"]
    assert found["results"] == {
        "torch-2.6.0": {"outcome": "passed"},
        "torch-2.9.0": {"outcome": "failed"},
    }


def test_what_did_not_run_names_its_versions() -> None:
    everywhere = {"reason": "no usable CUDA device", "tests": ["test_gpu"]}
    found = merged(
        run("2.6.0", not_run=[everywhere, {"reason": "needs fork", "tests": ["test_fork"]}]),
        run("2.9.0", not_run=[everywhere]),
    )
    assert found["not_run"] == [
        everywhere,
        {"reason": "needs fork (torch 2.6.0)", "tests": ["test_fork"]},
    ]


def test_the_summary_lists_what_differs_between_the_versions() -> None:
    def claims(state: str) -> tuple[dict[str, Any], ...]:
        skipped = {"holds": "not_run", "changed": "holds"}[state]
        return (
            claim("relu.zero", state, torch="passed"),
            claim("relu.same", "holds", torch="passed"),
            claim("relu.skipped", skipped, torch="passed"),
        )

    text = markdown(merged(run("2.6.0", *claims("holds")), run("2.9.0", *claims("changed"))))
    _, listed = text.split("## What differs between the versions\n\n")
    rows = listed.split("\n\n")[0].splitlines()
    assert rows[0] == "| claim | torch 2.6.0 | torch 2.9.0 |"
    assert rows[2:] == ["| **relu.zero** (P20): ReLU of -1 is 0. | hold | changed |"]


def test_failed_tests_say_on_which_version() -> None:
    failed = [{"id": "test_it", "detail": "assert 1 == 2"}]
    found = merged(run("2.6.0", failed=failed), run("2.9.0"))
    assert found["failed"] == [{"id": "test_it", "detail": "torch 2.6.0: assert 1 == 2"}]


def test_a_missing_or_partial_version_is_said_and_the_others_are_kept() -> None:
    found = merge(
        [
            run("2.6.0", claim("relu.zero", "holds"), partial="-k relu"),
            run("2.11.0", claim("relu.zero", "holds")),
            run("2.13.0", claim("relu.zero", "holds"), partial="-k relu"),
        ],
        {"2.9": "it could not be installed"},
    )
    jsonschema.validate(found, SCHEMA)
    lost = "torch 2.9: it could not be installed"
    assert found["run"]["partial"] == f"torch 2.6.0, 2.13.0: -k relu; {lost}"
    assert found["not_run"] == [{"reason": "torch 2.9: it could not be installed", "tests": []}]
    assert spans(found["claims"]) == [("holds", "2.6.0", "2.13.0")]


def merge_in(folder: Path, *runs: str) -> subprocess.CompletedProcess[str]:
    """Merge the runs in a folder into a report in its folder `report`."""
    command = [sys.executable, "-m", "spec_tests.report.matrix", "--out", str(folder / "report")]
    return subprocess.run(
        [*command, *(str(folder / name) for name in runs)],
        cwd=paths.ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_command_writes_the_report_of_what_is_there(tmp_path: Path) -> None:
    for name in ("torch-2.6", "torch-2.9", "torch-2.11"):
        (tmp_path / name).mkdir()
    results = json.dumps(run("2.6.0", claim("relu.zero", "holds", torch="passed")))
    (tmp_path / "torch-2.6" / "results.json").write_text(results, encoding="utf-8")
    (tmp_path / "torch-2.9" / "progress.txt").write_text("its installation")
    done = merge_in(tmp_path, "torch-2.6", "torch-2.9", "torch-2.11")
    assert done.returncode == 0, done.stderr
    lost = (
        "torch 2.9: it stopped during its installation: see what nox printed; "
        "torch 2.11: it was not run"
    )
    assert "claims: 1, of which 1 checked" in done.stdout
    assert lost in done.stdout
    found = json.loads((tmp_path / "report" / "results.json").read_text(encoding="utf-8"))
    jsonschema.validate(found, SCHEMA)
    assert [column["id"] for column in found["columns"]] == ["torch-2.6.0"]
    assert lost in (tmp_path / "report" / "summary.md").read_text(encoding="utf-8")


def test_the_command_says_in_a_line_that_nothing_is_there(tmp_path: Path) -> None:
    done = merge_in(tmp_path, "torch-2.6", "torch-2.9")
    assert done.returncode == 1
    assert done.stderr == "torch 2.6: it was not run; torch 2.9: it was not run\n"
    assert list(tmp_path.iterdir()) == []


def test_the_command_says_in_a_line_that_a_version_was_run_twice(tmp_path: Path) -> None:
    for name in ("torch-2.6", "torch-newest"):
        (tmp_path / name).mkdir()
        results = json.dumps(run("2.6.0+cpu", claim("relu.zero", "holds", torch="passed")))
        (tmp_path / name / "results.json").write_text(results, encoding="utf-8")
    done = merge_in(tmp_path, "torch-2.6", "torch-newest")
    assert done.returncode == 1
    assert done.stderr == "torch 2.6.0 was run 2 times: name one of its runs\n"
    assert not (tmp_path / "report").exists()
