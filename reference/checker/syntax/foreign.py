"""Lines of other languages: the shell's, IPython's, C's, Python 2's, and plain prose."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reference.checker.finding import Text
from reference.checker.notebooks import IPYTHON_LINE
from reference.checker.rule import Bad
from reference.checker.syntax.code import Edit, error_of
from reference.checker.syntax.rule import SyntaxMatch, SyntaxRule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reference.checker.syntax.code import Code

_PROMPT = r"(?:\$\s|%\s|\([\w.-]+\)\s*(?:PS\s)?\S*[>$%]\s?|PS\s\S+>\s?|[A-Z]:\\\S*>\s?)"
_COMMAND = re.compile(
    rf"""
    {_PROMPT}
    | (?:pip3?|conda|mamba|apt|apt-get|brew)\s(?:install|uninstall|create|activate|list|update)\b
    | python3?\s(?:-m\s)?[\w./\\-]+
    | tensorboard\s--?\w+
    | (?:jupyter|activate)\s[\w-]+$
    | nvidia-smi(?:\s|$)
    | cd\s[\w./\\:~-]+$
    | git\s(?:clone|pull|add|commit|push)\b
    """,
    re.VERBOSE,
)
_HAN = "\u4e00-\u9fff"
_PROSE = re.compile(rf"[^=()\[\]{{}}\"'#@]*[{_HAN}][^=\[\]{{}}\"'#@]*$")
_MIN_HAN = 4  # Chinese characters; fewer may be a name


class ShellCommand(SyntaxRule):
    """A command of the terminal in a script."""

    name = "shell-command"
    claims = ("listing.copied-text",)
    message = Text(
        en="This is a command for the terminal, not Python: type it in the terminal, and delete it "
        "here.",
        zh="这是终端里的命令，不是 Python 代码：请在终端里输入，并从这里删掉。",
    )
    valid = ("cd = 1\nx = (\n", "pip = [\n", "print('pip install torch'\n")
    invalid = (
        Bad("pip install torch  # finding\nimport torch\n", "# pip install torch\nimport torch\n"),
        Bad("tensorboard --logdir=logs  # finding\n", "# tensorboard --logdir=logs\n"),
        Bad("(pytorch) C:\\code> python a.py  # finding\n", "# (pytorch) C:\\code> python a.py\n"),
        Bad("x = 1\n$ python train.py  # finding\n", "x = 1\n# $ python train.py\n"),
    )

    def check(self, code: Code) -> Iterator[SyntaxMatch]:
        """Yield the lines that are commands and not Python."""
        for number in code.code_lines:
            line = code.lines[number - 1].strip()
            if _COMMAND.match(line) and error_of(line) is not None:
                indent = len(code.lines[number - 1]) - len(code.lines[number - 1].lstrip())
                yield SyntaxMatch(
                    offset=code.starts[number - 1] + indent, edits=code.comment_out(number)
                )


class IPythonLine(SyntaxRule):
    """`%matplotlib`, `!pip`, `help??`: only Jupyter and IPython understand them."""

    name = "ipython-line"
    claims = ("builtin.question-marks",)
    message = Text(
        en="Only Jupyter and IPython understand lines with %, ! or ?. {instead}",
        zh="带 %、! 或 ? 的行只有 Jupyter 和 IPython 才认识。{instead}",
    )
    valid = ("x = 5 % 3\ny = (\n", "x = (5\n% 3\ny\n", "print('!pip install torch'\n")
    invalid = (
        Bad("%matplotlib inline  # finding\nx = 1\n", "# %matplotlib inline\nx = 1\n"),
        Bad("!pip install torch  # finding\n", "# !pip install torch\n"),
        Bad("Dataset??  # finding\n", "help(Dataset)\n"),
        Bad("?torch.sum  # finding\n", "help(torch.sum)\n"),
        Bad("files = !ls  # finding\n", None),
    )

    def check(self, code: Code) -> Iterator[SyntaxMatch]:
        """Yield the lines of IPython, if they are not part of an expression."""
        for number in code.code_lines:
            line, start = code.plain_lines[number - 1], code.starts[number - 1]
            match = IPYTHON_LINE.match(line.rstrip())
            if match and not code.open_brackets(start) and error_of(match[2]) is not None:
                yield _ipython_match(code, number, len(match[1]))


def _ipython_match(code: Code, number: int, indent: int) -> SyntaxMatch:
    line, start = code.plain_lines[number - 1].rstrip(), code.starts[number - 1]
    text = line[indent:]
    question = re.fullmatch(r"\?{0,2}([\w.]+)\?{0,2}", text)
    if question:
        write = f"help({question[1]})"
        edits: tuple[Edit, ...] = (Edit(start + indent, start + len(line), write),)
        instead = (f"In a script, write {write}.", f"在脚本里请写 {write}。")
    elif text[0] == "!":
        write, edits = "", code.comment_out(number)
        instead = ("Type the command after ! in the terminal.", "请在终端里输入 ! 后面的命令。")
    elif text[0] == "%":
        write, edits = "", code.comment_out(number)
        instead = ("In a script, leave the line out.", "在脚本里请去掉这一行。")
    else:
        write, edits = "", ()
        instead = ("In a script, use subprocess.run.", "在脚本里请用 subprocess.run。")
    return SyntaxMatch(
        offset=start + indent,
        fields={"instead": instead[0]},
        fields_zh={"instead": instead[1]},
        write=write,
        edits=edits,
    )


class Prose(SyntaxRule):
    """A line of Chinese text without a comment sign."""

    name = "text-without-comment"
    claims = ("listing.copied-text",)
    message = Text(
        en="This line is text, not code: begin it with # to make it a comment.",
        zh="这一行是文字，不是代码：行首要加 #，变成注释。",
    )
    valid = (
        "训练次数 = 1\nprint(训练次数\n",
        "print(\n训练的总次数,\n测试的总次数\nx\n",
        '"""\n下面加载数据集，然后训练\n"""\nx = (\n',
    )
    invalid = (
        Bad(
            "import torch\n下面加载数据集，然后训练  # finding\n",
            "import torch\n# 下面加载数据集，然后训练\n",
        ),
        Bad("x = 1\n1. 准备数据集 2. 训练  # finding\n", "x = 1\n# 1. 准备数据集 2. 训练\n"),
    )

    def check(self, code: Code) -> Iterator[SyntaxMatch]:
        """Yield the lines of text."""
        for number in code.code_lines:
            line, start = code.plain_lines[number - 1].strip(), code.starts[number - 1]
            if (
                _PROSE.match(line)
                and len(re.findall(f"[{_HAN}]", line)) >= _MIN_HAN
                and not code.open_brackets(start)
                and error_of(line) is not None
            ):
                yield SyntaxMatch(offset=start, edits=code.comment_out(number))


class PrintStatement(SyntaxRule):
    """`print x` of Python 2."""

    name = "print-statement"
    claims = ("listing.python-2",)
    message = Text(
        en="print without brackets is Python 2: since Python 3, print is a function.",
        zh="不带括号的 print 是 Python 2 的写法：从 Python 3 起 print 是函数。",
    )
    valid = ("print(x\n", "print = 1\nx = (\n")
    invalid = (
        Bad("print x  # finding\n", "print(x)\n"),
        Bad("if x:\n    print 'a', x  # finding\nprint x  # finding\n",
            "if x:\n    print('a', x)\nprint(x)\n"),
        Bad("print 'epoch %d' % 3  # finding\n", "print('epoch %d' % 3)\n"),
        Bad("print x,  # finding\n", None),
    )  # fmt: skip

    def check(self, code: Code) -> Iterator[SyntaxMatch]:
        """Yield the print statements; one with a last comma has no certain fix."""
        for number in code.code_lines:
            line, start = code.plain_lines[number - 1], code.starts[number - 1]
            match = re.match(r"(\s*)print[ \t]+([^\s(=.,].*?)\s*$", line)
            if match is None or error_of(line.strip()) is None or code.open_brackets(start):
                continue
            expression = code.text[start + match.start(2) : start + match.end(2)]
            write = f"print({expression})"
            certain = error_of(write) is None and not re.search(r",$|;", match[2])
            first, last = start + len(match[1]) + len("print"), start + match.end(2)
            edits = (Edit(first, start + match.start(2), "("), Edit(last, last, ")"))
            if certain or match[2].endswith(","):
                yield SyntaxMatch(
                    offset=start + len(match[1]),
                    write=write if certain else "",
                    edits=edits if certain else (),
                )


RULES = (ShellCommand, IPythonLine, Prose, PrintStatement)
