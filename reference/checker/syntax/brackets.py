"""Brackets that are not closed, or do not fit, and commas that are missing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reference.checker.finding import Text
from reference.checker.rule import Bad
from reference.checker.syntax.code import Edit
from reference.checker.syntax.rule import SyntaxMatch, SyntaxRule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reference.checker.syntax.code import Code

_CLOSING = {"(": ")", "[": "]", "{": "}"}
_STATEMENT = re.compile(
    r"\s*((import|from|for|while|if|with|def|class|return|del|try|print)\b"
    r"|[\w.]+(\s*,\s*[\w.]+)*\s*(\[[^]]*\]\s*)?[-+*/]?=(?!=)[^=]*$)"
)


class UnclosedBracket(SyntaxRule):
    """A bracket that is opened and not closed."""

    name = "unclosed-bracket"
    claims = ("listing.unclosed-bracket",)
    message = Text(
        en="The {bracket} that opens here is never closed: write {closing} where it ends. (Python "
        "may report the error on a later line.)",
        zh="这里的 {bracket} 没有配对的右括号：在该结束的地方写上 {closing}。"
        "（Python 报错的位置可能在后面的行。）",
    )
    valid = ("x = (1, 2]\n", "x = f(1 2)\n", "if x\n    y = (1,\n    2)\n")
    invalid = (
        Bad("print(x  # finding\ny = 2\n", None),
        Bad("model = Sequential(  # finding\n    Linear(3, 4\n)\nx = 1\n", None),
        Bad("model = Sequential(\n    ReLU(3,  # finding\n    Linear(3, 4),\n)\nx = 1\n", None),
        Bad("net = Net(nn.Linear(2, 3)  # finding\noptimizer = SGD(net.parameters())\n", None),
        Bad("x = torch.ones((1, 2)  # finding\nfor i in range(3):\n    print(i)\n", None),
        Bad("x = foo(a, b  # finding\nbar(x)\n", None),
    )

    def check(self, code: Code) -> Iterator[SyntaxMatch]:
        """Yield the innermost bracket that is open at the end of the statement with the error."""
        if "was never closed" not in code.message and not _is_inside(code):
            return
        bracket = _unclosed(code)
        if bracket is None:
            return
        offset, char = bracket
        number = code.line_of(offset)
        line = code.lines[number - 1].rstrip()
        opened = code.open_brackets(code.starts[number - 1] + len(line))
        closing = "".join(_CLOSING[b.char] for b in reversed(opened) if b.offset >= offset)
        yield SyntaxMatch(
            offset=offset,
            fields={"bracket": char, "closing": _CLOSING[char]},
            write=line.strip() + closing,
        )


def _is_inside(code: Code) -> bool:
    """Return whether the error is a new statement inside brackets that are opened further up."""
    start = code.starts[code.error_line - 1]
    opened = code.open_brackets(start)
    return bool(
        opened
        and "does not match" not in code.message
        and code.line_of(opened[-1].offset) < code.error_line
        and _STATEMENT.match(code.plain_lines[code.error_line - 1])
    )


def _unclosed(code: Code) -> tuple[int, str] | None:
    """Return the bracket that is not closed when the next statement begins.

    Inside brackets of several lines, it is that of a line after which the next one is aligned.
    """
    outer = _outer(code)
    if outer is None:
        return None
    first = code.line_of(outer[0]) + 1
    for number in range(first, len(code.lines)):
        start, end = code.starts[number - 1], code.starts[number] - 1
        opened = [b for b in code.open_brackets(end) if b.offset >= start]
        if _STATEMENT.match(code.plain_lines[number - 1]) or not code.open_brackets(start):
            break
        if opened and _indent(code.lines[number]) == _indent(code.lines[number - 1]):
            return opened[-1].offset, opened[-1].char
    return outer


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _outer(code: Code) -> tuple[int, str] | None:
    """Return the bracket that is open when the next statement begins."""
    if "was never closed" in code.message:
        first = code.error_line
        for number in range(first + 1, len(code.lines) + 1):
            opened = code.open_brackets(code.starts[number - 1])
            if not opened:
                break
            if _STATEMENT.match(code.plain_lines[number - 1]):
                return opened[-1].offset, opened[-1].char
        return code.error_offset, code.text[code.error_offset]
    opened = code.open_brackets(code.starts[code.error_line - 1])
    return (opened[-1].offset, opened[-1].char) if opened else None


class WrongBracket(SyntaxRule):
    """A closing bracket without its opening one, or of another kind."""

    name = "wrong-bracket"
    claims = ("listing.unclosed-bracket",)
    message = Text(
        en="{closing} closes nothing that was opened with {opening}: {hint}.",
        zh="这个 {closing} 没有对应的 {opening}：{hint}。",
    )
    valid = ("print(x\n", "x = f(1 2)\n")
    invalid = (
        Bad("print(x))  # finding\n", None),
        Bad("x = (1, 2]  # finding\n", None),
        Bad("x = [\n    f(1, 2),\n)  # finding\n", None),
    )

    def check(self, code: Code) -> Iterator[SyntaxMatch]:
        """Yield the closing bracket."""
        match = re.search(r"(unmatched|closing parenthesis) '(.)'", code.message)
        if match is None or code.message.startswith("f-string"):
            return
        closing = match[2]
        opening = next(key for key, value in _CLOSING.items() if value == closing)
        opened = code.open_brackets(code.error_offset)
        if opened:
            line, char = code.line_of(opened[-1].offset), opened[-1].char
            hint = (
                f"the bracket that is open is {char} in line {line}",
                f"还没有关闭的是第 {line} 行的 {char}",
            )
        else:
            hint = ("delete it, or open a bracket before", "请删掉它，或者在前面补上左括号")
        yield SyntaxMatch(
            offset=code.error_offset,
            fields={"closing": closing, "opening": opening, "hint": hint[0]},
            fields_zh={"hint": hint[1]},
        )


class MissingComma(SyntaxRule):
    """Two expressions in brackets without a comma between them."""

    name = "missing-comma"
    claims = ("listing.syntax",)
    message = Text(
        en="A comma is missing between {before} and {after}.",
        zh="{before} 和 {after} 之间缺少逗号。",
    )
    valid = ("print(x\n", "x = 1 +\n", "if x\n    y = 1\n")
    invalid = (
        Bad("conv = Conv2d(3, 32 5)  # finding\n", None),
        Bad(
            "model = Sequential(\n    Conv2d(3, 32, 5)  # finding\n    MaxPool2d(2),\n)\n",
            "model = Sequential(\n    Conv2d(3, 32, 5),\n    MaxPool2d(2),\n)\n",
        ),
        Bad('x = {"a": 1  # finding\n     "b": 2}\n', 'x = {"a": 1,\n     "b": 2}\n'),
        Bad('print("loss" loss)  # finding\n', None),
    )

    def check(self, code: Code) -> Iterator[SyntaxMatch]:
        """Yield the place between two expressions near the error where a comma helps."""
        first = code.starts[max(code.error_line - 2, 0)]
        last = code.starts[code.error_line - 1] + len(code.error_text)
        end = code.error.end_lineno or 0
        if code.error_line < end <= len(code.lines):
            last = code.starts[end - 1] + len(code.lines[end - 1])
        for match in re.finditer(r"([\w)\]}])([ \t\r\n]+)(?=[\w(\[{])", code.plain[first:last]):
            at = first + match.end(1)
            if not code.open_brackets(at):
                continue
            edit = Edit(at, at, ",")
            if not code.cures(edit) or not _are_values(code, at):
                continue
            after = code.text[first + match.end() :]
            yield SyntaxMatch(
                offset=at,
                fields={"before": _last(code.text[:at]), "after": _first(after)},
                edits=(edit,) if "\n" in match[2] or "\r" in match[2] else (),
            )
            return


def _are_values(code: Code, at: int) -> bool:
    """Return whether neither side of a place is a keyword, as in `x if y else z`."""
    before = (re.findall(r"\w+$", code.plain[:at]) or [""])[-1]
    after = (re.findall(r"^\s*(\w+)", code.plain[at:]) or [""])[0]
    words = {"if", "else", "for", "in", "and", "or", "not", "is", "lambda", "await", "print"}
    return not words & {before, after}


def _last(text: str) -> str:
    match = re.search(r"\S+$", text)
    return match[0] if match else ""


def _first(text: str) -> str:
    match = re.match(r"[\w.\"']+\(?", text)
    return match[0] if match else text[:1]


RULES = (WrongBracket, UnclosedBracket, MissingComma)
