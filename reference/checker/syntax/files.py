"""Files that are not Python's: other encodings, web pages, binary data, marks of git."""

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

UNKNOWN = "latin-1"  # decodes any bytes: stands for an encoding that is not known
_NAMES = {"utf-16": "UTF-16", "gb18030": "GBK"}
_NOT_TEXT = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_PAGE = re.compile(r"\s*(<!doctype\s+html|<html|<\?xml)", re.IGNORECASE)
_CONFLICT = re.compile(r"(<{7}|={7}|>{7}|\|{7})( .*)?$")


class NotAScript(SyntaxRule):
    """Binary data or a web page under the name of a script."""

    name = "not-a-script"
    claims = ("listing.copied-text",)
    message = Text(
        en="This is no Python script: the file contains {what}. Download or copy the script "
        "itself; on GitHub, with the button Raw or Download raw file.",
        zh="这不是 Python 脚本：文件里是{what}。请重新下载或复制脚本本身；"
        "在 GitHub 上要点 Raw 或 Download raw file 按钮。",
    )
    valid = ("page = '<!DOCTYPE html>'\nprint(page\n",)
    invalid = (
        Bad("<!DOCTYPE html>  # finding\n<html><body>import torch</body></html>\n"),
        Bad("PK\x03\x04\x00\x00  # finding\n"),
    )

    def check(self, code: Code) -> Iterator[SyntaxMatch]:
        """Yield the first byte that no script has, or the start of a page."""
        binary = _NOT_TEXT.search(code.text)
        if binary or code.encoding == UNKNOWN:
            yield SyntaxMatch(
                offset=0, fields={"what": "binary data"}, fields_zh={"what": "二进制数据"}
            )
        elif _PAGE.match(code.text):
            yield SyntaxMatch(offset=0, fields={"what": "a web page"}, fields_zh={"what": "网页"})


class NotUtf8(SyntaxRule):
    """A file in the encoding of Chinese Windows, or in UTF-16, as old editors save it."""

    name = "not-utf8"
    claims = ("listing.encoding",)
    message = Text(
        en="This file is saved in the encoding {encoding}, but Python reads UTF-8. Save it as "
        "UTF-8 (PyCharm: click the encoding at the bottom right, choose UTF-8, Convert).",
        zh="这个文件是用 {encoding} 编码保存的，而 Python 按 UTF-8 读取。请用 UTF-8 重新保存"
        "（PyCharm：点击右下角的编码，选 UTF-8，再选 Convert）。",
    )
    encoding = "gbk"
    valid = ("# -*- coding: gbk -*-\nprint('你好')\n",)
    invalid = (Bad("print('你好')  # finding\n", fixed="print('你好')\n"),)

    def check(self, code: Code) -> Iterator[SyntaxMatch]:
        """Yield the first character that is not ASCII."""
        if code.encoding in _NAMES:
            first = re.search(r"[^\x00-\x7f]", code.text)
            yield SyntaxMatch(
                offset=first.start() if first else 0,
                fields={"encoding": _NAMES[code.encoding]},
                edits=(Edit(0, 0, ""),),  # the text stays, and is written as UTF-8
            )


class MergeConflict(SyntaxRule):
    """The marks that git leaves where it could not merge."""

    name = "merge-conflict"
    claims = ("listing.copied-text",)
    message = Text(
        en="git could not merge two versions of these lines and left its marks: keep one version, "
        "and delete the lines with <<<<<<<, ======= and >>>>>>>.",
        zh="git 无法自动合并这几行的两个版本，留下了冲突标记：保留其中一个版本，"
        "并删除 <<<<<<<、======= 和 >>>>>>> 这几行。",
    )
    valid = (
        "text = '''\n<<<<<<< HEAD\n'''\nprint(text\n",
        "print('=======')\nprint('>>>>>>>'\n",
    )
    invalid = (
        Bad("<<<<<<< HEAD  # finding\nlr = 0.01\n=======\nlr = 0.001\n>>>>>>> main\n"),
        Bad("x = 1\nif x:\n<<<<<<< HEAD  # finding\n    x = 2\n=======\n    x = 3\n>>>>>>> b\n"),
    )

    def check(self, code: Code) -> Iterator[SyntaxMatch]:
        """Yield the mark that begins each conflict."""
        marks = [n for n in code.code_lines if _CONFLICT.match(code.lines[n - 1])]
        starts = [n for n in marks if code.lines[n - 1].startswith("<")]
        if starts and len(marks) > len(starts):
            yield from (SyntaxMatch(offset=code.starts[n - 1]) for n in starts)


RULES = (NotAScript, NotUtf8, MergeConflict)
