"""The recorder: outcomes that reach the main process from several workers of xdist."""

import json
from types import SimpleNamespace
from typing import Any

from spec_tests.report.recorder import COLLECTED, Recorder


def record(name: str, outcome: str = "", detail: str = "", column: str = "torch") -> str:
    """Return what a worker sends about a test."""
    column_fields = {"id": column, "title": column, "device": "cpu"}
    fields = {"test": name, "outcome": outcome, "detail": detail, "claims": [], "vector": None}
    return json.dumps(fields | {"column": column_fields})


def recorded(recorder: Recorder) -> list[tuple[str, str, str]]:
    return [(each.test, each.outcome, each.detail) for each in recorder.outcomes("stopped")]


def report(recorder: Recorder, *args: str) -> None:
    fields: Any = SimpleNamespace(course=record(*args))
    recorder.pytest_runtest_logreport(fields)


def test_outcomes_of_two_workers_are_in_the_order_of_collection() -> None:
    recorder = Recorder()
    report(recorder, "c", "passed")
    report(recorder, "a", "failed", "assert 0", "mine")
    for _ in range(2):
        collected = [record("a", column="mine"), record("b"), record("c")]
        recorder.pytest_testnodedown(SimpleNamespace(workeroutput={COLLECTED: collected}))
    assert not recorder.all_started()
    assert recorded(recorder) == [
        ("a", "failed", "assert 0"),
        ("b", "not_run", "stopped"),
        ("c", "passed", ""),
    ]
    assert set(recorder.columns) == {"torch", "mine"}
    report(recorder, "b", "passed")
    assert recorder.all_started()


def test_a_worker_that_died_takes_no_outcome_with_it() -> None:
    recorder = Recorder()
    report(recorder, "a", "passed")
    recorder.pytest_testnodedown(SimpleNamespace())
    assert recorded(recorder) == [("a", "passed", "")]


def test_a_failed_teardown_follows_a_test_that_passed() -> None:
    recorder = Recorder()
    report(recorder, "a", "passed")
    report(recorder, "a", "failed", "OSError")
    assert recorded(recorder) == [("a", "failed", "OSError")]
