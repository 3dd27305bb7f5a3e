"""Parts of paths: absolute ones, spaces at the ends, backslashes (P6)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import libcst as cst

from reference.checker.data.paths import joins, path_texts, texts
from reference.checker.finding import Text
from reference.checker.kinds import WRITERS
from reference.checker.rule import Bad, Match, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reference.checker import edits
    from reference.checker.script import Script

ABSOLUTE = re.compile(r"[/\\]|[A-Za-z]:[/\\]")
RELATIVE_BACKSLASH = re.compile(r"(?![A-Za-z]:|\\\\)[\w.\- ]+(\\+[\w.\- ]+)+$")


class JoinAbsolute(Rule):
    """A later part of `os.path.join` that begins with a separator."""

    name = "join-absolute"
    claims = ("dataset.join-absolute",)
    severity = "error"
    message = Text(
        en="os.path.join drops everything before a part that begins with a separator, so the path "
        "is only {part}: write it without the separator.",
        zh="os.path.join 遇到以分隔符开头的部分，会丢掉它前面的一切，路径只剩 {part}："
        "请去掉开头的分隔符。",
    )
    valid = (
        """
        import os

        os.path.join("/data", "train", "ants")
        os.path.join(root, "")
        os.path.join(root, name)
        """,
    )
    invalid = (
        Bad(
            """
            import os

            path = os.path.join("dataset/train", "/ants")  # finding
            """,
            fixed="""
            import os

            path = os.path.join("dataset/train", "ants")
            """,
        ),
        Bad(
            """
            import os
            from torch.utils.data import Dataset


            class MyData(Dataset):
                def __init__(self, root_dir, label_dir):
                    self.root_dir = root_dir
                    self.label_dir = label_dir
                    self.path = os.path.join(self.root_dir, self.label_dir)


            ants_label_dir = "/ants"  # finding
            ants = MyData("dataset/train", ants_label_dir)
            """
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the parts of joined paths, but the first, that are absolute."""
        found: dict[cst.SimpleString, bool] = {}
        for call in joins(script):
            for arg in call.args[1:]:
                first = next(texts(script, arg.value), None) if not arg.star else None
                if isinstance(first, cst.SimpleString) and ABSOLUTE.match(_value(first)):
                    found[first] = found.get(first, False) or first is arg.value
        for part, here in found.items():
            yield Match(
                node=part, fields={"part": _value(part)}, fix=_relative(part) if here else {}
            )


def _value(node: cst.SimpleString) -> str:
    value = node.evaluated_value
    return value if isinstance(value, str) else ""


def _relative(part: cst.SimpleString) -> edits.Fix:
    """Return the fix: the part without the separator."""
    inner = part.raw_value.lstrip("/")
    if inner == part.raw_value or not inner:
        return {}
    return {part: part.with_changes(value=f"{part.prefix}{part.quote}{inner}{part.quote}")}


class PathWithSpace(Rule):
    """A path that begins or ends with a space."""

    name = "path-with-space"
    claims = ("dataset.path-space",)
    severity = "error"
    message = Text(
        en="This path begins or ends with a space, which is part of the name (only Windows drops "
        "one at the end): the file is not found.",
        zh="这个路径的开头或末尾多了一个空格，空格也是文件名的一部分（只有 Windows 会忽略末尾的），"
        "会找不到文件。",
    )
    write = 'img_path = "dataset/train/ants/0013035.jpg"'
    valid = (
        """
        import torch

        torch.load("my models/tudui.pth")
        print("tudui.pth ")
        open("notes.txt").write(" ")
        """,
    )
    invalid = (
        Bad(
            """
            import torch
            from PIL import Image

            torch.load("tudui.pth ")  # finding
            img_path = " imgs/dog.png"  # finding
            img = Image.open(img_path)
            torch.save(net.state_dict(), "tudui_{}.pth ".format(9))  # finding
            """,
            fixed="""
            import torch
            from PIL import Image

            torch.load("tudui.pth")
            img_path = "imgs/dog.png"
            img = Image.open(img_path)
            torch.save(net.state_dict(), "tudui_{}.pth".format(9))
            """,
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the paths with a space at an end."""
        for node in path_texts(script):
            if not isinstance(node, cst.SimpleString) or not node.raw_value.strip():
                continue
            if isinstance(script.parent(node), cst.BinaryOperation | cst.ConcatenatedString):
                continue  # a space in the middle of the whole path
            call = script.enclosing(node, cst.Call)
            if call is not None and script.name(call.func) in WRITERS:
                continue  # the folder is created with that name
            inner = node.raw_value.strip(" ")
            if inner != node.raw_value:
                new = node.with_changes(value=f"{node.prefix}{node.quote}{inner}{node.quote}")
                yield Match(node=node, fix={node: new})


class BackslashPath(Rule):
    r"""A relative path with backslashes, which only Windows understands."""

    name = "backslash-path"
    claims = ("dataset.backslash",)
    severity = "advice"
    message = Text(
        en="Only Windows separates folders by a backslash: elsewhere it is an ordinary character "
        "and the path is not found. / works everywhere.",
        zh="只有 Windows 用反斜杠分隔目录：在其他系统上它是普通字符，会找不到路径。"
        "/ 在哪里都能用。",
    )
    valid = (
        r"""
        from PIL import Image

        Image.open("images/dog.png")
        Image.open(r"D:\images\dog.png")
        print("a\\b")
        """,
    )
    invalid = (
        Bad(
            r"""
            from PIL import Image

            Image.open("images\\dog.png")  # finding
            path = r"dataset\train"  # finding
            print(open(path))
            """
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the relative paths with backslashes that are written correctly."""
        for node in path_texts(script):
            if isinstance(node, cst.SimpleString):
                raw = "r" in node.prefix.lower()
                correct = raw or "\\" not in node.raw_value.replace("\\\\", "")
                if correct and RELATIVE_BACKSLASH.match(_value(node)):
                    yield Match(node=node)


RULES = (JoinAbsolute, PathWithSpace, BackslashPath)
