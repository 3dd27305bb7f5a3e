"""Statements that are nearly Python: colons, ==, keywords, names of modules, C's operators."""

from __future__ import annotations

import keyword
import re
from typing import TYPE_CHECKING

from reference.checker.finding import Text
from reference.checker.rule import Bad
from reference.checker.syntax.code import Edit
from reference.checker.syntax.rule import SyntaxMatch, SyntaxRule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reference.checker.syntax.code import Code

_HEADER = re.compile(
    r"\s*(?:(?:if|elif|while|for|with|class|def|except|async)\b.*\S|(?:else|try|finally|except))\s*$"
)
_NEAR = ("invalid syntax", "cannot assign")  # Python's messages about = in a comparison


class MissingColon(SyntaxRule):
    """A line that begins a block and does not end with a colon."""

    name = "missing-colon"
    claims = ("listing.syntax",)
    message = Text(
        en="A line that begins a block (if, for, def, class, with, else, …) ends with a colon.",
        zh="开始代码块的行（if、for、while、def、class、with、else 等）要以冒号结尾。",
    )
    valid = ("if x:\n    y = (\n", "for i in range(3:\n    pass\n", "x = 1 if\n")
    invalid = (
        Bad("for i in range(3)  # finding\n    print(i)\n", "for i in range(3):\n    print(i)\n"),
        Bad("class A(nn.Module)  # finding\n    pass\n", "class A(nn.Module):\n    pass\n"),
        Bad("if x == 1;  # finding\n    y = 2\n", "if x == 1:\n    y = 2\n"),
        Bad(
            "if x:\n    y = 1\nelse  # finding\n    y = 2\n", "if x:\n    y = 1\nelse:\n    y = 2\n"
        ),
    )

    def check(self, code: Code) -> Iterator[SyntaxMatch]:
        """Yield the end of the line, if a colon there cures the error."""
        number = code.error_line
        line, start = code.plain_lines[number - 1], code.starts[number - 1]
        text = line.rstrip().removesuffix(";").rstrip()
        if _HEADER.match(text) and not text.endswith(":"):
            end = start + len(text)
            edit = Edit(end, start + len(line.rstrip()), ":")
            if not code.open_brackets(end) and code.cures(edit):
                write = code.text[start:end].strip() + ":"
                yield SyntaxMatch(offset=end - 1, write=write, edits=(edit,))


class AssignmentForComparison(SyntaxRule):
    """`=` where `==` compares."""

    name = "assignment-for-comparison"
    claims = ("listing.syntax",)
    message = Text(
        en="= assigns a value; to compare, write ==.",
        zh="= 是赋值，比较相等要写 ==。",
    )
    valid = ("if f(x=1):\n    y = (\n", "if x == 1\n    y = 2\n", "f(x.y=1)\n", "f(x) = 1\n")
    invalid = (
        Bad("if x = 1:  # finding\n    y = 2\n", "if x == 1:\n    y = 2\n"),
        Bad("if a:\n    b = 1\nelif i % 100 = 0:  # finding\n    c = 1\n",
            "if a:\n    b = 1\nelif i % 100 == 0:\n    c = 1\n"),
        Bad("n = (output.argmax(1) = targets).sum()  # finding\n",
            "n = (output.argmax(1) == targets).sum()\n"),
    )  # fmt: skip

    def check(self, code: Code) -> Iterator[SyntaxMatch]:
        """Yield the sign, if == cures the error."""
        line, start = code.plain_lines[code.error_line - 1], code.starts[code.error_line - 1]
        is_condition = re.match(r"\s*(if|elif|while|assert)\b", line)
        if not is_condition and not code.message.startswith(_NEAR):
            return
        for match in re.finditer(r"(?<![=!<>:+\-*/%])=(?!=)", line):
            edit = Edit(start + match.start(), start + match.end(), "==")
            if (is_condition or code.open_brackets(edit.start)) and code.cures(edit):
                write = code.edited(edit)[start:].splitlines()[0].strip()
                yield SyntaxMatch(offset=edit.start, write=write, edits=(edit,))
                return


