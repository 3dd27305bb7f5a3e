"""Strings: Windows paths, quotation marks that are missing, f-strings."""

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

_UNICODE = re.compile(r"(?<!\\)(?:\\\\)*\\(N(?!\{)|U(?![0-9a-fA-F]{8})|[ux])")
_PREFIX = re.compile(r"[a-zA-Z]*")


class WindowsPath(SyntaxRule):
    r"""Windows paths in which `\U`, `\u`, `\x` or `\N` is read as an escape sequence."""

    name = "windows-path-escape"
    claims = ("dataset.path-escape",)
    message = Text(
        en="In a string, \\{char} begins an escape sequence, so this Windows path fails. Put r "
        "before the string, or write / instead of \\.",
        zh="字符串里的 \\{char} 是转义序列的开头，所以这个 Windows 路径会出错。"
        "在字符串前加 r，或者把 \\ 换成 /。",
    )
    valid = ('path = r"C:\\Users\\a"\nx = (\n', 'a = "\\u4f60\\x41"\nx = (\n')
    invalid = (
        Bad('path = "C:\\Users\\a"  # finding\n', 'path = r"C:\\Users\\a"\n'),
        Bad(
            "a = 'D:\\xiao\\new'  # finding\nb = \"D:\\Users\"  # finding\n",
            "a = r'D:\\xiao\\new'\nb = r\"D:\\Users\"\n",
        ),
        Bad('path = "C:\\\\a\\Users"  # finding\n', None),
        Bad('path = f"C:\\Users\\{name}"  # finding\n', 'path = rf"C:\\Users\\{name}"\n'),
    )

    def check(self, code: Code) -> Iterator[SyntaxMatch]:
        """Yield the strings that Python cannot decode; all of the file, not only the first."""
        for token in code.pieces("string"):
            text = code.text[token.start : token.end]
            prefix = (_PREFIX.match(text) or [""])[0]
            bad = _UNICODE.search(text)
            if "r" in prefix.lower() or bad is None or not _undecodable(text, bad):
                continue
            certain = "\\\\" not in text and not text[len(prefix) :].startswith(('"""', "'''"))
            slashes = re.sub(r"\\+", "/", text)
            yield SyntaxMatch(
                offset=token.start,
                fields={"char": bad[1]},
                write=f"r{text}" if certain else slashes,
                edits=(Edit(token.start, token.start, "r"),) if certain else (),
            )


def _undecodable(text: str, bad: re.Match[str]) -> bool:
    """Return whether an escape sequence lacks its digits."""
    digits = {"u": 4, "x": 2}.get(bad[1], 0)
    return not re.match(rf"[0-9a-fA-F]{{{digits}}}", text[bad.end() :]) if digits else True


class LastBackslash(SyntaxRule):
    """A Windows path whose last backslash makes the quotation mark part of the string."""

    name = "backslash-before-quote"
    claims = ("dataset.path-escape",)
    message = Text(
        en="A backslash before the closing quotation mark makes it part of the string, which then "
        "does not end. Leave it out, or write / instead of \\.",
        zh="结尾引号前的反斜杠会把引号变成字符串的一部分，字符串就没有结束。"
        "请去掉它，或者把 \\ 换成 /。",
    )
    valid = ('x = "say \\"hi\\""\ny = (\n', "print('it\\'s\n")
    invalid = (
        Bad('root = "D:\\data\\"  # finding\n', 'root = "D:/data/"\n'),
        Bad("root = r'data\\train\\'  # finding\n", "root = 'data/train/'\n"),
        Bad('x = os.path.join("D:\\a\\", name)  # finding\n', 'x = os.path.join("D:/a/", name)\n'),
    )

    def check(self, code: Code) -> Iterator[SyntaxMatch]:
        """Yield the string at Python's error, if it is such a path."""
        if "unterminated" not in code.message and "EOL while scanning" not in code.message:
            return
        line, start = code.error_text, code.starts[code.error_line - 1]
        for match in re.finditer(r"[rR]?([\"'])((?:\w:)?[^\"'\\\n]*(?:\\[^\"'\\\n]+)*)\\\1", line):
            path = match[2]
            if "\\" not in path and not re.match(r"\w:", path):
                continue
            write = f"{match[1]}{path.replace(chr(92), '/')}/{match[1]}"
            edit = Edit(start + match.start(), start + match.end(), write)
            if code.cures(edit):
                yield SyntaxMatch(offset=edit.start, write=write, edits=(edit,))
                return


class UnclosedString(SyntaxRule):
    """A string without its closing quotation mark."""

    name = "unclosed-string"
    claims = ("listing.unclosed-bracket",)
    message = Text(
        en="The string that begins here has no closing {quote}.",
        zh="从这里开始的字符串缺少结尾的 {quote}。",
    )
    valid = ("x = 'a'\ny = (\n",)
    invalid = (
        Bad('print("hello)  # finding\n', None),
        Bad('x = """a  # finding\n\nb = 1\n', None),
        Bad("writer = SummaryWriter('logs)  # finding\nx = 1\n", None),
    )

    def check(self, code: Code) -> Iterator[SyntaxMatch]:
        """Yield the start of the string."""
        if "unterminated" in code.message or "EOL while scanning" in code.message:
            quote = re.match(r"[a-zA-Z]*(\"\"\"|'''|[\"'])", code.text[code.error_offset :])
            fields = {"quote": quote[1] if quote else '"'}
            yield SyntaxMatch(offset=code.error_offset, fields=fields)


RULES = (WindowsPath, LastBackslash, UnclosedString)
