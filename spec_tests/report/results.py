"""The results of a test run as data, in the format of `fixtures/results.schema.json`.

This module does not depend on pytest: `plugin` records the outcomes, `summary` and `page` render
the document built here.
"""

import json
import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from spec_tests import paths
from spec_tests.harness.claims import STATUSES, Claim

CHECKED = (*STATUSES, "failed")
STATES = (*CHECKED, "not_implemented", "not_run", "not_checkable")

# The columns that decide a claim's state: PyTorch on every device and in every version, and the
# reference. The outcome of another library says nothing about the course.
DECIDING_COLUMNS = ("torch", "torch-.*", "reference")

FIELDS = (
    *("id", "lesson", "says", "zh", "kind", "oracle", "status"),
    *("now", "now_zh", "since", "write", "untestable", "untestable_zh"),
)

Results = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class TestOutcome:
    """The outcome of one collected test, even if it was not started.

    Attributes:
        test: pytest's node ID.
        column: the ID of the results column that it belongs to.
        outcome: one of the schema's outcomes.
        detail: the reason of a skip or the message of a failure.
        claims: the IDs of the claims that it checks.
        vector: the operator and the name of the case that it ran an implementation on.
        operator: the operator that it ran an implementation of, on a vector or a drawn case.
    """

    __test__ = False  # keeps pytest from collecting the class

    test: str
    column: str
    outcome: str
    detail: str = ""
    claims: tuple[str, ...] = ()
    vector: tuple[str, str] | None = None
    operator: str = ""

    @property
    def result(self) -> dict[str, str]:
        """The outcome, and the detail if there is one."""
        return {"outcome": self.outcome} | ({"detail": self.detail} if self.detail else {})


def specification() -> dict[str, Any]:
    """Read the lessons, and the cases by operator, from fixtures/: arguments of `collect`."""
    documents = {
        path.stem: json.loads(path.read_text(encoding="utf-8"))
        for path in sorted(paths.VECTORS.glob("*.json"))
    }
    return {
        "lessons": tomllib.loads(paths.LESSONS.read_text(encoding="utf-8"))["lesson"],
        "vectors": {name: doc["cases"] for name, doc in documents.items() if "cases" in doc},
    }


def collect(
    outcomes: Iterable[TestOutcome],
    *,
    register: Mapping[str, Claim],
    lessons: list[dict[str, Any]],
    vectors: Mapping[str, list[dict[str, Any]]],
    columns: list[dict[str, str]],
    run: Mapping[str, Any],
    created: str,
) -> Results:
    """Build the content of `results.json`.

    Args:
        outcomes: one per collected test, in the order of the run.
        register: the claims by ID.
        lessons: the entries of `fixtures/lessons.toml`.
        vectors: the cases by operator, as in `fixtures/vectors`.
        columns: what the tests ran on, with the keys `id`, `title` and `device`.
        run: the command, why the run was partial, and where it ran.
        created: the end of the run, in UTC.

    Returns:
        A document that follows `fixtures/results.schema.json`.
    """
    columns = sorted(columns, key=lambda column: _column_order(column["id"]))
    order = [column["id"] for column in columns]
    outcomes = sorted(outcomes, key=lambda test: order.index(test.column))
    by_lesson = sorted(register.values(), key=lambda claim: int(claim.lesson[1:]))
    by_claim: dict[str, list[TestOutcome]] = {}
    for test in outcomes:
        for name in test.claims:
            by_claim.setdefault(name, []).append(test)
    claims = [_claim(claim, by_claim.get(claim.id, [])) for claim in by_lesson]
    return {
        "created": created,
        "run": dict(run),
        "columns": columns,
        "totals": totals(claims),
        "lessons": lessons,
        "claims": claims,
        "vectors": _vectors(vectors, outcomes),
        "not_run": _not_run(outcomes),
        "failed": [
            {"id": test.test, "detail": test.detail}
            for test in outcomes
            if test.outcome == "failed"
        ],
    }


def _column_order(column: str) -> int:
    """Return the sort key of a column: the deciding columns come first."""
    patterns = enumerate(DECIDING_COLUMNS)
    matches = (index for index, pattern in patterns if re.fullmatch(pattern, column))
    return next(matches, len(DECIDING_COLUMNS))


def state(claim: Claim, tests: Iterable[TestOutcome]) -> str:
    """Return the state of a claim, as the schema defines it, from the outcomes of its tests."""
    outcomes = {test.outcome for test in tests}
    if claim.untestable:
        return "not_checkable"
    if outcomes & {"failed", "known_difference"}:
        return "failed"
    if "passed" in outcomes:
        return claim.status
    return "not_implemented" if "not_implemented" in outcomes else "not_run"


def _claim(claim: Claim, tests: list[TestOutcome]) -> dict[str, Any]:
    columns: dict[str, list[TestOutcome]] = {}
    for test in tests:
        columns.setdefault(test.column, []).append(test)
    deciding = [test for test in tests if _column_order(test.column) < len(DECIDING_COLUMNS)]
    return {name: getattr(claim, name) for name in FIELDS} | {
        "source": list(claim.source),
        "state": state(claim, deciding or tests),
        "results": {
            column: {
                "state": state(claim, in_column),
                "tests": [{"id": test.test} | test.result for test in in_column],
            }
            for column, in_column in columns.items()
        },
    }


def totals(claims: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Count the claims of `results.json` by state."""
    states = Counter(claim["state"] for claim in claims)
    checked = sum(states[name] for name in CHECKED)
    return {"claims": states.total(), "checked": checked} | {name: states[name] for name in STATES}


def _vectors(
    vectors: Mapping[str, list[dict[str, Any]]], outcomes: Iterable[TestOutcome]
) -> list[dict[str, Any]]:
    results: dict[tuple[str, str] | None, dict[str, dict[str, str]]] = {}
    for test in outcomes:
        results.setdefault(test.vector, {})[test.column] = test.result
    return [
        {"operator": operator, "case": case, "results": results.get((operator, case["name"]), {})}
        for operator, cases in vectors.items()
        for case in cases
    ]


def _not_run(outcomes: Iterable[TestOutcome]) -> list[dict[str, Any]]:
    reasons: dict[str, list[str]] = {}
    for test in outcomes:
        if test.outcome == "not_run":
            reasons.setdefault(test.detail, []).append(test.test)
    return [{"reason": reason, "tests": tests} for reason, tests in reasons.items()]
