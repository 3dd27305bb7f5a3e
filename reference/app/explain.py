"""`course explain`: what a traceback, a message, a line of code or a question is about."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reference.errors import InputError, shown
from reference.explainer.answer import answer
from reference.explainer.search import search
from reference.files import check_regular

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reference.claims import Language

LOG = logging.getLogger(__name__)

MAX_ANSWERS = 3
MAX_BYTES = 1_000_000
SCRIPTS = (".py", ".ipynb")

NONE: dict[Language, str] = {
    "en": "No statement of the course is about this.",
    "zh": "课程里没有与此相关的内容。",
}


def explain(words: Sequence[str], language: Language) -> tuple[int, Any, str]:
    """Return the answer of the command.

    Args:
        words: its arguments: a text, a file, or `-` or nothing for standard input.
        language: of the answers.
    """
    answers = search(_text(words))[:MAX_ANSWERS]
    result = [
        {
            "claim": claim.id,
            "lesson": claim.lesson,
            "cause": claim.text(language),
            "write": claim.write,
        }
        for claim in answers
    ]
    if not answers:
        return 1, {"answers": []}, NONE[language]
    return 0, {"answers": result}, "\n\n".join(answer(claim, language) for claim in answers)


def _text(words: Sequence[str]) -> str:
    """Return the text to explain.

    Raises:
        InputError: there is none, or the file cannot be used.
    """
    text = " ".join(words)
    if text in {"", "-"}:
        text = _standard_input()
    elif len(words) == 1 and _is_file(text):
        text = _file(Path(text))
    if not text.strip():
        raise InputError("nothing to explain: give a message, a traceback, or a file with one")
    return text


def _standard_input() -> str:
    if sys.stdin is None:  # under pythonw
        return ""
    if sys.stdin.isatty():
        end = "Ctrl-Z and Enter" if os.name == "nt" else "Ctrl-D"
        LOG.warning("paste the text, then press %s", end)
    return _decode(sys.stdin.buffer.read(MAX_BYTES + 1), "standard input")


def _is_file(text: str) -> bool:
    """Return whether a text is the path of a file; a folder may be named like a question's word."""
    try:
        path = Path(text)
        return path.exists() and not path.is_dir()
    except (OSError, ValueError):  # too long for a path, or with a null character
        return False


def _file(path: Path) -> str:
    if path.suffix in SCRIPTS:
        raise InputError(f"{shown(path)} is a script: course check reads it, course run runs it")
    check_regular(path)
    with path.open("rb") as file:
        return _decode(file.read(MAX_BYTES + 1), shown(path))


def _decode(content: bytes, name: str) -> str:
    """Return the text of a file in UTF-8, in PowerShell's UTF-16, or in a Chinese encoding."""
    if len(content) > MAX_BYTES:
        raise InputError(f"{name} has over {MAX_BYTES} bytes: give only the traceback")
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", errors="replace")
    if b"\0" in content:
        raise InputError(f"{name} is not a text: give a traceback or a message")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("gb18030", errors="replace")
