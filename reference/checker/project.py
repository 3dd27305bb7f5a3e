"""The scripts of a folder: what one imports from another, and who saved the file that one loads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst
from libcst.helpers import get_full_name_for_node

from reference.checker.parsing import check_syntax
from reference.checker.python.libraries import names_of
from reference.checker.script import Script

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from packaging.version import Version

MAX_BESIDE = 60  # scripts of a folder that are read to understand another one
MAX_BYTES = 200_000


class Project:
    """The scripts around those that are checked, parsed when a rule first asks for them.

    Args:
        torch: the version of torch that the scripts will run on.
    """

    def __init__(self, torch: Version) -> None:
        self.torch = torch
        self._scripts: dict[Path, Script | None] = {}
        self._modules: dict[tuple[Path, str], Path | None] = {}  # by folder and name

    def script(self, path: Path) -> Script | None:
        """Return a script; None if it cannot be read or parsed."""
        if path not in self._scripts:
            self._scripts[path] = None  # also while it is being parsed: imports may be circular
            try:
                if path.stat().st_size <= MAX_BYTES:
                    code = path.read_bytes()
                    check_syntax(code, path.name)
                    self._scripts[path] = Script(code, path, self, self.torch)
            except (OSError, SyntaxError, ValueError, RecursionError, cst.ParserSyntaxError):
                pass
        return self._scripts[path]

    def add(self, script: Script) -> None:
        """Add a script that was parsed elsewhere."""
        self._scripts[script.path] = script

    def beside(self, script: Script, *words: bytes) -> list[Script]:
        """Return the other scripts in a script's folder; of those not yet parsed, with words."""
        paths = sorted(script.path.parent.glob("*.py"))[:MAX_BESIDE]
        found = (
            self.script(path)
            for path in paths
            if path != script.path and (path in self._scripts or _contains(path, words))
        )
        return [other for other in found if other]

    def module(self, script: Script, name: str) -> Script | None:
        """Return the script that `import name` reads, from the script's folder or one above it."""
        folder = script.path.parent
        if (folder, name) not in self._modules:
            self._modules[folder, name] = _find(folder, name)
        path = self._modules[folder, name]
        return self.script(path) if path and path != script.path else None

    def star_names(self, script: Script, statement: cst.ImportFrom) -> dict[str, str]:
        """Return what `from module import *` defines: full names by the names it defines."""
        name = get_full_name_for_node(statement.module) if statement.module else None
        other = self.module(script, name) if name else None
        if other is None:
            return {n: f"{name}.{n}" for n in names_of(name or "") if not n.startswith("_")}
        scope = other.scope(other.module)
        names = {a.name for a in scope.assignments} if scope else set()
        return {n: q for n in names if not n.startswith("_") and (q := other.global_name(n))}

    def class_def(self, script: Script, name: str) -> tuple[Script, cst.ClassDef] | None:
        """Return the class with a full name, of this script or of one that it imports."""
        for node in script.nodes(cst.ClassDef):
            if node.name.value == name.rpartition(".")[2] and script.name(node.name) in ("", name):
                return script, node
        module, _, short = name.rpartition(".")
        other = self.module(script, module) if module else None
        if other is not None:
            return self.class_def(other, short)
        return None


def _find(folder: Path, name: str) -> Path | None:
    """Return the file of a module in a folder or in one above it."""
    parts = name.split(".")
    for base in (folder, *folder.parents[:3]):
        for path in (
            base.joinpath(*parts).with_suffix(".py"),
            base.joinpath(*parts, "__init__.py"),
        ):
            if path.is_file():
                return path
    return None


def _contains(path: Path, words: Iterable[bytes]) -> bool:
    """Return whether a file contains some words, which is much faster than to parse it."""
    try:
        code = path.read_bytes() if path.stat().st_size <= MAX_BYTES else b""
    except OSError:
        return False
    return all(word in code for word in words)
