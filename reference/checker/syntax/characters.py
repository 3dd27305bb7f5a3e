"""Characters of Chinese input methods and of web pages outside strings and comments."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

from reference.checker.finding import Text
from reference.checker.rule import Bad
from reference.checker.syntax.code import CURLY, CURLY_SINGLE, Edit
from reference.checker.syntax.rule import SyntaxMatch, SyntaxRule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reference.checker.syntax.code import Code, Token

# Those with an ASCII form in Unicode, such as （ and ：, are found by that.
_ASCII = {
    "、": ",", "。": ".", "【": "[", "】": "]", "〔": "[", "〕": "]", "《": "<", "》": ">",
    "「": '"', "」": '"', "—": "-", "–": "-", "−": "-", "×": "*", "÷": "/",
    **dict.fromkeys(CURLY, '"'), **dict.fromkeys(CURLY_SINGLE, "'"),
}  # fmt: skip
_SPACES = {
    "\u3000": ("full-width space", "全角空格", " "),
    "\u00a0": ("no-break space", "不间断空格", " "),
    "\u2002": ("en space", "半身空格", " "),
    "\u2003": ("em space", "全身空格", " "),
    "\u2009": ("thin space", "窄空格", " "),
    "\u202f": ("narrow no-break space", "窄不间断空格", " "),
    "\u200b": ("zero-width space", "零宽空格", ""),
    "\u200c": ("zero-width character", "零宽字符", ""),
    "\u200d": ("zero-width character", "零宽字符", ""),
    "\u2060": ("zero-width character", "零宽字符", ""),
    "\ufeff": ("byte order mark", "字节顺序标记（BOM）", ""),
}
# An f-string's expressions are code: `f"{acc：.2f}"`.
_EXPRESSION = re.compile(r"(?<!\{)\{(?!\{)([^{}]*)\}")


def ascii_of(char: str) -> str | None:
    """Return the ASCII character for which one of a Chinese input method was typed, if it is one.

    Letters and Chinese characters are none: names may have them.
    """
    if char in _ASCII:
        return _ASCII[char]
    normal = unicodedata.normalize("NFKC", char)
    if "\uff01" <= char <= "\uff5e" and normal.isascii() and not char.isidentifier():
        return normal
    return None


def ascii_string(text: str) -> str | None:
    """Return a string's code with ASCII quotation marks, if it has others."""
    if text[0] in "\"'" and text[-1] == text[0] and len(text) > 1:
        return None
    quote = ascii_of(text[0]) or text[0]
    if ascii_of(text[-1]) == quote and len(text) > 1:
        return f"{quote}{text[1:-1]}{quote}"
    return None


class ChineseCharacter(SyntaxRule):
    """Punctuation of a Chinese input method in code."""

    name = "chinese-punctuation"
    claims = ("listing.full-width-brackets", "tensor.full-width-comma")
    message = Text(
        en="{char} (U+{number}) was typed with a Chinese input method; Python knows only {ascii}. "
        "Switch the input method to English for code.",
        zh="{char}（U+{number}）是中文输入法打出的字符，Python 只认识英文的 {ascii}。"
        "写代码时请切换到英文输入法。",
    )
    valid = (
        "print('你好，世界：（完）')  # 注释，也可以\nprint(x\n",
        "训练次数 = 1\nprint(训练次数\n",
        '"""\n说明：（见下文）\n"""\nprint(\n',
    )
    invalid = (
        Bad("help（Dataset）  # finding\n", fixed="help(Dataset)\n"),
        Bad(
            "x = [1，2，3]  # finding\nif x：  # finding\n    print(“你好，世界”)  # finding\n",
            fixed='x = [1,2,3]\nif x:\n    print("你好，世界")\n',
        ),
        Bad("print('训练结束’)  # finding\n", fixed="print('训练结束')\n"),
        Bad('print(f"{loss：.3f}")  # finding\n', fixed='print(f"{loss:.3f}")\n'),
        Bad("if x ！= 1:  # finding\n    y = 2 × 3  # finding\n", "if x != 1:\n    y = 2 * 3\n"),
    )

    def check(self, code: Code) -> Iterator[SyntaxMatch]:
        """Yield the first such character of each line; its fix replaces all in the line."""
        found: dict[int, list[Edit]] = {}
        for edit in _replaced(code):
            found.setdefault(code.line_of(edit.start), []).append(edit)
        for edits in found.values():
            chars = list(dict.fromkeys(code.text[edit.start] for edit in edits))
            ascii_chars = list(dict.fromkeys(edit.new for edit in edits))
            numbers = ", U+".join(f"{ord(char):04X}" for char in chars)
            yield SyntaxMatch(
                offset=edits[0].start,
                fields={
                    "char": " ".join(chars),
                    "number": numbers,
                    "ascii": " ".join(ascii_chars),
                },
                write=_line(code, edits).strip(),
                edits=tuple(edits),
            )


