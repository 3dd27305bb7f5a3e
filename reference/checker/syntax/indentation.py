"""Wrong indentation."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from reference.checker.finding import Text
from reference.checker.rule import Bad
from reference.checker.syntax.code import Edit, error_of
from reference.checker.syntax.rule import SyntaxMatch, SyntaxRule

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reference.checker.syntax.code import Code

_TAB_SIZES = (4, 8)  # of editors, and of Python 2
_HEADER = re.compile(r"#\s*(if|elif|else|for|while|def|class|with|try|except|finally)\b.*:\s*$")


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip(" \t"))]


class MixedTabs(SyntaxRule):
    """Tabs and spaces in the indentation of one block."""

    name = "mixed-tabs"
    claims = ("listing.indentation", "listing.tabs")
    message = Text(
        en="This line is indented with {this}, the lines above with {other}; Python cannot compare "
        "them. Use four spaces for each level (PyCharm: Edit, Convert Indents, To Spaces).",
        zh="这一行用{this}缩进，上面的行用{other}，Python 无法比较。每一层都用四个空格"
        "（PyCharm：编辑 → 转换缩进 → 转为空格）。",
    )
    valid = ("if x:\n\ty = 1\n\tz = (\n",)
    invalid = (
        Bad("if x:\n    y = 1\n\tz = 2  # finding\n", "if x:\n    y = 1\n    z = 2\n"),
        Bad("if a:\n    if b:\n        x = 1\n\ty = 2  # finding\n", None),
    )

    def check(self, code: Code) -> Iterator[SyntaxMatch]:
        """Yield the line of the error, if its tabs are the cause."""
        indent = _indent(code.error_text)
        is_tab_error = isinstance(code.error, TabError)
        if not is_tab_error and not _differ(code, indent):
            return
        names = {True: ("a tab", "制表符（Tab）"), False: ("spaces", "空格")}
        this, other = names["\t" in indent], names["\t" not in indent]
        edits = _spaces(code)
        if not is_tab_error and not edits:
            return
        yield SyntaxMatch(
            offset=code.starts[code.error_line - 1],
            fields={"this": this[0], "other": other[0]},
            fields_zh={"this": this[1], "other": other[1]},
            edits=edits,
        )


def _differ(code: Code, indent: str) -> bool:
    """Return whether the error is one of indentation, and lines above have the other kind."""
    above = {"\t" in _indent(line) for line in code.lines[: code.error_line - 1] if _indent(line)}
    return isinstance(code.error, IndentationError) and ({"\t" in indent} | above) == {True, False}


def _spaces(code: Code) -> tuple[Edit, ...]:
    """Return changes of all tabs to spaces, if they can be read in one way only."""
    found: dict[str, tuple[Edit, ...]] = {}
    for size in _TAB_SIZES:
        edits = tuple(
            Edit(code.starts[n - 1], code.starts[n - 1] + len(indent), indent.expandtabs(size))
            for n in code.code_lines
            if "\t" in (indent := _indent(code.lines[n - 1]))
        )
        text = code.edited(*edits)
        if error_of(text) is None:
            found.setdefault(ast.dump(ast.parse(text)), edits)
    return next(iter(found.values())) if len(found) == 1 else ()


class MissingIndent(SyntaxRule):
    """A block that is not indented under the line with the colon."""

    name = "missing-indent"
    claims = ("listing.indentation", "listing.with-alone")
    message = Text(
        en="Line {header} ends with a colon: the lines that belong to it follow it and are "
        "indented by four spaces. (A comment is not enough; if nothing belongs there, write pass.)",
        zh="第 {header} 行以冒号结尾：属于它的代码要写在它下面，并缩进四个空格。"
        "（只有注释不行；如果什么都不做，就写 pass。）",
    )
    valid = ("if x:\n    y = (\n", "x = 1\n  y = 2\n")
    invalid = (
        Bad("with torch.no_grad():\noutput = model(x)  # finding\n", None),
        Bad("for x in y:\n    # print(x)\nz = 1  # finding\n", None),
        Bad("def f():  # finding\n", None),
    )

    def check(self, code: Code) -> Iterator[SyntaxMatch]:
        """Yield the line that should be indented."""
        if not code.message.startswith("expected an indented block"):
            return
        header = _header_above(code)
        number = code.error_line if code.lines[code.error_line - 1].strip() else header
        indented = f"{_indent(code.lines[header - 1])}    {code.lines[number - 1].strip()}"
        write = (
            code.lines[header - 1].rstrip() + "\n" + (indented if number != header else "    pass")
        )
        yield SyntaxMatch(
            offset=code.starts[number - 1], fields={"header": str(header)}, write=write
        )


def _header_above(code: Code) -> int:
    match = re.search(r"on line (\d+)", code.message)
    if match:
        return int(match[1])
    lines = code.plain_lines[: code.error_line]
    return next((n for n in range(len(lines), 0, -1) if lines[n - 1].rstrip().endswith(":")), 1)


class UnexpectedIndent(SyntaxRule):
    """A line that is indented though no block begins above it."""

    name = "unexpected-indent"
    claims = ("listing.indentation",)
    message = Text(
        en="This line is indented further than the line above, but that line does not begin a "
        "block. {cause}",
        zh="这一行比上一行缩进得多，但上一行并没有开始一个代码块。{cause}",
    )
    valid = ("if x:\n    y = (\n",)
    invalid = (
        Bad(" import torch  # finding\n import os\n", "import torch\nimport os\n"),
        Bad("x = 1\n  y = 2  # finding\nz = 3\n", "x = 1\ny = 2\nz = 3\n"),
        Bad("def f():\n    x = 1\n     y = 2  # finding\n", "def f():\n    x = 1\n    y = 2\n"),
        Bad("# for x in y:\n    print(x)  # finding\nz = 1\n", None),
        Bad("for x in y:\n    a = x\nb = 1\n    c = 2  # finding\n", None),
    )

    def check(self, code: Code) -> Iterator[SyntaxMatch]:
        """Yield the line; a line that fits no level is moved to that above."""
        if code.message != "unexpected indent":
            return
        number = code.error_line
        above = next((n for n in range(number - 1, 0, -1) if code.plain_lines[n - 1].strip()), 0)
        comments = [line.strip() for line in code.lines[above : number - 1]]
        edits: tuple[Edit, ...] = ()
        if any(_HEADER.match(comment) for comment in comments):
            cause = (
                "The line that began the block is now a comment: restore it, or indent less.",
                "原来开始代码块的那一行被注释掉了：请恢复它，或者减少缩进。",
            )
        else:
            cause = ("Indent both lines alike.", "请让这两行对齐。")
            edits = _moved(code, number, code.lines[above - 1] if above else "")
        yield SyntaxMatch(
            offset=code.starts[number - 1],
            fields={"cause": cause[0]},
            fields_zh={"cause": cause[1]},
            edits=edits,
        )


def _moved(code: Code, first: int, above: str) -> tuple[Edit, ...]:
    """Return the changes that align lines with the line above, if they can mean nothing else."""
    indent, wanted = _indent(code.lines[first - 1]), _indent(above)
    levels = {_indent(code.lines[n - 1]) for n in code.code_lines if n < first}
    if indent in levels:
        return ()  # it may belong to the block before
    edits = []
    for number in range(first, len(code.lines) + 1):
        line = code.lines[number - 1]
        if line.strip() and not line.startswith(indent):
            break
        if line.strip():
            start = code.starts[number - 1]
            edits.append(Edit(start, start + len(indent), wanted))
    return tuple(edits) if code.cures(*edits) else ()


class UnevenIndent(SyntaxRule):
    """A line that ends a block but is aligned with no line before it."""

    name = "uneven-indent"
    claims = ("listing.indentation",)
    message = Text(
        en="This line is indented by {this} spaces, but the blocks above by {levels}: indent it "
        "exactly as the lines to which it belongs.",
        zh="这一行缩进了 {this} 个空格，而上面各层的缩进是 {levels}：请和它所属的那一层严格对齐。",
    )
    valid = ("if x:\n    y = (\n", "x = 1\n  y = 2\n")
    invalid = (
        Bad("def f():\n    if x:\n        y = 1\n      z = 2  # finding\n", None),
        Bad("if x:\n    y = 1\n  z = 2  # finding\n", None),
    )

    def check(self, code: Code) -> Iterator[SyntaxMatch]:
        """Yield the line."""
        if not code.message.startswith("unindent does not match"):
            return
        indent = _indent(code.error_text)
        yield SyntaxMatch(
            offset=code.starts[code.error_line - 1],
            fields={"this": str(len(indent)), "levels": _join(_levels(code))},
        )


def _levels(code: Code) -> Sequence[int]:
    """Return the indentations of the blocks that are open before the error."""
    levels: list[int] = []
    for number in code.code_lines:
        if number >= code.error_line:
            break
        if code.plain_lines[number - 1].strip() and not code.open_brackets(code.starts[number - 1]):
            indent = len(_indent(code.lines[number - 1]))
            levels = [level for level in levels if level < indent] + [indent]
    return levels


def _join(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers))


RULES = (MixedTabs, MissingIndent, UnexpectedIndent, UnevenIndent)
