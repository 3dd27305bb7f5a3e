"""A session: prepare the sound files, try everything, and report."""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import shutil
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from spec_tests.torture import audit, process, samples, schedule
from spec_tests.torture.kinds import KINDS
from spec_tests.torture.search import Chunk, Search
from spec_tests.torture.table import Total, repeat, table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from spec_tests.torture.samples import Samples
    from spec_tests.torture.search import Failure

NAMES = tuple(kind.name for kind in KINDS)
MODULES = ("reference.cli", "reference.training.trainer", "reference.inference", "hypothesis")
MEMORY_FOLDER = Path("/dev/shm")  # noqa: S108 - a folder of its own is made there


def run(minutes: float | None, seed: int, name: str | None, saved: Path) -> int:
    """Try to break the program, print what came of it, and return the exit code.

    Args:
        minutes: how long; None to try the attempts of one seed.
        seed: of the session, or of the attempts.
        name: of a kind; None for all.
        saved: the folder for failing attempts.
    """
    kinds = [kind for kind in KINDS if name in (None, kind.name)]
    totals = {kind.name: Total() for kind in kinds}
    start = time.monotonic()

    def report(kind: str, chunk: Chunk) -> None:
        for failure in totals[kind].add(chunk):
            print(_describe(failure), flush=True)

    with prepared() as made:
        if minutes is None:
            report(kinds[0].name, Search(kinds[0], made, seed, saved).run(()))
        else:
            schedule.run(kinds, made, saved, seed, minutes * 60, report=report)
    print(f"\n{table(totals)}\n\n{time.monotonic() - start:.0f} seconds, seed {seed}")
    failures = [failure for total in totals.values() for failure in total.failures.values()]
    if failures:
        print(f"{len(failures)} symptoms, the files are in {saved}:")
    for failure in failures:
        print(f"- {failure.kind}, {failure.count} times: {failure.symptom}\n    {repeat(failure)}")
    return 1 if failures else 0


def _describe(failure: Failure) -> str:
    return f"FAILED {failure.kind}: {failure.symptom}\n  repeat: {repeat(failure)}"


@contextlib.contextmanager
def prepared() -> Iterator[Samples]:
    """Import everything once, and yield the sound files; they are deleted at the end."""
    warnings.simplefilter("ignore")  # of hypothesis on long texts, of zipfile on doubled names
    for module in MODULES:
        importlib.import_module(module)
    with _root() as root:
        tempfile.tempdir = str(root / "work")
        Path(tempfile.tempdir).mkdir()
        made = samples.make(root)
        import_what_is_used(made)
        len(made.malicious)  # made once, for all workers
        gc.collect()
        gc.freeze()  # so that a child's garbage collector does not copy the parent's memory
        yield made


def import_what_is_used(made: Samples) -> None:
    """Import what the commands import lazily: it is quicker, and anything else is suspicious."""
    for module in process.call(lambda: _use(made)):
        with contextlib.suppress(ImportError):  # "__main__", and modules made by others
            importlib.import_module(module)
    audit.allow_modules(sys.modules)
    learn(made)


def learn(made: Samples) -> None:
    """Allow the audit events that sound files cause."""
    for command in _commands(made):
        audit.allowed_lines.update(process.run(*command, folder=made.root / "work").events)
    shutil.rmtree(made.root / "work" / "use")


def _use(made: Samples) -> list[str]:
    """Run each command in this process, and return the names of the modules then imported."""
    from reference.cli import main  # noqa: PLC0415 - imports torch

    commands = _commands(made)
    with (
        Path(os.devnull).open("w", encoding="utf-8") as devnull,
        contextlib.redirect_stdout(devnull),
        contextlib.redirect_stderr(devnull),
    ):
        for command in commands:
            main(command)
    return sorted(sys.modules)


def _commands(made: Samples) -> list[tuple[str, ...]]:
    """Return commands that read files of each kind, in a new folder."""
    place = made.root / "work" / "use"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    damaged = place / "damaged.pth"
    damaged.write_bytes(b"damaged")
    commands = [made.train(place / "run"), made.resume(place / "run", "--json")]
    for path in (*made.files.values(), damaged):
        commands += [("evaluate", str(path), "--data", str(made.data))]
    old, weights = made.files["network-legacy"], str(made.files["run-zip"])
    commands += [("convert", str(old), str(place / "converted.pt"), "--json")]
    images = (*map(str, made.images.values()), str(damaged))
    return [*commands, ("predict", *images, "--checkpoint", weights)]


@contextlib.contextmanager
def _root() -> Iterator[Path]:
    """Yield an empty folder in memory whose path is the same in each session.

    The path is part of a run's options: with another one, a seed would make other files.
    """
    base = MEMORY_FOLDER if MEMORY_FOLDER.is_dir() else Path(tempfile.gettempdir())
    for number in range(10):
        folder = base / f"torture-{number}"
        lock = FileLock(f"{folder}.lock")
        with contextlib.suppress(Timeout), lock.acquire(blocking=False):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            try:
                yield folder
            finally:
                shutil.rmtree(folder, ignore_errors=True)
            return
    sys.exit(f"{base} has ten folders of sessions that are running")