class OtherLanguage(SyntaxRule):
    """Operators of C and Java."""

    name = "other-language"
    claims = ("listing.syntax",)
    message = Text(
        en="{wrong} is not Python: write {right}.",
        zh="{wrong} 不是 Python 的写法：请写 {right}。",
    )
    valid = ("x = a and b\ny = (\n", "if x:\n    y = 1\nelif z:\n    y = (\n", "x = '&&'\ny = (\n")
    invalid = (
        Bad("if a && b:  # finding\n    c = 1\n", "if a and b:\n    c = 1\n"),
        Bad("if a||b:  # finding\n    c = 1\n", "if a or b:\n    c = 1\n"),
        Bad("if a:\n    c = 1\nelse if b:  # finding\n    c = 2\n",
            "if a:\n    c = 1\nelif b:\n    c = 2\n"),
        Bad("i = 0\ni++  # finding\n", "i = 0\ni += 1\n"),
        Bad("if !a:  # finding\n    c = 1\n", "if not a:\n    c = 1\n"),
        Bad("// 训练  # finding\nx = 1\n", "# 训练\nx = 1\n"),
    )  # fmt: skip

    def check(self, code: Code) -> Iterator[SyntaxMatch]:
        """Yield the operators in the line of the error that Python does not have."""
        line, start = code.plain_lines[code.error_line - 1], code.starts[code.error_line - 1]
        for pattern, new in _OTHERS:
            match = re.search(pattern, line)
            if match is None:
                continue
            first, last = start + match.start("wrong"), start + match.end("wrong")
            right = match.expand(new)
            left_space = "" if line[: match.start("wrong")][-1:] in ("", " ", "(", "[") else " "
            right_space = "" if not right[-1].isalpha() or line[match.end("wrong")] == " " else " "
            edit = Edit(first, last, f"{left_space if right.isalpha() else ''}{right}{right_space}")
            yield SyntaxMatch(
                offset=first,
                fields={"wrong": match["wrong"], "right": right},
                edits=(edit,) if code.cures(edit) else (),
            )
            return


_OTHERS = (
    (r"(?P<wrong>&&)", "and"),
    (r"(?P<wrong>\|\|)", "or"),
    (r"\b(?P<wrong>else\s+if)\b", "elif"),
    (r"^\s*(?P<wrong>(?P<name>\w+)\+\+);?\s*$", r"\g<name> += 1"),
    (r"^\s*(?P<wrong>(?P<name>\w+)--);?\s*$", r"\g<name> -= 1"),
    (r"(?P<wrong>!)(?=\s*[\w(])", "not"),
    (r"^\s*(?P<wrong>//|/\*)", "#"),
)


class ModuleName(SyntaxRule):
    """An import of a file whose name is not a name of Python."""

    name = "module-name"
    claims = ("listing.module-name",)
    message = Text(
        en="{name} cannot be imported: the name of a module has only letters, digits and _, and "
        "does not begin with a digit. Rename the file, for example to {better}.py.",
        zh="无法导入 {name}：模块名只能由字母、数字和下划线组成，并且不能以数字开头。"
        "请给文件改名，例如改成 {better}.py。",
    )
    valid = ("import torch.nn as\n", "from model import (\n")
    invalid = (
        Bad("from 1_model import *  # finding\n", None),
        Bad("import my-model  # finding\n", None),
        Bad("from 08_nn_module import Tudui  # finding\n", None),
        Bad("from train.gpu-1 import net  # finding\n", None),
    )

    def check(self, code: Code) -> Iterator[SyntaxMatch]:
        """Yield the module's name."""
        line, start = code.plain_lines[code.error_line - 1], code.starts[code.error_line - 1]
        match = re.match(r"\s*(?:from|import)\s+([\w.-]+)", line)
        if match is None:
            return
        bad = [part for part in match[1].split(".") if part and not part.isidentifier()]
        if bad:
            better = re.sub(r"\W", "_", bad[0])
            better = f"p{better}" if better[0].isdigit() else better
            yield SyntaxMatch(
                offset=start + match.start(1), fields={"name": bad[0], "better": better}
            )


class KeywordAsName(SyntaxRule):
    """A word of the language as the name of a variable."""

    name = "keyword-as-name"
    claims = ("listing.syntax",)
    message = Text(
        en="{name} is a word of the Python language and cannot be a name: choose another one, such "
        "as {name}_.",
        zh="{name} 是 Python 的关键字，不能当名字用：请换一个名字，例如 {name}_。",
    )
    valid = ("lambda x: (\n", "if x = 1:\n    pass\n", "x = None\ny = (\n", "f(x=None\n")
    invalid = (
        Bad("lambda = 0.1  # finding\n", None),
        Bad("def f(self, lambda):  # finding\n    pass\n", None),
        Bad("class = 3  # finding\n", None),
        Bad("None = 3  # finding\n", None),
    )

    def check(self, code: Code) -> Iterator[SyntaxMatch]:
        """Yield the keyword."""
        line, start = code.plain_lines[code.error_line - 1], code.starts[code.error_line - 1]
        words = "|".join(keyword.kwlist)
        for pattern in (
            rf"^\s*({words})\s*[-+*/]?=(?!=)",
            rf"^\s*def\s+\w+\(.*?(?<=[(,\s])({words})\s*[,=):]",
            rf"^\s*(?:def|class|for|import)\s+({words})\b",
            rf"\bas\s+({words})\b",
            rf"[(,]\s*({words})\s*=(?!=)",
        ):
            match = re.search(pattern, line)
            if match and not (
                match[1] in ("None", "True", "False") and pattern.startswith("^\\s*def")
            ):
                yield SyntaxMatch(offset=start + match.start(1), fields={"name": match[1]})
                return


RULES = (AssignmentForComparison, OtherLanguage, MissingColon, ModuleName, KeywordAsName)
