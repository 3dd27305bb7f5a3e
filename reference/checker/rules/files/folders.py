"""Folders: what lists their files, and how the one above is written (P4, P14)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import libcst as cst

from reference.checker.data.paths import path_texts, texts
from reference.checker.finding import Text
from reference.checker.rule import Bad, Match, Rule
from reference.checker.tree import argument

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reference.checker.script import Script

_MAKES_PATH = ("os.path.join", "os.getcwd", "os.path.abspath", "os.path.dirname", "pathlib.Path")
_NAMED = re.compile(r"(path|dir|folder|root)\d?$", re.IGNORECASE)
_SEPARATOR = re.compile(r"[\\/]")
# A part of a path that consists of three full stops or more, or of what an input method types.
_DOTS = re.compile(r"(?:^|[\\/])(\.{3,}|…+|。+)(?=[\\/]|$)")


class DirOfPath(Rule):
    """`dir("dataset/train")`, which lists no files."""

    name = "dir-of-path"
    claims = ("builtin.dir-files",)
    severity = "warning"
    message = Text(
        en="dir() lists the attributes and methods of an object, here of a path, and no files. "
        "os.listdir() lists what is in a folder.",
        zh="dir() 列出的是对象（这里是路径本身）的属性和方法，不是文件。"
        "要列出文件夹里的内容，用 os.listdir()。",
    )
    valid = (
        """
        import os
        import torch

        print(dir(torch.cuda), dir(), dir("text"), dir(str))
        print(os.listdir("dataset/train"))
        root_dir = torch
        dir(root_dir)
        """,
    )
    invalid = (
        Bad(
            """
            import os

            root_dir = "dataset"
            for name in dir("dataset/train"):  # finding
                print(name)
            print(dir(root_dir))  # finding
            print(len(dir(os.path.join(root_dir, "train"))))  # finding
            """
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the calls of dir with a path."""
        for call in script.calls("builtins.dir"):
            of = argument(call, 0, "object")
            if of is not None and _is_path(script, of):
                yield Match(node=call)


def _is_path(script: Script, node: cst.BaseExpression) -> bool:
    value = script.value(node)
    if isinstance(value, cst.Call):
        return script.name(value.func) in _MAKES_PATH
    parts = [script.code(text) for text in texts(script, node)]
    named = isinstance(node, cst.Name) and _NAMED.search(node.value) is not None
    return bool(parts) and (named or any(_SEPARATOR.search(part) for part in parts))


class FolderOfDots(Rule):
    """A path that begins with `…/` or `.../` for the folder above."""

    name = "folder-of-dots"
    claims = ("env.parent-folder",)
    severity = "warning"  # a script may create a folder with this name
    message = Text(
        en="{dots} is an ordinary name, and there is no such folder: the folder above is .., two "
        "full stops. In an example, {dots} means that your own folders belong there.",
        zh="{dots} 只是一个普通的名字，没有这样的文件夹：上一级目录是 ..，两个半角句点。"
        "示例里的 {dots} 表示这里要写自己的文件夹。",
    )
    write = ""
    valid = (
        """
        import os
        from PIL import Image

        Image.open("../dataset/dog.png")
        os.listdir("./dataset")
        os.listdir("...dataset")
        print("…/dataset", "Loading.../")
        open("wait....txt")
        """,
    )
    invalid = (
        Bad(
            """
            import os
            import torchvision
            from PIL import Image

            data = torchvision.datasets.CIFAR10("…/dataset", train=False)  # finding
            img_path = ".../dataset/dog.png"  # finding
            Image.open(img_path)
            os.listdir("。。/dataset")  # finding
            os.listdir(os.path.join("…", "dataset"))  # finding
            """
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the paths with a part of dots that is neither `.` nor `..`."""
        for node in path_texts(script):
            if isinstance(node, cst.SimpleString) and (found := _DOTS.search(node.raw_value)):
                yield Match(node=node, fields={"dots": found[1]})


RULES = (DirOfPath, FolderOfDots)
