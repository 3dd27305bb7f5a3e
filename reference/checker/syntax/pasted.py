"""Text that was copied into a script along with code: prompts, output, commands, prose."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reference.checker.finding import Text
from reference.checker.rule import Bad
from reference.checker.syntax.code import Edit, error_of
from reference.checker.syntax.rule import SyntaxMatch, SyntaxRule

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reference.checker.syntax.code import Code

_PROMPT = re.compile(r"(>>> ?|\.\.\. |\.\.\.$|In ?\[\d*\]: ?|\s+\.{3,}: ?)")
_FIRST_PROMPT = re.compile(r"(>>>|In ?\[\d*\]:)")
_NUMBER = re.compile(r"(\s*)(\d+)([.:|]?[ \t]|[.:|]?$|(?=[a-z#@]))")
_OUTPUT = re.compile(
    r"""
    Files\ already\ downloaded | Downloading\ https?: | Extracting\ \S+\ to
    | Out\ ?\[\d+\]: | Process\ finished\ with\ exit\ code | Requirement\ already\ satisfied
    | <class\ ' | <[\w.]+\ (object|image)\ .*>$ | \[?\d+\ rows\ x\ \d+\ columns
    | (输出|结果|运行结果|输出结果|打印结果)\s*[：:]?$ | (Output|Result)s?:$
    | -{3,}[^=()]*-{3,}$ | ={3,}[^()]*={3,}$ | [A-Za-z_.]+(Error|Warning):\ \D
    | [^=()\[\]{}"'#]*\w\s*[:：,，]\s*-?\d[\d.e-]*%?$ | \d+%\|
    """,
    re.VERBOSE,
)
_TENSOR = re.compile(r"tensor\(")
_LAYER = re.compile(r"\(\w+\): [A-Z]\w*\(")  # `  (conv1): Conv2d(3, 6, …)` of a printed network
_TRACEBACK = re.compile(r"\s*Traceback \(most recent call last\)")
_ERROR = re.compile(r"[A-Za-z_][\w.]*(Error|Exception|Interrupt|Exit)(:|$)")


class PastedPrompt(SyntaxRule):
    """The prompts of an interactive interpreter."""

    name = "pasted-prompt"
    claims = ("listing.copied-text",)
    message = Text(
        en="{prompt} is the prompt of an interactive interpreter, copied along with the code: in a "
        "script, leave it out.",
        zh="{prompt} 是交互式解释器的提示符，被连同代码一起复制进来了：在脚本里要去掉。",
    )
    valid = (
        "print('''\n>>> x\n'''\n",
        "x = [1, ...\n",
    )
    invalid = (
        Bad(
            ">>> import torch  # finding\n>>> for i in range(2):\n...     print(i)\n",
            fixed="import torch\nfor i in range(2):\n    print(i)\n",
        ),
        Bad("In [1]: import os  # finding\n", fixed="import os\n"),
    )

    def check(self, code: Code) -> Iterator[SyntaxMatch]:
        """Yield the first prompt of each block; the fix removes all of it."""
        lines = [n for n in code.code_lines if _FIRST_PROMPT.match(code.lines[n - 1].lstrip())]
        if not lines:
            return
        for block in _blocks(n for n in code.code_lines if _prompt(code, n)):
            edits = []
            for number in block:
                start, end = _prompt(code, number) or (0, 0)
                edits.append(Edit(start, end, ""))
            prompt = code.text[edits[0].start : edits[0].end].strip()
            yield SyntaxMatch(offset=edits[0].start, fields={"prompt": prompt}, edits=tuple(edits))


def _prompt(code: Code, number: int) -> tuple[int, int] | None:
    line = code.lines[number - 1]
    indent = len(line) - len(line.lstrip())
    match = _PROMPT.match(line) or _PROMPT.match(line, indent)
    start = code.starts[number - 1]
    return (start + match.start(), start + match.end()) if match else None


def _blocks(numbers: Iterable[int]) -> list[list[int]]:
    """Return line numbers in groups of consecutive ones."""
    blocks: list[list[int]] = []
    for number in numbers:
        if blocks and number == blocks[-1][-1] + 1:
            blocks[-1].append(number)
        else:
            blocks.append([number])
    return blocks


class PastedLineNumbers(SyntaxRule):
    """The line numbers that a web page shows beside its code."""

    name = "pasted-line-numbers"
    claims = ("listing.copied-text",)
    message = Text(
        en="The line numbers of the web page were copied along with the code: delete them.",
        zh="网页上的行号被连同代码一起复制进来了：请删掉行号。",
    )
    valid = ("1\n2\nx = (\n", "x = [\n1,\n2,\n3 4]\n")
    invalid = (
        Bad(
            "1 import torch  # finding\n2 from torch import nn\n3\n4 x = 1\n",
            fixed="import torch\nfrom torch import nn\n\nx = 1\n",
        ),
        Bad(
            "1. import os  # finding\n2. for x in y:\n3.     print(x)\n",
            fixed="import os\nfor x in y:\n    print(x)\n",
        ),
        Bad("1import os  # finding\n2import sys\n3x = 1\n", "import os\nimport sys\nx = 1\n"),
    )

    def check(self, code: Code) -> Iterator[SyntaxMatch]:
        """Yield the first line, if every line begins with its number."""
        numbered = [
            (n, _NUMBER.match(line)) for n, line in enumerate(code.lines, 1) if line.strip()
        ]
        matches = [(n, match) for n, match in numbered if match]
        counts = [int(match[2]) for _, match in matches]
        if (
            len(matches) == len(numbered) >= 3  # noqa: PLR2004 - fewer may be a coincidence
            and counts == list(range(counts[0], counts[0] + len(counts)))
            and any(code.lines[n - 1][match.end() :].strip() for n, match in matches)
        ):
            edits = (
                Edit(code.starts[n - 1], code.starts[n - 1] + match.end(), "")
                for n, match in matches
            )
            yield SyntaxMatch(offset=code.starts[matches[0][0] - 1], edits=tuple(edits))


class PastedOutput(SyntaxRule):
    """What a program printed."""

    name = "pasted-output"
    claims = ("listing.output-in-code", "listing.copied-text")
    message = Text(
        en="This is not code but what a program printed. Delete it, or begin the lines with # to "
        "keep them as comments.",
        zh="这不是代码，而是程序的输出。请删掉，或在行首加 # 变成注释。",
    )
    valid = (
        'print("""\nFiles already downloaded and verified\n"""\n',
        "loss = {'a': 1,\n'b': 2\n",
        "# tensor(1., grad_fn=<AddBackward0>)\nx = (\n",
        "def f(x: int,\n      y: int = 3\n    pass\n",
    )
    invalid = (
        Bad(
            "x = 1\nFiles already downloaded and verified  # finding\n",
            fixed="x = 1\n# Files already downloaded and verified\n",
        ),
        Bad(
            "tensor([[1., 2.],  # finding\n        [3., 4.]], grad_fn=<AddBackward0>)\ny = 1\n",
            fixed="# tensor([[1., 2.],\n        # [3., 4.]], grad_fn=<AddBackward0>)\ny = 1\n",
        ),
        Bad(
            "Traceback (most recent call last):  # finding\n"
            "  File \"a.py\", line 1\n    x\nNameError: name 'x' is not defined\nx = 1\n",
            fixed="# Traceback (most recent call last):\n"
            "  # File \"a.py\", line 1\n    # x\n# NameError: name 'x' is not defined\n"
            "x = 1\n",
        ),
        Bad("print(x)\n输出：  # finding\n", fixed="print(x)\n# 输出：\n"),
        Bad(
            "for x in y:\n    print(x)\nOut[3]: <Image>  # finding\n",
            "for x in y:\n    print(x)\n# Out[3]: <Image>\n",
        ),
        Bad(
            "net = Tudui()\nTudui(  # finding\n  (conv1): Conv2d(3, 6)\n)\nx = 1\n",
            "net = Tudui()\n# Tudui(\n  # (conv1): Conv2d(3, 6)\n# )\nx = 1\n",
        ),
        Bad("训练次数：100，Loss：2.3  # finding\n", "# 训练次数：100，Loss：2.3\n"),
    )

    def check(self, code: Code) -> Iterator[SyntaxMatch]:
        """Yield the first line of each piece of output, if making comments of it helps."""
        for block in _blocks(sorted(_output(code))):
            yield SyntaxMatch(offset=code.starts[block[0] - 1], edits=code.comment_out(*block))


def _output(code: Code) -> set[int]:
    numbers: set[int] = set()
    for number in code.code_lines:
        line = code.lines[number - 1].strip()
        if number in numbers:
            continue
        if _TRACEBACK.match(line):
            numbers |= _traceback(code, number)
        elif _TENSOR.match(line):
            numbers |= _unless_code(code, _bracketed(code, code.starts[number - 1]))
        elif _LAYER.match(line):
            opened = code.open_brackets(code.starts[number - 1])
            numbers |= (
                _unless_code(code, _bracketed(code, opened[0].offset)) if opened else {number}
            )
        elif _OUTPUT.match(line):
            numbers |= _unless_code(code, [number])
    return numbers


def _traceback(code: Code, first: int) -> set[int]:
    """Return the lines of a traceback, down to that of the error."""
    for number in range(first, len(code.lines) + 1):
        if _ERROR.match(code.lines[number - 1]):
            return set(range(first, number + 1))
    return {first}


def _bracketed(code: Code, offset: int) -> list[int]:
    """Return the lines from an offset to the end of the brackets that are opened in its line."""
    first = code.line_of(offset)
    depth = len(code.open_brackets(code.starts[first - 1]))
    for number in range(first, len(code.lines) + 1):
        if len(code.open_brackets(code.starts[number - 1] + len(code.lines[number - 1]))) <= depth:
            return list(range(first, number + 1))
    return [first]


def _unless_code(code: Code, numbers: list[int]) -> set[int]:
    """Return lines, or none of them if they are Python."""
    lines = [code.lines[number - 1] for number in numbers]
    return set() if error_of("\n".join([lines[0].lstrip(), *lines[1:]])) is None else set(numbers)


RULES = (PastedPrompt, PastedLineNumbers, PastedOutput)
