"""What a run of the suite found, as data: `fixtures/results.schema.json` says what stands where.

Nothing here knows of pytest: `report` hands over what it saw, and `summary` tells it.
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

# What judges the course: PyTorch on every device and in every version, and the reference. What
# another library does says nothing about the course.
OWN_COLUMNS = ("torch", "torch-.*", "reference")

FIELDS = (
    *("id", "lesson", "says", "zh", "kind", "oracle", "status"),
    *("now", "now_zh", "since", "write", "untestable", "untestable_zh"),
)

Results = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class TestOutcome:
    """What became of one test, if only that it was not started.

    `outcome` is one of the schema's, `detail` the reason of a skip or the message of a failure,
    `vector` the operator and the case that an implementation was held against.
    """

    __test__ = False  # for pytest, not a class of tests

    test: str
    column: str
    outcome: str
    detail: str = ""
    claims: tuple[str, ...] = ()
    vector: tuple[str, str] | None = None

    @property
    def found(self) -> dict[str, str]:
        """The outcome, with its detail where there is one."""
        return {"outcome": self.outcome} | ({"detail": self.detail} if self.detail else {})


def specification() -> dict[str, Any]:
    """Read from fixtures/ what `collect` needs: the lessons, and the cases by operator."""
    documents = {
        path.stem: json.loads(path.read_text(encoding="utf-8"))
        for path in sorted(paths.VECTORS.glob("*.json"))
    }
    return {
        "lessons": tomllib.loads(paths.LESSONS.read_text(encoding="utf-8"))["lesson"],
        "vectors": {name: found["cases"] for name, found in documents.items() if "cases" in found},
    }


def collect(
    ran: Iterable[TestOutcome],
    *,
    register: Mapping[str, Claim],
    lessons: list[dict[str, Any]],
    vectors: Mapping[str, list[dict[str, Any]]],
    columns: list[dict[str, str]],
    run: Mapping[str, Any],
    created: str,
) -> Results:
    """Put together what stands in `results.json`.

    Args:
        ran: the tests of the run, in its order.
        register: the claims by ID.
        lessons: the entries of `fixtures/lessons.toml`.
        vectors: the cases by operator, as `fixtures/vectors` has them.
        columns: what was held against the claims.
        run: the command, why it was partial, and where it ran.
        created: when it ended, in UTC.

    Returns:
        A document that follows `fixtures/results.schema.json`.
    """
    columns = sorted(columns, key=lambda column: _rank(column["id"]))
    order = [column["id"] for column in columns]
    ran = sorted(ran, key=lambda test: order.index(test.column))
    by_lesson = sorted(register.values(), key=lambda claim: int(claim.lesson[1:]))
    by_claim: dict[str, list[TestOutcome]] = {}
    for test in ran:
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
        "vectors": _vectors(vectors, ran),
        "not_run": _not_run(ran),
        "failed": [
            {"id": test.test, "detail": test.detail} for test in ran if test.outcome == "failed"
        ],
    }


def _rank(column: str) -> int:
    """Return the place of a column: those that judge the course come first."""
    matches = (place for place, own in enumerate(OWN_COLUMNS) if re.fullmatch(own, column))
    return next(matches, len(OWN_COLUMNS))


def state(claim: Claim, ran: Iterable[TestOutcome]) -> str:
    """Return what its tests make of a claim; the schema says what the word means."""
    outcomes = {test.outcome for test in ran}
    if claim.untestable:
        return "not_checkable"
    if outcomes & {"failed", "known_difference"}:
        return "failed"
    if "passed" in outcomes:
        return claim.status
    return "not_implemented" if "not_implemented" in outcomes else "not_run"


def _claim(claim: Claim, ran: list[TestOutcome]) -> dict[str, Any]:
    columns: dict[str, list[TestOutcome]] = {}
    for test in ran:
        columns.setdefault(test.column, []).append(test)
    own = [test for test in ran if _rank(test.column) < len(OWN_COLUMNS)]
    return {name: getattr(claim, name) for name in FIELDS} | {
        "source": list(claim.source),
        "state": state(claim, own or ran),
        "results": {
            column: {
                "state": state(claim, tests),
                "tests": [{"id": test.test} | test.found for test in tests],
            }
            for column, tests in columns.items()
        },
    }


def totals(claims: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Count the claims of `results.json` by their state."""
    states = Counter(claim["state"] for claim in claims)
    checked = sum(states[name] for name in CHECKED)
    return {"claims": states.total(), "checked": checked} | {name: states[name] for name in STATES}


def _vectors(
    vectors: Mapping[str, list[dict[str, Any]]], ran: Iterable[TestOutcome]
) -> list[dict[str, Any]]:
    found: dict[tuple[str, str] | None, dict[str, dict[str, str]]] = {}
    for test in ran:
        found.setdefault(test.vector, {})[test.column] = test.found
    return [
        {"operator": operator, "case": case, "results": found.get((operator, case["name"]), {})}
        for operator, cases in vectors.items()
        for case in cases
    ]


def _not_run(ran: Iterable[TestOutcome]) -> list[dict[str, Any]]:
    reasons: dict[str, list[str]] = {}
    for test in ran:
        if test.outcome == "not_run":
            reasons.setdefault(test.detail, []).append(test.test)
    return [{"reason": reason, "tests": tests} for reason, tests in reasons.items()]
