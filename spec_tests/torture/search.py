"""Draw a kind's attempts from a seed, and reduce those that fail."""

from __future__ import annotations

import contextlib
import hashlib
import pickle
import shutil
import tempfile
import time
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis
from hypothesis import HealthCheck, Phase, Verbosity

from spec_tests.torture import process

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from spec_tests.torture.attempts import Attempt, Kind
    from spec_tests.torture.samples import Samples

REDUCE_SECONDS = 20  # for each symptom
NUMBERS = 1_000_000  # seeds of one session: SEED * NUMBERS + 0, 1, 2, ...


@dataclass
class Failure:
    """The smallest attempt with a symptom: its kind, seed, and the text of the report."""

    kind: str
    seed: int
    symptom: str
    report: str
    count: int = 1


@dataclass
class Chunk:
    """What came of the attempts of one seed.

    Attributes:
        tried, failed: how many attempts were made, and how many of them failed.
        seconds: how long they took.
        reducing: how long it took to reduce those that failed.
        worst_seconds, worst_bytes: of a single process.
        failures: the smallest attempt by symptom.
    """

    tried: int = 0
    failed: int = 0
    seconds: float = 0.0
    reducing: float = 0.0
    worst_seconds: float = 0.0
    worst_bytes: int = 0
    failures: dict[str, Failure] = field(default_factory=dict)


class _Symptom(Exception):  # noqa: N818 - what hypothesis is to look for
    """An attempt has the symptom that is being reduced."""


class _Enough(BaseException):
    """The time for reducing is over; hypothesis does not catch it."""


class _Hidden:
    """A case that hypothesis does not print: its files can have megabytes."""

    def __init__(self, case: object) -> None:
        self.case = case

    def __repr__(self) -> str:
        return "a case"


class Search:
    """The attempts of one kind and seed.

    Args:
        kind: the kind.
        samples: the sound files.
        seed: of the attempts.
        saved: the folder in which the smallest attempt with each symptom is kept.
    """

    def __init__(self, kind: Kind, samples: Samples, seed: int, saved: Path) -> None:
        self.kind, self.samples, self.seed, self.saved = kind, samples, seed, saved
        self._attempts: dict[bytes, Attempt] = {}

    def run(self, known: Collection[str]) -> Chunk:
        """Try everything; reduce and save attempts with symptoms other than the known ones."""
        start = time.monotonic()
        chunk, smallest = Chunk(), {}

        def attempt(case: object) -> None:
            if _key(case) in self._attempts:  # drawn twice
                return
            done = self._attempt(case)
            chunk.tried += done.count
            chunk.failed += bool(done.problems)
            for outcome in done.outcomes:
                chunk.worst_seconds = max(chunk.worst_seconds, outcome.seconds)
                chunk.worst_bytes = max(chunk.worst_bytes, outcome.peak_bytes)
            for problem in done.problems:
                if problem.symptom in chunk.failures:
                    chunk.failures[problem.symptom].count += 1
                else:
                    failure = Failure(self.kind.name, self.seed, problem.symptom, "")
                    chunk.failures[problem.symptom] = failure
                    smallest[problem.symptom] = case

        for case in self.kind.fixed(self.samples, self.seed % NUMBERS):
            attempt(case)
        self._draw(attempt, [Phase.generate])
        tried = time.monotonic()
        for symptom, case in smallest.items():
            if symptom not in known:
                # In a process of its own, whose memory ends with it: hypothesis keeps gigabytes.
                case = process.call(partial(self._reduce, symptom, case))  # noqa: PLW2901
            chunk.failures[symptom].report = self._save(symptom, case, keep=symptom not in known)
        chunk.seconds = tried - start
        chunk.reducing = time.monotonic() - tried
        return chunk

    def _draw(self, test: Callable[[Any], None], phases: list[Phase]) -> None:
        settings = hypothesis.settings(
            max_examples=self.kind.size,
            database=None,
            deadline=None,
            derandomize=False,
            print_blob=False,
            report_multiple_bugs=False,
            verbosity=Verbosity.quiet,
            phases=phases,
            suppress_health_check=list(HealthCheck),
        )

        def drawn(hidden: _Hidden) -> None:
            test(hidden.case)

        given = hypothesis.given(hidden=self.kind.cases(self.samples).map(_Hidden))(drawn)
        try:
            hypothesis.seed(self.seed)(settings(given))()
        except Exception as error:
            error.__notes__ = []  # they contain the cases and the sound files, megabytes
            raise

    def _attempt(self, case: object) -> Attempt:
        """Try a case, unless it has been tried."""
        key = _key(case)
        if key not in self._attempts:
            with _folder() as folder:
                self._attempts[key] = self.kind.attempt(case, folder, self.samples)
        return self._attempts[key]

    def _reduce(self, symptom: str, case: object) -> object:
        """Return the smallest case with a symptom that hypothesis finds in some seconds."""
        end = time.monotonic() + REDUCE_SECONDS
        smallest = case

        def test(drawn: object) -> None:
            nonlocal smallest
            if time.monotonic() > end:
                raise _Enough
            if any(problem.symptom == symptom for problem in self._attempt(drawn).problems):
                smallest = min(smallest, drawn, key=lambda each: len(pickle.dumps(each)))
                raise _Symptom

        with contextlib.suppress(_Symptom, _Enough, hypothesis.errors.Flaky):
            self._draw(test, [Phase.generate, Phase.shrink])
        return smallest

    def _save(self, symptom: str, case: object, *, keep: bool) -> str:
        """Return the report on a case; keep its files beside it."""
        done = self._attempt(case)
        lines = [f"{self.kind.name}: {symptom}", f"case: {case!r:.1000}"]
        lines += [f"{problem.symptom}\n{problem.detail}" for problem in done.problems]
        for outcome in done.outcomes:
            command = " ".join(("course", *outcome.arguments))
            lines.append(f"$ {command}\nexit code {outcome.code}, {outcome.seconds:.2f} s")
            lines += [f"{text[:3000]}" for text in (outcome.out, outcome.err) if text]
        report = "\n".join(lines) + "\n"
        if keep:
            name = hashlib.sha256(symptom.encode()).hexdigest()[:8]
            target = self.saved / f"{self.kind.name}-{self.seed}-{name}"
            shutil.rmtree(target, ignore_errors=True)
            target.mkdir(parents=True)
            (target / "report.txt").write_text(report, encoding="utf-8", errors="backslashreplace")
            (target / "case.pickle").write_bytes(pickle.dumps(case))
            with _folder() as folder:
                self.kind.attempt(case, folder, self.samples)
                with contextlib.suppress(OSError, shutil.Error):  # a FIFO cannot be copied
                    shutil.copytree(folder, target / "files", symlinks=True)
        return report


def _key(case: object) -> bytes:
    return hashlib.sha256(pickle.dumps(case)).digest()


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="attempt-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
