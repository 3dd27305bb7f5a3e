"""What a run of pytest gives: the outcome of each test, in one process or in several of xdist.

With `pytest -n 2`, each worker process collects all tests and runs some of them. Its reports reach
the main process one by one, with the outcome in `report.course`; the tests that no worker ran are
known only from the list that a worker sends when it ends.
"""

import json
from collections.abc import Generator, Iterable
from dataclasses import asdict, replace
from functools import cache
from importlib.metadata import version
from typing import Any

import pytest

from spec_tests.harness import claims
from spec_tests.implementations import UnsupportedSkip, implementation_of
from spec_tests.report.results import TestOutcome

COLLECTED = "course_collected"  # what a worker sends when it ends
NOT_STARTED = ""  # the outcome of a test until it has another


class Recorder:
    """A pytest plugin that keeps the outcome of each collected test.

    Attributes:
        columns: the columns of the results, by ID.
        uncollected: the files that could not be collected.
    """

    def __init__(self) -> None:
        self.columns: dict[str, dict[str, str]] = {}
        self.uncollected: dict[str, None] = {}
        self._tests: dict[str, TestOutcome] = {}

    def all_started(self) -> bool:
        """Return whether each collected test was started."""
        return all(test.outcome != NOT_STARTED for test in self._tests.values())

    def outcomes(self, reason: str) -> list[TestOutcome]:
        """Return the outcomes in the order of collection; `reason`: why some have not started."""
        return [
            replace(test, outcome="not_run", detail=reason) if test.outcome == NOT_STARTED else test
            for test in self._tests.values()
        ]

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if not report.passed:
            self.uncollected[report.nodeid] = None

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self._collect(_record(item) for item in session.items)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        before = self._tests[item.nodeid].outcome  # of an earlier phase: setup or call
        if found := _outcome(report, call, before):
            report.course = _record(item, *found)  # type: ignore[attr-defined]
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if hasattr(report, "course"):
            test = self._read(report.course)
            self._tests[test.test] = test

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if (output := getattr(session.config, "workeroutput", None)) is not None:
            output[COLLECTED] = [_record(item) for item in session.items]

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:  # noqa: ANN401 - xdist has no types
        self._collect(getattr(node, "workeroutput", {}).get(COLLECTED, ()))

    def _collect(self, records: Iterable[str]) -> None:
        """Add collected tests in their order; those that have run keep their outcomes."""
        self._tests = {test.test: test for test in map(self._read, records)} | self._tests

    def _read(self, record: str) -> TestOutcome:
        fields = json.loads(record)
        column = fields["column"]
        self.columns.setdefault(column["id"], column)
        fields |= {"column": column["id"], "claims": tuple(fields["claims"])}
        if fields["vector"]:
            fields["vector"] = tuple(fields["vector"])
        return TestOutcome(**fields)


def _outcome(
    report: pytest.TestReport, call: pytest.CallInfo[None], before: str
) -> tuple[str, str] | None:
    """Return what a phase of a test adds to its outcome before: the outcome and its detail."""
    raised = call.excinfo.value if call.excinfo else None
    if report.failed and before != "failed":
        return "failed", _message(report, call)
    if before:
        return None
    if hasattr(report, "wasxfail") and report.skipped:
        return "known_difference", report.wasxfail.removeprefix("reason: ")
    if report.skipped:
        outcome = "not_implemented" if isinstance(raised, UnsupportedSkip) else "not_run"
        return outcome, str(raised)
    return ("passed", "") if report.when == "call" else None


def _message(report: pytest.TestReport, call: pytest.CallInfo[None]) -> str:
    if call.excinfo is None:  # a strict xfail that passed
        return str(report.longrepr)
    if isinstance(call.excinfo.value, pytest.fail.Exception):
        return str(call.excinfo.value)
    return call.excinfo.exconly(tryshort=True)


def _record(item: pytest.Item, outcome: str = NOT_STARTED, detail: str = "") -> str:
    """Return a test and its outcome as JSON, which one process can send to another."""
    params = item.callspec.params if hasattr(item, "callspec") else {}
    is_vector = implementation_of(item) and getattr(item, "originalname", "") == "test_vector"
    case = params["case"] if is_vector else None
    operator = item.get_closest_marker("operator")
    test = TestOutcome(
        test=item.nodeid,
        column="",
        outcome=outcome,
        detail=detail,
        claims=tuple(claims.named_by(item)),
        vector=(case.operator, case.name) if case else None,
        operator=operator.args[0] if operator and implementation_of(item) else "",
    )
    return json.dumps(asdict(test) | {"column": column_of(item, outcome)})


def column_of(item: pytest.Item, outcome: str) -> dict[str, str]:
    """Return the results column of a test: that of PyTorch if it has no implementation."""
    implementation, device = implementation_of(item), _device(item, outcome)
    name = implementation.name if implementation else "torch"
    title = f"torch {_torch_version()}" if name == "torch" else str(implementation)
    if device == "cpu":
        return {"id": name, "title": title, "device": device}
    kind = device.partition(":")[0]
    return {"id": f"{name}-{kind}", "title": f"{title} on {_device_name(device)}", "device": device}


def _device(item: pytest.Item, outcome: str) -> str:
    if implementation := implementation_of(item):
        return item.config.getoption("--device") if implementation.use else "cpu"
    return "cuda" if item.get_closest_marker("cuda") and outcome in {"passed", "failed"} else "cpu"


@cache
def _torch_version() -> str:
    return version("torch")


@cache
def _device_name(device: str) -> str:
    import torch

    # Without CUDA, `--require cuda` fails the tests marked cuda, and they are reported here.
    available = device.startswith("cuda") and torch.cuda.is_available()
    return torch.cuda.get_device_name(device) if available else device
