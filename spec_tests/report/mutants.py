"""Report a run of mutmut: the score of each module, and the mutants that no case notices.

    python -m spec_tests.report.mutants FOLDER

reads the run in a folder, and writes `docs/MUTANTS.md`. `explained_mutants.toml` has the reasons
why mutants survive: they compute the same, or only a message differs, or no case can ask for it.
It fails if fewer than 97 of 100 are caught, without the equivalent ones and those of messages.
"""

import os
import platform
import re
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import chdir
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatch
from importlib.metadata import version
from pathlib import Path

from mutmut.mutation.data import SourceFileMutationData
from mutmut.mutation.diff_apply import get_diff_for_mutant
from mutmut.stats import status_by_exit_code
from mutmut.utils.file_utils import walk_mutatable_files

from spec_tests import paths

CAUGHT = {"killed", "timeout", "segfault"}
REQUIRED = 97  # per cent
PACKAGES = ("mutmut", "torch", "numpy", "hypothesis")
INTRO = """# Mutants: small changes of the operators that the suite notices

`nox -s mutants` changes the definitions of `reference/` and the NumPy adapter with
[mutmut](https://mutmut.readthedocs.io), one place at a time: another operator, another number, an
argument left out. Each mutant is run on the vectors, the drawn cases and the gradients of that
implementation, until one fails. A mutant that exceeds its time limit counts as caught. Messages of
exceptions are not changed, nor are decorators, annotations and statements outside functions.

A mutant that computes the same is equivalent and cannot be caught; in some only a message differs.
The score is that of the others."""


@dataclass(frozen=True)
class Mutant:
    """A mutant that survived: its file, and the lines that were there and that are there now."""

    path: str
    was: str
    now: str

    def __str__(self) -> str:
        return f"{self.was} → {self.now}".replace("\n", " ")


@dataclass(frozen=True, kw_only=True)
class Module:
    """The mutants of a module: how many, and the survivors, with the reason if it is known."""

    path: str
    total: int
    survivors: Sequence[tuple[Mutant, Mapping[str, str] | None]]

    def count(self, kind: str) -> int:
        """Return how many survivors are explained as equivalent, or by their message."""
        return sum(reason is not None and reason["kind"] == kind for _, reason in self.survivors)

    @property
    def missed(self) -> list[Mutant]:
        """The survivors that compute something else."""
        return [
            mutant
            for mutant, reason in self.survivors
            if reason is None or reason["kind"] == "missed"
        ]


def _explanations() -> list[Mapping[str, str]]:
    text = Path(__file__).with_name("explained_mutants.toml").read_text(encoding="utf-8")
    explanations: list[Mapping[str, str]] = tomllib.loads(text)["mutant"]
    return explanations


def _explanation(
    explanations: Sequence[Mapping[str, str]], mutant: Mutant
) -> Mapping[str, str] | None:
    """Return why a mutant survives, if it is known."""
    fits = (
        each
        for each in explanations
        if fnmatch(mutant.path, each["path"]) and re.search(each["change"], str(mutant))
    )
    return next(fits, None)


def _survivor(path: Path, name: str) -> Mutant:
    lines = get_diff_for_mutant(name, path=path).splitlines()[2:]  # without the names of the files
    was, now = (
        "\n".join(line[1:].strip() for line in lines if line.startswith(sign)) for sign in "-+"
    )
    return Mutant(path.as_posix(), was, now)


def read(folder: Path) -> list[Module]:
    """Return the modules with mutants, from a folder in which mutmut ran."""
    explanations, modules = _explanations(), []
    with chdir(folder):
        for path in sorted(walk_mutatable_files()):
            data = SourceFileMutationData(path=path)
            data.load()
            statuses = {n: status_by_exit_code[code] for n, code in data.exit_code_by_key.items()}
            alive = [_survivor(path, n) for n, status in statuses.items() if status not in CAUGHT]
            survivors = [(mutant, _explanation(explanations, mutant)) for mutant in alive]
            if statuses:
                modules.append(
                    Module(path=path.as_posix(), total=len(statuses), survivors=survivors)
                )
    return modules


def _row(name: str, modules: Sequence[Module]) -> str:
    total = sum(module.total for module in modules)
    equivalent = sum(module.count("equivalent") for module in modules)
    message = sum(module.count("message") for module in modules)
    missed = sum(len(module.missed) for module in modules)
    score = _score(modules)
    return f"| {name} | {total} | {equivalent} | {message} | {missed} | {score:.1f} % |"


def _score(modules: Sequence[Module]) -> float:
    """Return how many of 100 mutants are caught, of those that compute something else."""
    missed = sum(len(module.missed) for module in modules)
    survivors = sum(len(module.survivors) for module in modules)
    different = sum(module.total for module in modules) - survivors + missed
    return 100 * (different - missed) / different


def _reasons(module: Module) -> Iterator[str]:
    """Yield a line for each reason why mutants survive, with the first of them."""
    by_reason: dict[tuple[str, str], list[Mutant]] = {}
    for mutant, reason in module.survivors:
        kind, why = (reason["kind"], reason["why"]) if reason else ("missed", "not explained.")
        by_reason.setdefault((kind, why), []).append(mutant)
    for (kind, why), mutants in by_reason.items():
        yield f"- {kind} ({len(mutants)}): {why} `` {mutants[0]} ``"


def document(modules: Sequence[Module]) -> str:
    """Return `docs/MUTANTS.md`."""
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    date = datetime.now(UTC).strftime("%Y-%m-%d")
    machine = f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}"
    parts = [
        INTRO,
        f"Measured on {date}: Python {platform.python_version()}, {versions}; {machine}.",
        "\n".join(
            [
                "| module | mutants | equivalent | message only | missed | score |",
                "|---|---:|---:|---:|---:|---:|",
                *(_row(f"`{module.path}`", [module]) for module in modules),
                _row("all", modules),
            ]
        ),
        "## Survivors",
        "For each reason: how many mutants, and the first of them.",
    ]
    for module in modules:
        lines = list(_reasons(module))
        parts += [f"### {module.path}", "\n".join(lines)] if lines else []
    return "\n\n".join(parts) + "\n"


def main() -> int:
    """Write the document; return 1 if too few mutants are caught."""
    modules = read(Path(sys.argv[1]))
    (paths.ROOT / "docs" / "MUTANTS.md").write_text(document(modules), encoding="utf-8")
    for module in modules:
        for mutant in module.missed:
            print(f"{module.path}: {mutant}")
    print(f"{_score(modules):.1f} % caught; docs/MUTANTS.md has the score of each module")
    return 0 if _score(modules) >= REQUIRED else 1


if __name__ == "__main__":
    sys.exit(main())
