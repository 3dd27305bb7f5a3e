"""A finding: one mistake at one place of a learner's code, in two languages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning", "advice"]
Language = Literal["zh", "en"]


@dataclass(frozen=True)
class Text:
    """A text in both languages; `{name}` in it is a field."""

    en: str
    zh: str

    def in_language(self, lang: Language, **fields: str) -> str:
        """Return the text in a language, with its fields filled in."""
        return (self.zh if lang == "zh" else self.en).format(**fields)


@dataclass(frozen=True, order=True, kw_only=True)
class Finding:
    """A mistake at a place.

    Attributes:
        path: the file, as given or found.
        line, column: the place, both from 1; in a notebook, of the code of all its cells joined.
        rule: the name of the rule that found it.
        claims: the claims that explain it.
        severity: `error`, fails; `warning`, does something else than meant; `advice`, works, but
            is written differently today.
        message: what is wrong and why, in the learner's language.
        write: the code to write instead; empty if the message says it all.
        fixable: whether `--fix` rewrites it.
        cell: the number of the notebook's cell, from 1, and the line in it.
    """

    path: str
    line: int
    column: int
    rule: str
    claims: tuple[str, ...]
    severity: Severity
    message: str
    write: str
    fixable: bool
    cell: tuple[int, int] | None = None
