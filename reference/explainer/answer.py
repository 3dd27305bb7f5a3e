"""An explanation: the cause, what to write, and the lesson."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from reference import claims

if TYPE_CHECKING:
    from reference.claims import Claim, Language

TEXTS: dict[Language, dict[str, str]] = {
    "en": {
        "says": "The course says: {}",
        "write": "Write:",
        "lesson": "Lesson {lesson}, {title} ({claim})",
    },
    "zh": {
        "says": "课程的说法：{}",
        "write": "改写为：",
        "lesson": "课程 {lesson}：{title}（{claim}）",
    },
}


def answer(claim: Claim, language: Language) -> str:
    """Return the explanation that a claim gives, as lines of text.

    Where the course is not right today, what holds answers what the course says: both are shown.
    """
    texts = TEXTS[language]
    lines = [claim.text(language)]
    if claim.status != "holds":
        lines.insert(0, texts["says"].format(claim.zh if language == "zh" else claim.says))
    if claim.write:
        lines += [texts["write"], textwrap.indent(claim.write, " " * 4)]
    title = claims.lesson_titles()[claim.lesson][language]
    return "\n".join(
        [*lines, texts["lesson"].format(lesson=claim.lesson, title=title, claim=claim.id)]
    )