def _replaced(code: Code) -> Iterator[Edit]:
    for token in code.tokens:
        text = code.text[token.start : token.end]
        if token.kind == "code":
            yield from _replaced_in(token.start, text)
        elif token.kind == "string":
            yield from _quotes(token, text)
            if re.match(r"[rR]?[fF]", text):
                for match in _EXPRESSION.finditer(text):
                    yield from _replaced_in(token.start + match.start(1), match[1])


def _replaced_in(start: int, text: str) -> Iterator[Edit]:
    for index, char in enumerate(text):
        if not char.isascii() and (new := ascii_of(char)) is not None:
            yield Edit(start + index, start + index + 1, new)


def _quotes(token: Token, text: str) -> Iterator[Edit]:
    start = token.start + len(text) - len(text.lstrip("rRbBuUfF"))
    new = ascii_string(text.lstrip("rRbBuUfF"))
    if new is not None:
        for index in (start, token.end - 1):
            if text[index - token.start] not in "\"'":
                yield Edit(index, index + 1, new[0])


def _line(code: Code, edits: list[Edit]) -> str:
    """Return a line of a text as it is after changes in it."""
    number = code.line_of(edits[0].start)
    start, line = code.starts[number - 1], code.lines[number - 1]
    for edit in reversed(edits):
        line = line[: edit.start - start] + edit.new + line[edit.end - start :]
    return line


class InvisibleCharacter(SyntaxRule):
    """Spaces that are not Python's, as input methods and web pages have them."""

    name = "invisible-character"
    claims = ("listing.invisible-character",)
    message = Text(
        en="Here is a {name} (U+{number}), which looks like nothing or like a space, and Python "
        "refuses it. It comes from a web page or a Chinese input method: type a normal space.",
        zh="这里有一个{name}（U+{number}），看不出来，但 Python 不接受。"
        "它来自网页或中文输入法：请换成普通空格。",
    )
    valid = ("print('　')  # 　\nprint(\n",)
    invalid = (
        Bad("x =　1  # finding\n", fixed="x = 1\n"),
        Bad("def f():\n\u00a0\u00a0\u00a0\u00a0return 1  # finding\n", "def f():\n    return 1\n"),
        Bad("x = 1\u200b  # finding\n", fixed="x = 1\n"),
    )

    def check(self, code: Code) -> Iterator[SyntaxMatch]:
        """Yield the first such character of each line; its fix replaces all in the line."""
        found: dict[int, list[int]] = {}
        for match in re.finditer("[" + "".join(_SPACES) + "]", code.plain):
            found.setdefault(code.line_of(match.start()), []).append(match.start())
        for offsets in found.values():
            char = code.text[offsets[0]]
            english, chinese, _ = _SPACES[char]
            yield SyntaxMatch(
                offset=offsets[0],
                fields={"name": english, "number": f"{ord(char):04X}"},
                fields_zh={"name": chinese},
                edits=tuple(Edit(at, at + 1, _SPACES[code.text[at]][2]) for at in offsets),
            )


RULES = (ChineseCharacter, InvisibleCharacter)
