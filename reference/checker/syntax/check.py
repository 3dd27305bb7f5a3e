"""Finding the causes for which a file does not parse."""

from __future__ import annotations

import io
import tokenize
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reference.checker.syntax import (
    brackets,
    characters,
    files,
    foreign,
    indentation,
    messages,
    pasted,
    statements,
    strings,
)
from reference.checker.syntax.code import Code, error_of

if TYPE_CHECKING:
    from reference.checker.syntax.rule import SyntaxMatch, SyntaxRule

# In this order: the first that finds something is the cause. What stands anywhere in the file comes
# before what stands at Python's error.
RULES: tuple[type[SyntaxRule], ...] = (
    *files.RULES,
    *pasted.RULES,
    *foreign.RULES,
    *characters.RULES,
    *indentation.RULES,
    *strings.RULES,
    *statements.RULES,
    *brackets.RULES,
    *messages.RULES,
)
MAX_CAUSES = 30
_ENCODINGS = ("gb18030",)


@dataclass(frozen=True)
class Problem:
    """A cause, and its place in the file, from 1."""

    rule: type[SyntaxRule]
    match: SyntaxMatch
    line: int
    column: int


def problems(data: bytes) -> tuple[list[Problem], bytes]:
    """Return the causes for which a file does not parse, and the file with the certain ones fixed.

    After a cause that can be corrected, the rest of the file is examined as well.

    Args:
        data: the content of a file.
    """
    text, declared, guessed = _decode(data)
    found: list[Problem] = []
    is_edited = False
    for _ in range(MAX_CAUSES):
        error = SyntaxError(guessed) if guessed else error_of(text)
        if error is None:
            break
        new = _first_cause(Code(text, error, guessed))
        found += [problem for problem in new if not _is_known(problem, found)]
        guessed = ""
        edits = [edit for problem in new for edit in problem.match.edits]
        fixed = Code(text, error).edited(*edits)
        if not edits or (fixed == text and not any(edit.new == "" for edit in edits)):
            break
        text, is_edited = fixed, True
        if not all(problem.match.edits for problem in new):
            break
    found.sort(key=lambda problem: (problem.line, problem.column))
    return found, text.encode(declared) if is_edited else data


def _first_cause(code: Code) -> list[Problem]:
    for rule in RULES:
        matches = list(rule().check(code))
        if matches:
            return [Problem(rule, match, *code.place(match.offset)) for match in matches]
    return []


def _is_known(problem: Problem, found: list[Problem]) -> bool:
    return any(problem.rule is known.rule and problem.line == known.line for known in found)


def _decode(data: bytes) -> tuple[str, str, str]:
    """Return a file's text, the encoding it declares, and the one it seems to have instead."""
    try:
        declared, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        "".encode(declared)
    except (SyntaxError, LookupError):  # unknown, or not of text, such as rot13
        declared = "utf-8"
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", errors="replace"), "utf-8", "utf-16"
    try:
        return data.decode(declared), declared, ""
    except UnicodeDecodeError:
        pass
    for encoding in _ENCODINGS:
        try:
            return data.decode(encoding), "utf-8", encoding
        except UnicodeDecodeError:
            pass
    return data.decode(files.UNKNOWN), "utf-8", files.UNKNOWN
