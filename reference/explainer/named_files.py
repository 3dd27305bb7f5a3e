"""What is wrong with the files that an exception, or the line where it arose, names."""

from __future__ import annotations

import ast
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from reference.files import check_regular

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reference.claims import Language
    from reference.explainer.outcome import Raised
    from reference.explainer.own_code import Line

TEXTS: dict[Language, dict[str, str]] = {
    "en": {
        "missing": "Python looked for {path}, which does not exist.",
        "space": "The name in the code ends with a space: without it, the file exists.",
        "beside": "{path} exists: run the script in its own folder, or correct the path.",
        "pointer": "{path} is not the file itself but a pointer of Git LFS, a few lines of text: "
        "install Git LFS and run git lfs pull in the repository, or download the file.",
        "page": "{path} is a web page: download the file itself, not the page that shows it.",
        "empty": "{path} is empty: saving or downloading it was interrupted.",
    },
    "zh": {
        "missing": "Python 找的是 {path}，这个路径不存在。",
        "space": "代码里的文件名末尾多了一个空格：去掉空格，文件是存在的。",
        "beside": "{path} 是存在的：请在脚本自己的文件夹里运行脚本，或者改正路径。",
        "pointer": "{path} 不是文件本身，而是 Git LFS 的指针，里面只有几行文字："
        "请安装 Git LFS，在仓库里运行 git lfs pull，或者单独下载这个文件。",
        "page": "{path} 是一个网页：请下载文件本身，而不是展示它的页面。",
        "empty": "{path} 是空文件：保存或下载时中断了。",
    },
}
UNREADABLE = re.compile(r"PytorchStreamReader failed|cannot identify image file")
UNREADABLE_TYPES = {"EOFError", "UnpicklingError"}
QUOTED = re.compile(r"cannot identify image file ('.*'|\".*\")")


def facts(raised: Raised, line: Line | None, language: Language) -> list[str]:
    """Return sentences about the files, each of which is certain; mostly there are none.

    Args:
        raised: an exception.
        line: the learner's line at which it arose.
        language: of the sentences.
    """
    texts = TEXTS[language]
    return [texts[name].format(path=path) for name, path in _facts(raised, line)]


def _facts(raised: Raised, line: Line | None) -> Iterator[tuple[str, str]]:
    if raised.file and "FileNotFoundError" in raised.types:
        yield from _missing(raised.file, line)
    elif UNREADABLE.search(raised.message) or not UNREADABLE_TYPES.isdisjoint(raised.types):
        quoted = QUOTED.search(raised.message)
        names = [ast.literal_eval(quoted[1])] if quoted else line.texts if line else []
        yield from filter(None, map(_unreadable, names))


def _missing(name: str, line: Line | None) -> Iterator[tuple[str, str]]:
    """Yield where a missing file was looked for, and where it is instead."""
    if os.path.lexists(name):
        return  # it exists by now, or is a link to nothing
    yield "missing", os.path.abspath(name)  # noqa: PTH100 - Path.resolve() follows links
    beside = Path(line.path).parent / name if line else Path()
    if Path(name.rstrip()).is_file():
        yield "space", name
    elif line and beside.exists():
        yield "beside", os.path.normpath(beside)


def _unreadable(name: str) -> tuple[str, str] | None:
    """Return what a file is instead of an image or a checkpoint, if that is certain."""
    try:
        check_regular(Path(name))
        with Path(name).open("rb") as file:
            start = file.read(100)
    except (OSError, ValueError):
        return None
    if start.startswith(b"version https://git-lfs"):
        return "pointer", name
    if start.lstrip().lower().startswith((b"<!doctype html", b"<html")):
        return "page", name
    return ("empty", name) if not start else None
