"""The report over several versions of torch: runs that agree, differ, or are missing."""

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
from spec_tests.support.results_schema import SCHEMA


def claim(name: str, state: str, *, lesson: str = "P20", **columns: str) -> dict[str, Any]:
    """Return a claim of results.json; `columns` maps each column to the outcome of its test."""
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
    """Return the results of a run of the suite on a version of torch."""
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


def merge_valid(*runs: dict[str, Any]) -> dict[str, Any]:
    """Merge runs; check the runs and the result against the schema."""
    document = merge(runs, {})
    for each in (*runs, document):
        jsonschema.validate(each, SCHEMA)
    return document


def spans(claims: Iterable[dict[str, Any]]) -> list[tuple[str, str | None, str | None]]:
    return [(each["state"], each.get("first"), each.get("last")) for each in claims]


def test_versions_are_columns_oldest_first() -> None:
    document = merge_valid(*(run(torch) for torch in ("2.11.0+cpu", "2.6.0+cu124", "2.9.1")))
    assert [column["id"] for column in document["columns"]] == [
        "torch-2.6.0",
        "torch-2.9.1",
        "torch-2.11.0",
    ]
    assert document["columns"][0] == {"id": "torch-2.6.0", "title": "torch 2.6.0", "device": "cpu"}
    assert document["run"]["packages"] == {
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
def test_first_and_last_version_on_which_the_course_is_right(
    states: tuple[str, ...], span: tuple[str, str | None, str | None]
) -> None:
    versions = ("2.6.0", "2.9.0", "2.11.0")
    document = merge_valid(
        *(run(v, claim("relu.zero", state)) for v, state in zip(versions, states, strict=True))
    )
    assert spans(document["claims"]) == [span]
    assert document["totals"]["claims"] == document["totals"][span[0]] == 1


def test_a_claim_has_the_texts_of_the_newest_version() -> None:
    old, new = claim("relu.zero", "holds"), claim("relu.zero", "changed")
    (merged,) = merge_valid(run("2.9.0", new), run("2.6.0", old))["claims"]
    assert merged["status"] == "changed"


def test_a_version_has_the_tests_of_all_columns_of_its_run() -> None:
    both = claim("relu.zero", "failed", torch="passed", reference="failed")
    runs = run("2.6.0", both), run("2.9.0", claim("relu.zero", "not_run"))
    (merged,) = merge_valid(*runs)["claims"]
    assert merged["results"] == {
        "torch-2.6.0": {
            "state": "failed",
            "tests": [
                {"id": "test_it[torch]", "outcome": "passed"},
                {"id": "test_it[reference]", "outcome": "failed"},
            ],
        }
    }


def test_a_claim_of_one_run_only_keeps_its_place_among_the_lessons() -> None:
    document = merge_valid(
        run("2.6.0", claim("relu.zero", "holds"), claim("optim.step", "holds", lesson="P24")),
        run("2.9.0", claim("env.python", "holds", lesson="P1"), claim("relu.zero", "holds")),
    )
    assert [each["id"] for each in document["claims"]] == ["env.python", "relu.zero", "optim.step"]
    assert spans(document["claims"])[2] == ("holds", "2.6.0", "2.6.0")


def test_a_vector_has_the_worst_outcome_of_a_version() -> None:
    def vector(**outcomes: str) -> dict[str, Any]:
        results = {name: {"outcome": outcome} for name, outcome in outcomes.items()}
        return {"operator": "relu", "case": {"name": "zero"}, "results": results}

    (merged,) = merge_valid(
        run("2.6.0", vectors=[vector(torch="passed", reference="not_run")]),
        run("2.9.0", vectors=[vector(torch="passed", reference="failed")]),
        run("2.11.0", vectors=[vector()]),
    )["vectors"]
    assert merged["results"] == {
        "torch-2.6.0": {"outcome": "passed"},
        "torch-2.9.0": {"outcome": "failed"},
    }


def test_tests_not_run_name_their_versions() -> None:
    everywhere = {"reason": "no usable CUDA device", "tests": ["test_gpu"]}
    document = merge_valid(
        run("2.6.0", not_run=[everywhere, {"reason": "needs fork", "tests": ["test_fork"]}]),
        run("2.9.0", not_run=[everywhere]),
    )
    assert document["not_run"] == [
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

    text = markdown(merge_valid(run("2.6.0", *claims("holds")), run("2.9.0", *claims("changed"))))
    _, listed = text.split("## What differs between the versions\n\n")
    rows = listed.split("\n\n")[0].splitlines()
    assert rows[0] == "| claim | torch 2.6.0 | torch 2.9.0 |"
    assert rows[2:] == ["| **relu.zero** (P20): ReLU of -1 is 0. | hold | changed |"]


def test_failed_tests_name_their_version() -> None:
    failed = [{"id": "test_it", "detail": "assert 1 == 2"}]
    document = merge_valid(run("2.6.0", failed=failed), run("2.9.0"))
    assert document["failed"] == [{"id": "test_it", "detail": "torch 2.6.0: assert 1 == 2"}]


def test_a_missing_or_partial_version_is_reported_and_the_others_are_kept() -> None:
    document = merge(
        [
            run("2.6.0", claim("relu.zero", "holds"), partial="-k relu"),
            run("2.11.0", claim("relu.zero", "holds")),
            run("2.13.0", claim("relu.zero", "holds"), partial="-k relu"),
        ],
        {"2.9": "it could not be installed"},
    )
    jsonschema.validate(document, SCHEMA)
    missing = "torch 2.9: it could not be installed"
    assert document["run"]["partial"] == f"torch 2.6.0, 2.13.0: -k relu; {missing}"
    assert document["not_run"] == [{"reason": "torch 2.9: it could not be installed", "tests": []}]
    assert spans(document["claims"]) == [("holds", "2.6.0", "2.13.0")]


def merge_in(folder: Path, *runs: str) -> subprocess.CompletedProcess[str]:
    """Run the command on runs in a folder; the report goes to its folder `report`."""
    command = [sys.executable, "-m", "spec_tests.report.matrix", "--out", str(folder / "report")]
    return subprocess.run(
        [*command, *(str(folder / name) for name in runs)],
        cwd=paths.ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_command_merges_the_runs_that_exist(tmp_path: Path) -> None:
    for name in ("torch-2.6", "torch-2.9", "torch-2.11"):
        (tmp_path / name).mkdir()
    results = json.dumps(run("2.6.0", claim("relu.zero", "holds", torch="passed")))
    (tmp_path / "torch-2.6" / "results.json").write_text(results, encoding="utf-8")
    (tmp_path / "torch-2.9" / "progress.txt").write_text("its installation")
    done = merge_in(tmp_path, "torch-2.6", "torch-2.9", "torch-2.11")
    assert done.returncode == 0, done.stderr
    missing = (
        "torch 2.9: it stopped during its installation: see the output of nox; "
        "torch 2.11: it was not run"
    )
    assert "claims: 1, of which 1 checked" in done.stdout
    assert missing in done.stdout
    document = json.loads((tmp_path / "report" / "results.json").read_text(encoding="utf-8"))
    jsonschema.validate(document, SCHEMA)
    assert [column["id"] for column in document["columns"]] == ["torch-2.6.0"]
    assert missing in (tmp_path / "report" / "summary.md").read_text(encoding="utf-8")


def test_the_command_fails_in_one_line_without_any_run(tmp_path: Path) -> None:
    done = merge_in(tmp_path, "torch-2.6", "torch-2.9")
    assert done.returncode == 1
    assert done.stderr == "torch 2.6: it was not run; torch 2.9: it was not run\n"
    assert list(tmp_path.iterdir()) == []


def test_the_command_fails_in_one_line_if_a_version_was_run_twice(tmp_path: Path) -> None:
    for name in ("torch-2.6", "torch-newest"):
        (tmp_path / name).mkdir()
        results = json.dumps(run("2.6.0+cpu", claim("relu.zero", "holds", torch="passed")))
        (tmp_path / name / "results.json").write_text(results, encoding="utf-8")
    done = merge_in(tmp_path, "torch-2.6", "torch-newest")
    assert done.returncode == 1
    assert done.stderr == "torch 2.6.0 was run 2 times: name one of its runs\n"
    assert not (tmp_path / "report").exists()
