"""Paths: backslashes, spaces at the ends, absolute parts (P6)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import libcst as cst

from reference.checker.data.paths import path_texts
from reference.checker.finding import Text
from reference.checker.rule import Bad, Match, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reference.checker import edits
    from reference.checker.script import Script

ESCAPES = re.compile(r"\\(.)", re.DOTALL)
CHANGED = frozenset("abfnrtv01234567x")  # after a backslash they are one other character
DRIVE = re.compile(r"[A-Za-z]:\\")
NAMED = re.compile(r"(path|dir|folder|root)\d?$", re.IGNORECASE)
LOOKS_LIKE_PATH = re.compile(r"[\w.{}-]+(\\[\w.{} -]+)+")


def _written(node: cst.SimpleString | cst.FormattedString) -> str:
    """Return the text as it is written between the quotes, with {} for each field."""
    if isinstance(node, cst.SimpleString):
        return node.raw_value
    return "".join(p.value if isinstance(p, cst.FormattedStringText) else "{}" for p in node.parts)


def _escapes(script: Script) -> Iterator[tuple[cst.SimpleString | cst.FormattedString, str]]:
    """Yield the paths with single backslashes before letters, and these letters."""
    used = set(path_texts(script))
    strings: list[cst.SimpleString | cst.FormattedString] = [*script.nodes(cst.SimpleString)]
    for node in [*strings, *script.nodes(cst.FormattedString)]:
        written, prefix = _written(node), node.prefix.lower()
        if "\\" not in written or "r" in prefix or "b" in prefix:
            continue
        is_path = node in used or DRIVE.match(written) or _is_named_path(script, node, written)
        if is_path and not isinstance(script.parent(node), cst.Expr):
            letters = "".join(c for c in ESCAPES.findall(written) if c.isalnum() or c in "._-")
            if letters:
                yield node, letters


def _is_named_path(
    script: Script, node: cst.SimpleString | cst.FormattedString, written: str
) -> bool:
    """Return whether a text looks like a path and goes to a variable that is named as one."""
    parent = script.parent(node)
    name: cst.BaseExpression | None = None
    if isinstance(parent, cst.Assign):
        name = parent.targets[0].target
    elif isinstance(parent, cst.Arg):
        name = parent.keyword
    named = isinstance(name, cst.Name) and NAMED.search(name.value) is not None
    return named and LOOKS_LIKE_PATH.fullmatch(written) is not None


def _raw(node: cst.SimpleString | cst.FormattedString) -> edits.Fix:
    """Return the fix: `r` before the quotes, if nothing in the text needs an escape."""
    written, plain = _written(node), isinstance(node, cst.SimpleString)
    harmless = (c.isalnum() or (c == "{" and not plain) for c in ESCAPES.findall(written))
    if written.endswith("\\") or not all(harmless):
        return {}
    if isinstance(node, cst.SimpleString):
        return {node: node.with_changes(value=f"r{node.value}")}
    return {node: node.with_changes(start=f"r{node.start}")}


class PathEscapeChanges(Rule):
    r"""A Windows path in which `\t` or `\n` is one character: "dataset\train"."""

    name = "path-escape-changes"
    claims = ("dataset.path-escape",)
    severity = "error"
    message = Text(
        en="In a string {escapes} is one character, such as a tab or a line feed, and no longer a "
        "backslash and a letter: there is no such path. Put r before the string, or write /.",
        zh="在字符串里 {escapes} 会变成一个字符（例如制表符或换行），不再是反斜杠加字母，"
        "这样的路径不存在。请在字符串前面加 r，或者用 / 代替。",
    )
    write = 'img_path = "dataset/train/ants/0013035.jpg"'
    valid = (
        r"""
        import os
        from PIL import Image

        os.listdir(r"dataset\train\ants")
        os.listdir("dataset\\train")
        Image.open("D:/new/img.jpg")
        print("a\tb\n", "done\n")
        path = "first line\nsecond line\n"
        open("notes.txt").write("first\nsecond")
        """,
    )
    invalid = (
        Bad(
            r"""
            import os
            from PIL import Image

            root_dir = "dataset\train"  # finding
            os.listdir(os.path.join(root_dir, "ants"))
            img_path = "D:\new\img.jpg"  # finding
            test = MyData(root_dir="data\test")  # finding
            Image.open(f"data\bees\{name}")  # finding
            """,
            fixed=r"""
            import os
            from PIL import Image

            root_dir = r"dataset\train"
            os.listdir(os.path.join(root_dir, "ants"))
            img_path = r"D:\new\img.jpg"
            test = MyData(root_dir=r"data\test")
            Image.open(rf"data\bees\{name}")
            """,
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the paths in which a backslash and a letter are another character."""
        for node, letters in _escapes(script):
            if changed := [c for c in letters if c in CHANGED]:
                escapes = ", ".join(dict.fromkeys(f"\\{c}" for c in changed))
                yield Match(node=node, fields={"escapes": escapes}, fix=_raw(node))


class PathInvalidEscape(Rule):
    r"""A Windows path with `\m` or another sequence that is no escape."""

    name = "path-invalid-escape"
    claims = ("dataset.path-escape",)
    severity = "warning"
    message = Text(
        en="{escapes} is no escape sequence of Python, which warns about it since 3.12 "
        "(SyntaxWarning) and keeps the backslash for now: put r before the string, or write /.",
        zh="{escapes} 不是 Python 的转义序列：从 3.12 起会给出 SyntaxWarning，目前反斜杠仍然保留。"
        "请在字符串前面加 r，或者用 / 代替。",
    )
    write = 'img_path = r"D:\\images\\dog.png"'
    valid = (
        r"""
        img_path = r"D:\images\img.png"
        folder = "D:/mnist"
        print("D:\\mnist")
        """,
    )
    invalid = (
        Bad(
            r"""
            img_path = "D:\images\dog.png"  # finding
            """,
            fixed=r"""
            img_path = r"D:\images\dog.png"
            """,
        ),
        Bad(
            r"""
            from PIL import Image

            img = Image.open("data\\images\dog.png")  # finding
            """
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the paths with a backslash before a letter that is no escape."""
        for node, letters in _escapes(script):
            if not CHANGED & set(letters):
                escapes = ", ".join(dict.fromkeys(f"\\{c}" for c in letters))
                yield Match(node=node, fields={"escapes": escapes}, fix=_raw(node))


RULES = (PathEscapeChanges, PathInvalidEscape)
