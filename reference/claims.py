"""The course's claims, as the installed program needs them: texts, messages, rules.

`python -m spec_tests.report.docs` generates claims.json from fixtures/claims, which a wheel does
not have and which takes too long to read.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

Language = Literal["en", "zh"]


@dataclass(frozen=True, slots=True)
class ClaimError:
    """An exception or a warning by which a claim's mistake shows.

    Attributes:
        type: the name of its class, without modules.
        pattern: a regular expression found in its message, for `re.ASCII`.
        length: the length of the shortest text that the pattern matches: how specific it is.
        since: the first version that prints it, as in "torch 2.6"; empty for all.
    """

    type: str
    pattern: str
    length: int = 0
    since: str = ""


@dataclass(frozen=True, slots=True)
class Claim:
    """A statement of the course, and what holds instead of it.

    Attributes:
        id: `topic.name`.
        lesson: P1 to P33.
        status: `holds`, `erratum`, `changed` or `environment`.
        says, zh: the statement in English and in Chinese.
        now, now_zh: what holds today; empty if the statement holds.
        write: the code to type in place of code that fails.
        errors: the messages by which the mistake shows.
        rules: the rules of `course check` that find the mistake.
    """

    id: str
    lesson: str
    status: str
    says: str
    zh: str
    now: str = ""
    now_zh: str = ""
    write: str = ""
    errors: tuple[ClaimError, ...] = ()
    rules: tuple[str, ...] = ()

    def text(self, language: Language) -> str:
        """Return what holds today."""
        return (self.now_zh or self.zh) if language == "zh" else (self.now or self.says)


@cache
def load() -> dict[str, Claim]:
    """Return the claims by ID."""
    claims = {}
    for entry in _read()["claims"]:
        errors = tuple(ClaimError(**error) for error in entry.pop("errors", ()))
        rules = tuple(entry.pop("rules", ()))
        claims[entry["id"]] = Claim(**entry, errors=errors, rules=rules)
    return claims


@cache
def lesson_titles() -> dict[str, dict[Language, str]]:
    """Return the titles of the lessons in both languages, by the lesson's number."""
    return {lesson["id"]: {"en": lesson["en"], "zh": lesson["zh"]} for lesson in _read()["lessons"]}


def _read() -> Any:  # noqa: ANN401 - JSON
    return json.loads(Path(__file__).with_name("claims.json").read_text(encoding="utf-8"))
