"""Runs that are killed, at swept and random moments, and continued until they are finished."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import strategies as st

from spec_tests.torture.attempts import Attempt, Kind
from spec_tests.torture.compare import differences
from spec_tests.torture.moments import KILLS, Moment
from spec_tests.torture.process import run

if TYPE_CHECKING:
    from pathlib import Path

    from spec_tests.torture.samples import Samples

# Somewhat more than a run has: 38 operations, 1,000 lines, 250 ms, and 600 kB in a checkpoint.
MOST = {"operation": 50, "line": 1500, "millisecond": 400, "byte": 650_000}
SWEPT = 4  # operations of a seed


def _cases(_samples: Samples) -> st.SearchStrategy[list[Moment]]:
    """Return a strategy for the moments of a run and then of each --resume."""
    kills = st.sampled_from(sorted(MOST)).flatmap(
        lambda unit: st.integers(1, MOST[unit]).map(lambda number: Moment(unit, number))
    )
    return st.lists(kills, min_size=1, max_size=3)


def _sweep(_samples: Samples, number: int) -> list[list[Moment]]:
    """Return kills before the next few operations, of a run and of a resumed one."""
    cases = []
    for index in range(number * SWEPT, (number + 1) * SWEPT):
        moment = Moment("operation", 1 + index // 2 % MOST["operation"])
        cases.append([Moment("line", MOST["line"] // 2), moment] if index % 2 else [moment])
    return cases


def attempt(moments: list[Moment], place: Path, samples: Samples) -> Attempt:
    """Kill a run and its continuations; the last one must reach the uninterrupted run's state."""
    done, folder = Attempt(count=0), place / "run"
    for moment in moments:
        resumable = folder.exists()
        arguments = samples.resume(folder) if resumable else samples.train(folder)
        killed = done.add(run(*arguments, folder=place, prepare=moment.kill), codes=(0, *KILLS))
        done.count += killed.code in KILLS
    finish(done, folder, place, samples)
    return done


def finish(done: Attempt, folder: Path, place: Path, samples: Samples) -> None:
    """Let a run be continued to its end, and compare it with the uninterrupted one."""
    # Where not even the folder was made, there is nothing to resume.
    arguments = samples.resume(folder) if folder.exists() else samples.train(folder)
    last = done.add(run(*arguments, folder=place), codes=(0,))
    if last.code == 0:
        done.problems += differences(folder, samples.state)


KIND = Kind("kills", 20, 4, _cases, attempt, _sweep)
