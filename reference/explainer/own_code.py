"""The line of the learner's own code at which an exception or a warning arose."""

from __future__ import annotations

import linecache
import os
import sysconfig
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reference.explainer.outcome import Raised

INSTALLED = {"site-packages", "dist-packages"}  # names of folders, in any environment


@dataclass(frozen=True)
class Line:
    """A line of code.

    Attributes:
        path: the file, as Python names it: a path, or the name of a notebook's cell.
        number: the line, from 1.
        code: its text, without indentation.
    """

    path: str
    number: int
    code: str


def own_line(raised: Raised) -> Line | None:
    """Return the innermost line that is not Python's or an installed package's, or None."""
    for path, number in reversed(raised.frames):
        if not is_installed(path) and (code := linecache.getline(path, number).strip()):
            return Line(path, number, code)
    return None


def is_innermost(raised: Raised, line: Line) -> bool:
    """Return whether nothing was called in the line: Python's traceback ends there."""
    return raised.frames[-1:] == ((line.path, line.number),)


def is_installed(path: str) -> bool:
    """Return whether a file belongs to Python or to an installed package."""
    absolute = os.path.abspath(path)  # noqa: PTH100 - Path.resolve() follows the links of venvs
    return not INSTALLED.isdisjoint(PurePath(absolute).parts) or absolute.startswith(_libraries())


@cache
def _libraries() -> tuple[str, ...]:
    names = ("stdlib", "platstdlib", "purelib", "platlib")
    return tuple({str(Path(sysconfig.get_path(name))) + os.sep for name in names})
