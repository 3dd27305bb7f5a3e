"""`course check`: find the course's mistakes in a learner's scripts, and correct some."""

from __future__ import annotations

import difflib
import importlib.metadata
import io
from dataclasses import asdict
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from packaging.version import Version

from reference.app import findings_text
from reference.app.messages import language
from reference.checker import sources
from reference.checker.engine import Checker
from reference.checker.project import Project
from reference.checker.rules import RULES
from reference.errors import InputError, shown
from reference.files import atomic_write

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from reference.app.commands import Answer
    from reference.checker.finding import Finding
    from reference.checker.rule import Rule
    from reference.checker.sources import Source

NEWEST = Version("999")  # without torch, what its newest version refuses is an error
NO_NEWLINE = "\n\\ No newline at end of file\n"  # as `diff` and `patch` have it


def check(args: argparse.Namespace) -> Answer:
    """Check scripts, folders and notebooks; with --fix, correct them; with --diff, show how."""
    lang = args.lang or language()
    rules = tuple(_selected(args.select, args.ignore))
    checker = Checker(rules=rules, torch=_torch_version(args.torch), lang=lang)
    paths = sources.find(args.paths)
    if args.diff:
        diff = "".join(_diff(source, content) for source, content in _fixed(checker, paths))
        return (1 if diff else 0), {"files": len(paths), "diff": diff}, diff.removesuffix("\n")
    fixed = list(_fixed(checker, paths)) if args.fix else []  # all, before the first is written
    diff = "".join(_write(source, content) for source, content in fixed)
    findings = checker.check(paths)
    result = {"files": len(paths), "findings": [_json(finding) for finding in findings]}
    return (1 if findings else 0), result, diff + findings_text.text(findings, len(paths), lang)


def _json(finding: Finding) -> dict[str, Any]:
    fields = asdict(finding)
    cell = fields.pop("cell")
    return fields | ({"cell": dict(zip(("number", "line"), cell, strict=True))} if cell else {})


def _fixed(checker: Checker, paths: Iterable[Path]) -> Iterator[tuple[Source, bytes]]:
    """Yield the files, as they were read, that can be corrected, with their new content."""
    project = Project(checker.torch)
    for path in paths:
        source = sources.read(path)
        fixed = checker.fix(source, project)
        if fixed.code != source.code:
            yield source, fixed.with_code(fixed.code)


def _write(source: Source, content: bytes) -> str:
    """Write a file's new content and return the changes.

    Raises:
        InputError: the file is read-only, or was changed since it was read.
    """
    path = source.path
    mode = path.stat().st_mode
    if not mode & 0o222:
        raise InputError(f"{shown(path)} is read-only: allow writing, or correct a copy")
    if path.read_bytes() != source.content:
        raise InputError(f"{shown(path)} changed while it was corrected: run the command again")
    with atomic_write(path.resolve()) as part:  # a link stays a link
        part.write_bytes(content)
        part.chmod(mode)
    return _diff(source, content)


def _diff(source: Source, content: bytes) -> str:
    """Return the changes as a patch, whose lines end only at a line feed."""
    old, new = (
        list(io.StringIO(text.decode(errors="replace"), newline="\n"))
        for text in (source.content, content)
    )
    name = shown(source.path)
    lines = difflib.unified_diff(old, new, name, name)
    return "".join(line if line.endswith("\n") else f"{line}{NO_NEWLINE}" for line in lines)


def _selected(select: list[str], ignore: list[str]) -> Iterator[type[Rule]]:
    """Yield the rules that --select and --ignore leave.

    Raises:
        InputError: a name is not that of a rule.
    """
    names = [rule.name for rule in RULES]
    selected, ignored = (
        {name for text in texts for name in text.split(",")} for texts in (select, ignore)
    )
    for name in sorted(selected | ignored):
        if name not in names:
            near = get_close_matches(name, names, n=1)
            hint = f"did you mean {near[0]}?" if near else "use a name that a finding shows"
            raise InputError(f"{shown(name)!r} is not a rule: {hint}")
    for rule in RULES:
        if rule.name not in ignored and (not selected or rule.name in selected):
            yield rule


def _torch_version(text: str | None) -> Version:
    """Return the version of torch that is given, or else the installed one."""
    try:
        return Version(text or importlib.metadata.version("torch"))
    except ValueError as error:  # InvalidVersion, or a number with thousands of digits
        raise InputError(f"--torch {shown(text)}: give a version such as 2.6") from error
    except importlib.metadata.PackageNotFoundError:
        return NEWEST
