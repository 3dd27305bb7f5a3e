"""Checking files: parse each, apply the rules, collect and fix what they find."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING

import libcst as cst
from packaging.version import Version

from reference import claims
from reference.checker import sources
from reference.checker.finding import Finding, Text
from reference.checker.fixes import fixed_code
from reference.checker.parsing import TooNestedError, check_syntax, lines_of
from reference.checker.project import Project
from reference.checker.rules import RULES
from reference.checker.script import Script
from reference.checker.silence import is_silenced
from reference.checker.syntax.check import problems
from reference.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from reference.checker.finding import Language
    from reference.checker.rule import Match, Rule
    from reference.checker.sources import Source
    from reference.checker.syntax.check import Problem

MIN_PARALLEL = 40  # files; for fewer, starting processes takes longer than it saves
NOT_CHECKED = Text(en="This file was not checked: {reason}.", zh="没有检查这个文件：{reason}。")
TOO_NESTED = Text(en="its code is nested too deeply", zh="代码嵌套得太深")
MAX_ROUNDS = 10  # of fixing: after a fix, another one may be possible


@dataclass(frozen=True, kw_only=True)
class Checker:
    """How to check.

    Attributes:
        rules: the rules to apply.
        torch: the version of torch that the code will run on.
        lang: the language of the findings.
    """

    rules: tuple[type[Rule], ...] = RULES
    torch: Version
    lang: Language

    def check(self, paths: Sequence[Path]) -> list[Finding]:
        """Return the findings in some files, ordered by file and line."""
        folders = [list(group) for _, group in groupby(paths, key=lambda path: path.parent)]
        if len(paths) < MIN_PARALLEL or (os.cpu_count() or 1) == 1:
            found = [self._check_folder(folder) for folder in folders]
        else:
            from concurrent.futures import ProcessPoolExecutor  # 30 ms, which few files do not need

            with ProcessPoolExecutor() as pool:
                found = list(pool.map(self._check_folder, folders))
        return [finding for group in found for finding in group]

    def _check_folder(self, paths: Iterable[Path]) -> list[Finding]:
        project = Project(self.torch)
        return [finding for path in paths for finding in self._check_file(path, project)]

    def _check_file(self, path: Path, project: Project) -> list[Finding]:
        try:
            source = sources.read(path)
        except (InputError, OSError) as error:  # the other files are still worth checking
            return [self._not_checked(path, getattr(error, "strerror", None) or str(error))]
        return self.check_source(source, project)

    def check_source(self, source: Source, project: Project) -> list[Finding]:
        """Return the findings in a file."""
        try:
            script = self._parse(source, project)
        except (TooNestedError, cst.ParserSyntaxError, RecursionError):
            return [self._not_checked(source.path, TOO_NESTED.in_language(self.lang))]
        except (SyntaxError, ValueError):
            found = [self._syntax_finding(source, problem) for problem in problems(source.code)[0]]
            return found or [self._not_checked(source.path, TOO_NESTED.in_language(self.lang))]
        found = [
            self._finding(source, script, rule, match) for rule, match in self._matches(script)
        ]
        return sorted(set(found))

    def fix(self, source: Source, project: Project) -> Source:
        """Return a file with everything fixed that can be."""
        for _ in range(MAX_ROUNDS):
            fixed = self._fixed_once(source, project)
            if fixed == source.code:
                break
            source = replace(source, code=fixed)
        return source

    def _fixed_once(self, source: Source, project: Project) -> bytes:
        try:
            script = self._parse(source, project)
        except (TooNestedError, cst.ParserSyntaxError, RecursionError):
            return source.code
        except (SyntaxError, ValueError):
            return problems(source.code)[1]
        return fixed_code(script, [match for _, match in self._matches(script) if match.fix])

    def _parse(self, source: Source, project: Project) -> Script:
        check_syntax(source.code, str(source.path))
        script = Script(source.code, source.path, project, self.torch)
        project.add(script)
        return script

    def _matches(self, script: Script) -> Iterator[tuple[type[Rule], Match]]:
        """Yield what the rules find, without the lines that a comment silences."""
        lines = lines_of(script.text)
        for rule in self.rules:
            if rule.since and script.torch < Version(rule.since):
                continue
            for match in rule().check(script):
                line = script.line(match.node)
                if not is_silenced(lines[line - 1] if line <= len(lines) else "", rule.name):
                    yield rule, match

    def _not_checked(self, path: Path, reason: str) -> Finding:
        return Finding(
            path=str(path),
            line=1,
            column=1,
            rule="not-checked",
            claims=(),
            severity="advice",
            message=NOT_CHECKED.in_language(self.lang, reason=reason),
            write="",
            fixable=False,
        )

    def _syntax_finding(self, source: Source, problem: Problem) -> Finding:
        rule, match = problem.rule, problem.match
        fields = dict(match.fields) | (dict(match.fields_zh) if self.lang == "zh" else {})
        return Finding(
            path=str(source.path),
            line=problem.line,
            column=problem.column,
            rule=rule.name,
            claims=rule.claims,
            severity=rule.severity,
            message=rule.message.in_language(self.lang, **fields),
            write=match.write,
            fixable=bool(match.edits),
            cell=source.notebook.place(problem.line) if source.notebook else None,
        )

    def _finding(self, source: Source, script: Script, rule: type[Rule], match: Match) -> Finding:
        start = script.position(match.node).start
        write = match.write or rule.write
        if write is None:
            write = claims.load()[rule.claims[0]].write
        return Finding(
            path=str(source.path),
            line=start.line,
            column=start.column + 1,
            rule=rule.name,
            claims=rule.claims,
            severity=match.severity or rule.severity,
            message=rule.message.in_language(self.lang, **match.fields),
            write=write.strip("\n"),
            fixable=bool(match.fix),
            cell=source.notebook.place(start.line) if source.notebook else None,
        )
