"""The script as a file: its name, its first line, its main guard (P1, P6)."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

import libcst as cst
from libcst.helpers import get_full_name_for_node

from reference.checker.finding import Text
from reference.checker.rule import Bad, Match, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reference.checker import edits
    from reference.checker.script import Script

# Which imports load a module, so that a file of its name breaks them.
LOADED_BY = {
    "torch": ("torch", "torchvision"),
    "torchvision": ("torchvision",),
    "tensorboard": ("tensorboard", "torch.utils.tensorboard"),
    "tensorboardX": ("tensorboardX",),
    "numpy": ("numpy", "torch", "torchvision", "cv2", "matplotlib"),
    "PIL": ("PIL", "torchvision"),
    "cv2": ("cv2",),
    "matplotlib": ("matplotlib",),
    "tqdm": ("tqdm",),
}
# Modules of Python that `import torch` loads.
STANDARD = frozenset(
    [
        "argparse", "ast", "base64", "bisect", "calendar", "collections", "colorsys",
        "concurrent", "contextlib", "copy", "csv", "ctypes", "dataclasses", "datetime", "decimal",
        "difflib", "dis", "email", "enum", "fractions", "functools", "getpass", "glob", "gzip",
        "hashlib", "html", "http", "inspect", "json", "keyword", "locale", "logging",
        "multiprocessing", "numbers", "operator", "pathlib", "pickle", "platform", "pprint",
        "profile", "queue", "random", "re", "secrets", "selectors", "shutil", "signal", "socket",
        "ssl", "statistics", "string", "struct", "subprocess", "tempfile", "textwrap", "threading",
        "timeit", "token", "tokenize", "traceback", "types", "typing", "unittest", "urllib",
        "uuid", "warnings", "weakref", "xml", "zipfile",
    ]
)  # fmt: skip


class FileShadowsModule(Rule):
    """A file in the script's folder with the name of a module, such as `torch.py`."""

    name = "file-shadows-module"
    claims = ("env.shadowed-module", "env.tensorboard-shadowed")
    severity = "error"
    message = Text(
        en="The file {file} has the name of a module and is imported instead of it, by this "
        "folder's scripts and by PyTorch itself: rename the file.",
        zh="文件 {file} 与模块同名：本文件夹里的脚本以及 PyTorch 自己，导入的都会是这个文件。"
        "请给它改名。",
    )
    write = ""
    files = {"tensorboard.py": "print(1)", "random.py": "print(2)", "model.py": "print(3)"}  # noqa: RUF012
    valid = (
        """
        import numpy
        import model
        """,
    )
    invalid = (
        Bad(
            """
            import numpy
            from torch.utils.tensorboard import SummaryWriter  # finding
            """
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the first import that a file of the folder breaks, and that file itself."""
        own = script.path.stem
        if _imports_of(script, own) or any(
            _imports_of(other, own) for other in _beside_importing(script, own)
        ):
            yield Match(node=script.module, fields={"file": script.path.name})
            return
        for name in sorted(_file_names(script) - {own}):
            for node in _imports_of(script, name):
                yield Match(node=node, fields={"file": f"{name}.py"})
                return


def _file_names(script: Script) -> set[str]:
    names = {path.stem for path in script.path.parent.glob("*.py")}
    return names & (STANDARD | LOADED_BY.keys())


def _beside_importing(script: Script, name: str) -> list[Script]:
    """Return the scripts beside a script that may load the module of a name."""
    if name in STANDARD:
        return script.project.beside(script, b"torch")
    return script.project.beside(script, b"import") if name in LOADED_BY else []


def _imports_of(script: Script, name: str) -> list[cst.CSTNode]:
    """Return the imports of a script that load the module of a name."""
    loaded_by = LOADED_BY.get(name, (name, "torch", "torchvision") if name in STANDARD else ())
    found: list[cst.CSTNode] = []
    if loaded_by:
        for node in script.nodes(cst.Import):
            names = [get_full_name_for_node(alias.name) or "" for alias in node.names]
            found += [node] if any(_is_in(name, loaded_by) for name in names) else []
        for statement in script.nodes(cst.ImportFrom):
            module = get_full_name_for_node(statement.module) if statement.module else ""
            if not statement.relative and _is_in(module or "", loaded_by):
                found.append(statement)
    return sorted(found, key=script.line)


def _is_in(module: str, roots: tuple[str, ...]) -> bool:
    return any(module == root or module.startswith(f"{root}.") for root in roots)


class MainGuardMisspelt(Rule):
    """`if __name__ == "main"`, which is never true."""

    name = "main-guard-misspelt"
    claims = ("dataset.main-guard",)
    severity = "warning"
    message = Text(
        en="This condition is never true, and the code below never runs: write if __name__ == "
        '"__main__", with two underscores on each side of both words.',
        zh='这个条件永远不成立，下面的代码不会运行：应写成 if __name__ == "__main__"，'
        "两个词的前后都各有两个下划线。",
    )
    valid = (
        """
        if __name__ == "__main__":
            print(1)
        if __name__ == "model":
            print(2)
        if name == "main":
            print(3)
        """,
    )
    invalid = (
        Bad(
            """
            if __name__ == "main":  # finding
                print(1)
            if __name__ == '__mian__':  # finding
                print(2)
            if "__name__" == "__main__":  # finding
                print(3)
            """,
            fixed="""
            if __name__ == "__main__":
                print(1)
            if __name__ == "__main__":
                print(2)
            if __name__ == "__main__":
                print(3)
            """,
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the conditions that are meant to be the main guard and are not."""
        for node in script.nodes(cst.If):
            test = node.test
            if not isinstance(test, cst.Comparison) or len(test.comparisons) != 1:
                continue
            left, right = test.left, test.comparisons[0].comparator
            text = script.literal(right)
            quoted = isinstance(left, cst.SimpleString) and left.evaluated_value == "__name__"
            named = isinstance(left, cst.Name) and left.value == "__name__"
            if not isinstance(text, str) or not isinstance(right, cst.SimpleString):
                continue
            if quoted or (named and text != "__main__" and _resembles_main(text)):
                fix: edits.Fix = {left: cst.Name("__name__"), right: cst.SimpleString('"__main__"')}
                yield Match(node=node, fix=fix)


def _resembles_main(text: str) -> bool:
    similar = SequenceMatcher(None, text.strip("_ ").lower(), "main").ratio()
    return similar >= 0.75  # noqa: PLR2004 - mian, maim, mains


class ShebangFullWidth(Rule):
    """A first line such as `# ！/usr/bin/env python3`, which is only a comment."""

    name = "shebang-is-comment"
    claims = ("dataset.shebang",)
    severity = "advice"
    message = Text(
        en="This line is an ordinary comment: to determine the interpreter it must begin with the "
        "two ASCII characters #! and a path, or can be left out.",
        zh="这一行只是普通注释：要指定解释器，必须以英文字符 #! 和路径开头；也可以删掉。",
    )
    valid = (
        """
        #! /usr/bin/env python3
        print(1)
        """,
        """
        # the first script
        print(1)
        """,
    )
    invalid = (
        Bad(
            """
            # ！usr/bin/env python3  # finding
            print(1)
            """
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield a first line that is meant to determine the interpreter and does not."""
        for line in script.module.header[:1]:
            comment = line.comment.value if line.comment else ""
            if re.match(r"#\s*[!！]\s*/?usr/bin/", comment) and not re.match(r"#!\s*/", comment):
                yield Match(node=script.module)


RULES = (FileShadowsModule, MainGuardMisspelt, ShebangFullWidth)
