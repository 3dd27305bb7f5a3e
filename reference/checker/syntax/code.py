"""The text of a file that does not parse, and what can be said about it without a tree."""

from __future__ import annotations

import ast
import re
import warnings
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable

Kind = Literal["code", "string", "comment"]

NEWLINE = re.compile(r"\r\n|\r|\n")
CURLY = "“”„‟＂"
CURLY_SINGLE = "‘’‚‛＇"
# In this order: a comment, strings that may have several lines, strings of one line. A string whose
# last quotation mark is missing ends with its line, or at a curly mark if it has one.
_TOKENS = re.compile(
    rf"""
    (?P<comment>\#[^\r\n]*)
    |(?P<string>
        \b[rRbBuUfF]{{1,2}}(?=["'])|(?=["'{CURLY}{CURLY_SINGLE}])
    )
    (?:
        (?P<triple>\"\"\"|''')(?s:\\.|(?!(?P=triple)).)*(?:(?P=triple)|\Z)
        |"(?:\\(?:\r\n|[^\r])|[^"\\\r\n{CURLY}])*"
        |'(?:\\(?:\r\n|[^\r])|[^'\\\r\n{CURLY_SINGLE}])*'
        |"(?:\\(?:\r\n|[^\r])|[^"\\\r\n])*"
        |'(?:\\(?:\r\n|[^\r])|[^'\\\r\n])*'
        |[{CURLY}"][^{CURLY}"\r\n]*[{CURLY}"]
        |[{CURLY_SINGLE}'][^{CURLY_SINGLE}'\r\n]*[{CURLY_SINGLE}']
        |["'{CURLY}{CURLY_SINGLE}][^\r\n]*
    )
    """,
    re.VERBOSE,
)


@dataclass(frozen=True)
class Token:
    """A string, a comment, or the code between them; `start` and `end` are offsets."""

    kind: Kind
    start: int
    end: int


@dataclass(frozen=True)
class Edit:
    """A change of a text: what is between two offsets, and what replaces it."""

    start: int
    end: int
    new: str


@dataclass(frozen=True)
class Bracket:
    """An opening bracket that is not closed before some place."""

    char: str
    offset: int


class Code:
    """The text of a file that does not parse.

    Args:
        text: the text; its lines may end in any way.
        error: Python's error.
        encoding: in which it was read, if Python would not read it so; else empty.
    """

    def __init__(self, text: str, error: SyntaxError, encoding: str = "") -> None:
        self.text = text
        self.error = error
        self.encoding = encoding

    @cached_property
    def lines(self) -> list[str]:
        """The lines, without their ends."""
        return NEWLINE.split(self.text)

    @cached_property
    def starts(self) -> list[int]:
        """The offset of each line."""
        return [0, *(match.end() for match in NEWLINE.finditer(self.text))]

    def offset(self, line: int, column: int) -> int:
        """Return the offset of a place, both from 1."""
        line = min(max(line, 1), len(self.starts))
        return self.starts[line - 1] + max(column, 1) - 1

    def place(self, offset: int) -> tuple[int, int]:
        """Return the line and the column of an offset, both from 1."""
        line = next(n for n in range(len(self.starts), 0, -1) if self.starts[n - 1] <= offset)
        return line, offset - self.starts[line - 1] + 1

    def line_of(self, offset: int) -> int:
        """Return the line of an offset, from 1."""
        return self.place(offset)[0]

    @property
    def error_line(self) -> int:
        """The line of Python's error, from 1; 1 if it names none."""
        return min(self.error.lineno or 1, len(self.lines))

    @property
    def error_text(self) -> str:
        """The line of Python's error."""
        return self.lines[self.error_line - 1]

    @property
    def error_offset(self) -> int:
        """The offset of Python's error."""
        line = self.lines[self.error_line - 1]
        return self.offset(self.error_line, min(self.error.offset or 1, len(line) + 1))

    @property
    def message(self) -> str:
        """Python's own message."""
        return self.error.msg or ""

    @cached_property
    def tokens(self) -> list[Token]:
        """The text divided into strings, comments and code."""
        tokens: list[Token] = []
        end = 0
        for match in _TOKENS.finditer(self.text):
            if match.start() > end:
                tokens.append(Token("code", end, match.start()))
            kind: Kind = "comment" if match["comment"] is not None else "string"
            tokens.append(Token(kind, match.start(), match.end()))
            end = match.end()
        if end < len(self.text):
            tokens.append(Token("code", end, len(self.text)))
        return tokens

    def pieces(self, kind: Kind) -> Iterable[Token]:
        """Return the tokens of a kind."""
        return (token for token in self.tokens if token.kind == kind)

    @cached_property
    def plain(self) -> str:
        """The text with strings and comments replaced by `_` and spaces, at the same offsets."""
        parts = []
        for token in self.tokens:
            part = self.text[token.start : token.end]
            if token.kind != "code":
                part = re.sub(r"[^\r\n]", "_" if token.kind == "string" else " ", part)
            parts.append(part)
        return "".join(parts)

    @cached_property
    def plain_lines(self) -> list[str]:
        """The lines of `plain`."""
        return NEWLINE.split(self.plain)

    @cached_property
    def code_lines(self) -> list[int]:
        """The numbers of the lines that do not begin inside a string, from 1."""
        inside = set()
        for token in self.pieces("string"):
            first, last = self.line_of(token.start), self.line_of(token.end)
            inside |= set(range(first + 1, last + 1))
        return [number for number in range(1, len(self.lines) + 1) if number not in inside]

    def open_brackets(self, offset: int) -> list[Bracket]:
        """Return the brackets that are open at an offset, the innermost last."""
        stack: list[Bracket] = []
        for match in re.finditer(r"[()\[\]{}]", self.plain[:offset]):
            char = match[0]
            if char in "([{":
                stack.append(Bracket(char, match.start()))
            elif stack and stack[-1].char == "([{"[")]}".index(char)]:
                stack.pop()
        return stack

    def edited(self, *edits: Edit) -> str:
        """Return the text with changes that do not overlap."""
        text = self.text
        for edit in sorted(edits, key=lambda edit: edit.start, reverse=True):
            text = text[: edit.start] + edit.new + text[edit.end :]
        return text

    def cures(self, *edits: Edit) -> bool:
        """Return whether changes remove the error: the text parses, or fails only further down."""
        error = error_of(self.edited(*edits))
        return error is None or (error.lineno or 0) > self.error_line

    def comment_out(self, *numbers: int) -> tuple[Edit, ...]:
        """Return the changes that make comments of some lines, from 1."""
        places = (
            (n, len(line) - len(line.lstrip())) for n in numbers if (line := self.lines[n - 1])
        )
        offsets = (self.starts[n - 1] + indent for n, indent in places)
        return tuple(Edit(offset, offset, "# ") for offset in offsets)


def error_of(text: str) -> SyntaxError | None:
    """Return Python's error if a text does not compile."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(text, "<script>", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    except SyntaxError as error:
        return error
    except ValueError as error:  # null bytes; a SyntaxError from Python 3.12 on
        return SyntaxError(str(error))
    return None
