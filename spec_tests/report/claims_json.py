"""Generate reference/claims.json: the claims as the installed program needs them."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from spec_tests.harness.claims import Claim
from spec_tests.harness.lessons import Lesson

FIELDS = ("id", "lesson", "status", "says", "zh", "now", "now_zh", "write")
ERROR_FIELDS = ("type", "pattern", "length", "since")


def claims_json(register: Mapping[str, Claim], lessons: Iterable[Lesson]) -> str:
    """Return the document, one lesson or claim a line; empty fields are left out."""
    titles = [{"id": lesson.id, "en": lesson.title, "zh": lesson.zh} for lesson in lessons]
    parts = {"lessons": titles, "claims": [_claim(claim) for claim in register.values()]}
    lists = (f'\n"{name}": [{_lines(entries)}\n]' for name, entries in parts.items())
    return f"{{{','.join(lists)}\n}}\n"


def _claim(claim: Claim) -> dict[str, Any]:
    entry = {name: getattr(claim, name).strip() for name in FIELDS}
    entry["errors"] = [
        {name: value for name in ERROR_FIELDS if (value := getattr(error, name))}
        for error in claim.errors
    ]
    entry["rules"] = list(claim.rules)
    return {name: value for name, value in entry.items() if value}


def _lines(entries: Iterable[dict[str, Any]]) -> str:
    return ",".join(f"\n{json.dumps(entry, ensure_ascii=False)}" for entry in entries)
