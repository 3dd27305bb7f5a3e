"""The files to check: finding them, and reading scripts and notebooks."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from reference.checker import notebooks
from reference.errors import InputError, shown
from reference.files import read_regular

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MAX_CODE = 200_000  # bytes; learners' scripts are below 20 kB, and larger ones take minutes
MAX_FILE = 50_000_000  # bytes; a notebook contains its pictures
SUFFIXES = (".py", ".ipynb")
# What a project contains that the learner has not written.
SKIPPED = {"__pycache__", "site-packages", "node_modules", "build", "dist"}


@dataclass(frozen=True, kw_only=True)
class Source:
    """The code of a file.

    Attributes:
        path: the file.
        content: the content of the file.
        code: the content of a script; the cells of a notebook, joined by `notebooks.parse`.
        notebook: the notebook, if it is one.
    """

    path: Path
    content: bytes
    code: bytes
    notebook: notebooks.Notebook | None = field(default=None)

    def with_code(self, code: bytes) -> bytes:
        """Return the content of the file with other code."""
        return self.notebook.with_code(code.decode()) if self.notebook else code


def find(paths: Iterable[Path]) -> list[Path]:
    """Return the scripts and notebooks among files and folders, without duplicates.

    A file that is given is checked whatever its name; of a folder, `*.py` and `*.ipynb`, without
    hidden folders, virtual environments and installed packages.

    Raises:
        InputError: a path does not exist, or a folder contains neither scripts nor notebooks.
    """
    found: dict[Path, None] = {}
    for path in paths:
        if path.is_dir():
            inside = sorted(_walk(path))
            if not inside:
                raise InputError(f"{shown(path)} contains no .py and no .ipynb files: give others")
            found |= dict.fromkeys(inside)
        elif path.exists():
            found[path] = None
        else:
            raise InputError(f"{shown(path)} does not exist: give a script, a notebook or a folder")
    return list(found)


def _walk(folder: Path) -> Iterator[Path]:
    for root, folders, files in os.walk(folder):
        folders[:] = [
            name
            for name in folders
            if name not in SKIPPED
            and not name.startswith(".")
            and not Path(root, name, "pyvenv.cfg").exists()
        ]
        paths = (Path(root, name) for name in files if name.endswith(SUFFIXES))
        yield from filter(Path.is_file, paths)  # not a link to nothing, nor a pipe


def read(path: Path) -> Source:
    """Read a script or a notebook.

    Raises:
        InputError: it is not a regular file, too large, or not a notebook although its name says
            so.
        OSError: it cannot be read.
    """
    content = read_regular(path, MAX_FILE)
    notebook = notebooks.parse(content, str(path)) if path.suffix == ".ipynb" else None
    code = notebook.code.encode() if notebook else content
    if len(code) > MAX_CODE:
        raise InputError(
            f"{shown(path)} has {len(code)} bytes of code, more than {MAX_CODE}: check a part of it"
        )
    return Source(path=path, content=content, code=code, notebook=notebook)
