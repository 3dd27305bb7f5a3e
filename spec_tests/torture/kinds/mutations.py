"""Damage to every file that the program reads, with fitting checksums and without."""

from __future__ import annotations

import functools
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from hypothesis import strategies as st

from spec_tests.torture.attempts import Attempt, Kind
from spec_tests.torture.compare import differences
from spec_tests.torture.generators import zips
from spec_tests.torture.generators.damage import damaged
from spec_tests.torture.judge import Problem, strict_json
from spec_tests.torture.kinds import checkpoints, data_files
from spec_tests.torture.process import run
from spec_tests.torture.samples import BATCHES, copy_run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from spec_tests.torture.samples import Samples

BATCH_FILES = ("test_batch", "batches.meta", "md5sums", "data_batch_3")
EVENTS = "events.out.tfevents.1.damaged"
RUN_FILES = ("config.json", "metrics.jsonl", "checkpoints/epoch-001.pt", EVENTS)
COMMANDS = ("evaluate", "predict", "convert")


class Case(NamedTuple):
    """A damaged file.

    Attributes:
        part: what it belongs to: "data", a "run", or a command that reads it as a checkpoint.
        name: of the sound file.
        data: its content.
        noticed: whether the damage must be noticed, as checksums do not fit.
    """

    part: str
    name: str
    data: bytes
    noticed: bool = False


def _cases(samples: Samples) -> st.SearchStrategy[Case]:
    return _checkpoints(samples) | _run_files(samples) | _data(samples)


def _checkpoints(samples: Samples) -> st.SearchStrategy[Case]:
    def cases(choice: tuple[str, str, bool]) -> st.SearchStrategy[Case]:
        name, command, fit = choice
        zipped = name.endswith("-zip")
        changed = damaged(samples.files[name].read_bytes())
        if zipped and fit:
            changed = changed.map(zips.with_checksums)
        return changed.map(lambda data: Case(command, name, data, zipped and not fit))

    names = st.sampled_from(sorted(samples.files))
    return st.tuples(names, st.sampled_from(COMMANDS), st.booleans()).flatmap(cases)


def _run_files(samples: Samples) -> st.SearchStrategy[Case]:
    def cases(name: str) -> st.SearchStrategy[Case]:
        path = samples.half / name
        if name == EVENTS:
            path = next(samples.half.glob("events.*"))
        changed = damaged(path.read_bytes())
        return changed.map(lambda data: Case("run", name, data, noticed=True))

    return st.sampled_from(RUN_FILES).flatmap(cases)


def _data(samples: Samples) -> st.SearchStrategy[Case]:
    def cases(name: str) -> st.SearchStrategy[Case]:
        changed = damaged((samples.data / BATCHES / name).read_bytes())
        return changed.map(lambda data: Case("data", name, data))

    return st.sampled_from(BATCH_FILES).flatmap(cases)


def attempt(case: Case, place: Path, samples: Samples) -> Attempt:
    """Read a damaged file; damage that a checksum shows must not go unnoticed."""
    attempts = {"data": _read_data, "run": _resume_run}
    return attempts.get(case.part, _read_checkpoint)(case, place, samples)


def _read_checkpoint(case: Case, place: Path, samples: Samples) -> Attempt:
    path = place / "checkpoint.pth"
    path.write_bytes(case.data)
    done = Attempt()
    arguments = checkpoints.arguments(case.part, path, place, samples)
    outcome = done.add(run(*arguments, folder=place))
    answer = outcome.out.replace(str(place), "")
    if case.noticed and outcome.code == 0 and answer != _answer(case.part, case.name, samples):
        done.problems.append(Problem("damage to a zip goes unnoticed", outcome.out))
    return done


@functools.cache
def _answer(command: str, name: str, samples: Samples) -> str:
    """Return what a command prints for a sound checkpoint, without the path of its folder."""
    place = Path(tempfile.mkdtemp(prefix="attempt-"))
    path = place / "checkpoint.pth"
    shutil.copyfile(samples.files[name], path)
    arguments = checkpoints.arguments(command, path, place, samples)
    sound = run(*arguments, folder=place)
    if sound.code:
        raise RuntimeError(f"{command} of the sound {name} failed: {sound.err}")
    return sound.out.replace(str(place), "")


def _read_data(case: Case, place: Path, samples: Samples) -> Attempt:
    if case.name != "md5sums":
        return data_files.attempt(data_files.Case(case.name, case.data), place, samples)
    data = place / "data"
    shutil.copytree(samples.data, data)
    (data / BATCHES / case.name).write_bytes(case.data)
    done = Attempt()
    done.add(run(*data_files.arguments(case.name, data, place, samples), folder=place))
    return done


def _resume_run(case: Case, place: Path, samples: Samples) -> Attempt:
    """Continue a run with a damaged file: it is refused, or reaches the same state."""
    folder = copy_run(samples.half, place / "run")
    (folder / case.name).write_bytes(case.data)
    done = Attempt()
    if done.add(run(*samples.resume(folder), folder=place)).code == 0:
        is_log = case.name == "metrics.jsonl"  # which has no checksum: its numbers may be others
        done.problems += (
            problem
            for problem in differences(folder, samples.state)
            if not (is_log and problem.symptom.startswith("another log"))
        )
        if is_log:
            done.problems += _missing_epochs(folder, len(samples.state.checkpoints))
    return done


def _missing_epochs(folder: Path, epochs: int) -> Iterator[Problem]:
    """Yield a problem if a log lacks a line for an epoch."""
    text = (folder / "metrics.jsonl").read_text(encoding="utf-8")
    found = [line for line in text.splitlines() if "test_loss" in strict_json(line)]
    if len(found) < epochs:
        yield Problem("an epoch is missing from the log", text)


KIND = Kind("mutations", 40, 40, _cases, attempt)
