"""A run in which every test passes, as results.json tells it: what the page's tests draw."""

import json
import tomllib
from collections import Counter
from typing import Any

from spec_tests import claims, vectors
from spec_tests.page import STATES

FIXTURES = claims.FOLDER.parent
SCHEMA = json.loads((FIXTURES / "results.schema.json").read_text(encoding="utf-8"))
FIELDS = set(SCHEMA["properties"]["claims"]["items"]["required"]) - {"source", "state", "results"}
CHECKED = ("holds", "erratum", "changed", "environment", "failed")


def found(*columns: str) -> dict[str, Any]:
    """Return the results of a run over the whole register, with a test of each claim.

    Args:
        columns: their IDs; each is its title too.
    """
    by_lesson = sorted(claims.load().values(), key=lambda claim: int(claim.lesson[1:]))
    checked = [_claim(claim, columns) for claim in by_lesson]
    states = Counter(claim["state"] for claim in checked)
    return {
        "created": "2026-11-20T11:31:05Z",
        "run": {
            "command": "pytest spec_tests --report report",
            "partial": "",
            "python": "3.11.2",
            "platform": "Linux",
            "packages": {"torch": "2.15.0", "torchvision": "0.29.2"},
        },
        "columns": [{"id": name, "title": name, "device": "cpu"} for name in columns],
        "totals": {"claims": len(checked), "checked": sum(states[name] for name in CHECKED)}
        | {name: states[name] for name in STATES},
        "lessons": tomllib.loads((FIXTURES / "lessons.toml").read_text(encoding="utf-8"))["lesson"],
        "claims": checked,
        "vectors": _vectors(columns),
        "not_run": [],
    }


def _claim(claim: claims.Claim, columns: tuple[str, ...]) -> dict[str, Any]:
    test = {"id": f"spec_tests/test_claims.py::test[{claim.id}]", "outcome": "passed"}
    result = {"state": claim.status, "tests": [test]}
    return {name: getattr(claim, name) for name in FIELDS} | {
        "source": list(claim.source),
        "state": "not_checkable" if claim.untestable else claim.status,
        "results": {} if claim.untestable else dict.fromkeys(columns, result),
    }


def _vectors(columns: tuple[str, ...]) -> list[dict[str, Any]]:
    documents = [
        json.loads((vectors.FOLDER / f"{name}.json").read_text(encoding="utf-8"))
        for name in vectors.operators()
    ]
    return [
        {
            "operator": document["operator"],
            "case": case,
            "results": {name: {"outcome": "passed"} for name in columns},
        }
        for document in documents
        for case in document["cases"]
    ]
