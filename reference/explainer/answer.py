"""An explanation: the cause, what to write, and the lesson."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from reference import claims

if TYPE_CHECKING:
    from reference.claims import Claim, Language

TEXTS: dict[Language, dict[str, str]] = {
    "en": {"write": "Write:", "lesson": "Lesson {lesson}, {title} ({claim})"},
    "zh": {"write": "改写为：", "lesson": "课程 {lesson}：{title}（{claim}）"},
}


def answer(claim: Claim, language: Language) -> str:
    """Return the explanation that a claim gives, as lines of text."""
    texts = TEXTS[language]
    lines = [claim.text(language)]
    if claim.write:
        lines += [texts["write"], textwrap.indent(claim.write, " " * 4)]
    title = claims.lesson_titles()[claim.lesson][language]
    return "\n".join(
        [*lines, texts["lesson"].format(lesson=claim.lesson, title=title, claim=claim.id)]
    )
