"""All other errors: Python's own message, with what it means."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reference.checker.finding import Text
from reference.checker.rule import Bad
from reference.checker.syntax.rule import SyntaxMatch, SyntaxRule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reference.checker.syntax.code import Code

# Patterns of Python's messages, of 3.11 and newer, and what they mean.
_MEANINGS = (
    (
        r"cannot assign to expression",
        "To the left of = stands a calculation. A name cannot contain - (write _), and == compares",
        "= 的左边是一个算式。名字里不能有 -（请用 _），比较相等要写 ==",
    ),
    (
        r"cannot assign to function call|cannot assign to (.* )?call",
        "A call cannot stand to the left of =. To compare, write ==",
        "= 的左边不能是函数调用。比较相等要写 ==",
    ),
    (
        r"cannot assign to",
        "To the left of = must stand a name",
        "= 的左边必须是变量名",
    ),
    (
        r"'return' outside function",
        "This return is in no function: indent it as the lines of the function",
        "这个 return 不在函数里：请和函数体一样缩进",
    ),
    (
        r"'yield' outside function",
        "This yield is in no function: indent it as the lines of the function",
        "这个 yield 不在函数里：请和函数体一样缩进",
    ),
    (
        r"'(break|continue)' (outside|not properly in) loop",
        "This line is in no loop: indent it as the lines of the loop",
        "这一行不在循环里：请和循环体一样缩进",
    ),
    (
        r"positional argument follows keyword",
        "In a call, arguments with a name (name=value) come last: name the others too",
        "调用时带名字的参数（name=value）要放在最后：后面的参数也请写上名字",
    ),
    (
        r"keyword argument repeated",
        "The same argument is given twice",
        "同一个参数写了两次",
    ),
    (
        r"(non-default argument|parameter without a default) follows",
        "Parameters with a default value come last",
        "带默认值的参数要放在最后",
    ),
    (
        r"duplicate argument",
        "Two parameters have the same name",
        "两个参数同名",
    ),
    (
        r"(is assigned to|is used|name '.*' is (parameter|used)).*(global|nonlocal)",
        "The line global must stand before the name is used in the function",
        "global 语句要写在函数中使用这个名字之前",
    ),
    (
        r"expected 'except' or 'finally' block",
        "A try needs an except or finally below it, at the same indentation",
        "try 下面要有同样缩进的 except 或 finally",
    ),
    (
        r"invalid decimal literal|leading zeros",
        "A number cannot begin with 0 or end in letters, and a name cannot begin with a digit",
        "数字不能以 0 开头，后面也不能紧跟字母；名字不能以数字开头",
    ),
    (
        r"unexpected character after line continuation",
        "A \\ continues a line, and nothing may follow it; a path needs quotation marks",
        "字符串外的 \\ 表示续行，后面不能有任何字符；路径要加引号",
    ),
    (
        r"multiple exception types must be parenthesized",
        "Python 2 wrote except A, e; write except A as e",
        "except A, e 是 Python 2 的写法，请写 except A as e",
    ),
    (
        r"Missing parentheses in call to 'exec'",
        "exec without brackets is Python 2: write exec(…)",
        "不带括号的 exec 是 Python 2 的写法：请写 exec(…)",
    ),
    (
        r"f-string: (expecting '}'|unmatched|single|unterminated)|f-string: expression cannot",
        "In an f-string, each { needs its }, and the string's quotation marks cannot be inside",
        "f 字符串里的 { 和 } 要成对，里面不能用和外层一样的引号",
    ),
    (
        r"expected '\('",
        "The name of a function is followed by brackets, also if it has no parameters",
        "函数名后面要有括号，没有参数也要写",
    ),
    (
        r"expected ':'|':' expected",
        "A colon is missing",
        "缺少冒号",
    ),
    (
        r"expected 'else' after 'if' expression",
        "x if condition needs else y",
        "x if 条件 后面要写 else y",
    ),
    (
        r"unexpected EOF",
        "The file ends in the middle of a statement: a bracket or block is not finished",
        "文件在语句中间结束了：有括号或代码块没有写完",
    ),
    (
        r"Perhaps you forgot a comma",
        "Perhaps a comma is missing",
        "可能缺少逗号",
    ),
    (
        r"invalid character|invalid non-printable character",
        "This character has no place in code: delete it, or put the text in quotation marks",
        "代码里不能有这个字符：请删掉，或者把这段文字放进引号",
    ),
)  # fmt: skip
_OTHER = (
    "Look at this place and the end of the line before",
    "请检查这里以及上一行的末尾",
)


class InvalidSyntax(SyntaxRule):
    """Anything else that Python cannot parse."""

    name = "invalid-syntax"
    claims = ("listing.syntax",)
    message = Text(
        en="Python cannot read this line ({message}). {meaning}.",
        zh="Python 读不懂这一行（{message}）。{meaning}。",
    )
    valid = ("x = 1\n",)
    invalid = (
        Bad("def f(x):\n    y = x\nreturn y  # finding\n", None),
        Bad("break  # finding\n", None),
        Bad("f(a=1, 2)  # finding\n", None),
        Bad("my-net = 3  # finding\n", None),
        Bad("x = = 3  # finding\n", None),
        Bad("try:\n    x = 1\ny = 2  # finding\n", None),
    )

    def check(self, code: Code) -> Iterator[SyntaxMatch]:
        """Yield the place of Python's error."""
        found = (texts for pattern, *texts in _MEANINGS if re.search(pattern, code.message))
        english, chinese = next(found, _OTHER)
        yield SyntaxMatch(
            offset=code.error_offset,
            fields={"message": code.message, "meaning": english},
            fields_zh={"meaning": chinese},
        )


RULES = (InvalidSyntax,)
