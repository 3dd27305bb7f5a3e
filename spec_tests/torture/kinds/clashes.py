"""Several processes that use one folder at once, in many orders."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, NamedTuple

from hypothesis import strategies as st

from spec_tests.torture.attempts import Attempt, Kind
from spec_tests.torture.compare import differences, leftovers
from spec_tests.torture.judge import Problem
from spec_tests.torture.moments import pause_before_operation
from spec_tests.torture.process import Process
from spec_tests.torture.samples import BATCHES, RUN, copy_run

if TYPE_CHECKING:
    from pathlib import Path

    from spec_tests.torture.samples import Samples

SCENES = ("same folder", "no folder", "stand-in", "resume")
PAUSE = 0.3  # seconds, about a whole run


class Case(NamedTuple):
    """What the processes do, and before which change of a file each pauses (0: never)."""

    scene: str
    pauses: tuple[int, ...]


def _cases(_samples: Samples) -> st.SearchStrategy[Case]:
    pauses = st.lists(st.integers(0, 30), min_size=2, max_size=3).map(tuple)
    return st.builds(Case, st.sampled_from(SCENES), pauses)


def attempt(case: Case, place: Path, samples: Samples) -> Attempt:
    """Run the processes at once."""
    folder = place / "run"
    arguments: tuple[str | Path, ...] = samples.train(folder)
    codes: tuple[int, ...] = (0,)
    if case.scene == "same folder":
        codes = (0, 2)
    elif case.scene == "no folder":
        arguments = ("train", *RUN, "--data", samples.data)
    elif case.scene == "stand-in":
        arguments = ("evaluate", samples.files["run-zip"], "--device=cpu", "--json")
    else:
        copy_run(samples.half, folder)
        arguments, codes = samples.resume(folder), (0, 2)
    running = [
        Process(*arguments, folder=place, prepare=functools.partial(_pause, number))
        for number in case.pauses
    ]
    done = Attempt()
    ended = [done.add(process.wait(), codes=codes) for process in running]
    if not any(outcome.code == 0 for outcome in ended):
        done.problems.append(Problem("no process succeeds"))
        return done
    _check(case, place, done, samples)
    return done


def _check(case: Case, place: Path, done: Attempt, samples: Samples) -> None:
    """Check what the processes have written."""
    if case.scene == "stand-in":
        folder = place / "data" / "stand-in"
        done.problems += leftovers(folder)
        if not (folder / BATCHES / "md5sums").is_file():
            done.problems.append(Problem("the stand-in is missing"))
        return
    runs = [place / "run"]
    if case.scene == "no folder":
        runs = sorted((place / "runs").iterdir())
        if len(runs) != len(case.pauses):
            done.problems.append(Problem(f"{len(case.pauses)} runs have {len(runs)} folders"))
    for folder in runs:
        done.problems += differences(folder, samples.state)


def _pause(number: int) -> None:
    if number:
        pause_before_operation(number, PAUSE)


KIND = Kind("clashes", 4, 5, _cases, attempt)
