"""The line of the learner's own code at which an exception or a warning arose."""

from __future__ import annotations

import ast
import linecache
import os
import re
import sysconfig
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reference.checker.finding import Finding
    from reference.explainer.outcome import Raised

FRAME = re.compile(r'^ +File "(.+)", line ([0-9]+)', re.MULTILINE)
INSTALLED = {"site-packages", "dist-packages"}  # names of folders, in any environment


@dataclass(frozen=True)
class Line:
    """A line of code.

    Attributes:
        path: the file, as Python names it: a path, or the name of a notebook's cell.
        number: the line, from 1.
    """

    path: str
    number: int

    @property
    def code(self) -> str:
        """Return its text, without indentation; empty if there is no such line."""
        return linecache.getline(self.path, self.number).strip()

    @cached_property
    def _tree(self) -> ast.Module:
        """The file's syntax tree; without statements if it does not parse."""
        try:
            return ast.parse("".join(linecache.getlines(self.path)))
        except (SyntaxError, ValueError):
            return ast.Module([], [])

    @property
    def statement(self) -> range:
        """Return the lines of the innermost statement around it, of a block its first lines."""
        around = [_lines(node) for node in ast.walk(self._tree) if isinstance(node, ast.stmt)]
        here = range(self.number, self.number + 1)
        return min((lines for lines in around if self.number in lines), key=len, default=here)

    @property
    def texts(self) -> list[str]:
        """Return the string constants in its statement, or if there are none, in the file."""
        nodes = [node for node in ast.walk(self._tree) if isinstance(node, ast.Constant)]
        texts = {node.value: node.lineno for node in nodes if isinstance(node.value, str)}
        statement = self.statement
        return [text for text, number in texts.items() if number in statement] or list(texts)

    def distance(self, finding: Finding) -> int:
        """Return how many lines a finding in the same file is away; 0 in the same statement."""
        return 0 if finding.line in self.statement else abs(finding.line - self.number)


def _lines(statement: ast.stmt) -> range:
    """Return the lines of a statement, without those of the statements in it."""
    body = getattr(statement, "body", None)
    end = body[0].lineno - 1 if body else statement.end_lineno or statement.lineno
    return range(statement.lineno, max(end, statement.lineno) + 1)


def own_line(raised: Raised) -> Line | None:
    """Return the innermost line that is not Python's or an installed package's, or None.

    A message may contain the traceback of the process in which the exception arose, such as a
    worker of a DataLoader.
    """
    inner = [(path, int(number)) for path, number in FRAME.findall(raised.message)]
    lines = (Line(path, number) for path, number in reversed((*raised.frames, *inner)))
    return next((line for line in lines if line.code and not is_installed(line.path)), None)


def is_installed(path: str) -> bool:
    """Return whether a file belongs to Python or to an installed package."""
    absolute = os.path.abspath(path)  # noqa: PTH100 - Path.resolve() follows the links of venvs
    return not INSTALLED.isdisjoint(PurePath(absolute).parts) or absolute.startswith(_libraries())


@cache
def _libraries() -> tuple[str, ...]:
    names = ("stdlib", "platstdlib", "purelib", "platlib")
    return tuple({str(Path(sysconfig.get_path(name))) + os.sep for name in names})
