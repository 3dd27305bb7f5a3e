"""Processes of torchrun that are killed, and runs that are then continued."""

from __future__ import annotations

import functools
import os
import signal
import time
from typing import TYPE_CHECKING, NamedTuple

from hypothesis import strategies as st

from spec_tests.torture import audit, process
from spec_tests.torture.attempts import Attempt, Kind
from spec_tests.torture.compare import RunState, differences, read_run
from spec_tests.torture.judge import Problem
from spec_tests.torture.moments import KILLS, Moment
from spec_tests.torture.process import Process

if TYPE_CHECKING:
    from pathlib import Path

    from spec_tests.torture.process import Outcome
    from spec_tests.torture.samples import Samples

AGENT_SECONDS = 0.3  # after which torchrun's agent ends the other processes
MOST = {"line": 1500, "millisecond": 800, "operation": 30}


class Case(NamedTuple):
    """The number of processes, which of them is killed, and when."""

    world: int
    rank: int
    moment: Moment


def _cases(_samples: Samples) -> st.SearchStrategy[Case]:
    def cases(choice: tuple[int, str]) -> st.SearchStrategy[Case]:
        world, unit = choice
        moments = st.integers(1, MOST[unit]).map(lambda number: Moment(unit, number))
        return st.builds(Case, st.just(world), st.integers(0, world - 1), moments)

    return st.tuples(st.sampled_from([2, 2, 3]), st.sampled_from(sorted(MOST))).flatmap(cases)


def attempt(case: Case, place: Path, samples: Samples) -> Attempt:
    """Kill one of the processes; the others must end, and the run must be continued exactly."""
    # In a process without threads: the store that torchrun's agent serves has some.
    expected = _state(case.world, samples)
    return process.call(lambda: _attempt(case, place, samples, expected))


def _attempt(case: Case, place: Path, samples: Samples, expected: RunState) -> Attempt:
    done, folder = Attempt(), place / "run"
    killed = _run_ranks(samples.train(folder), place, case)
    for outcome in killed:
        done.add(outcome, codes=(0, 1, 2, -signal.SIGTERM, *KILLS), silent=True)
    _one_line(killed, done)
    resumable = (folder / "config.json").exists()
    arguments = samples.resume(folder) if resumable else samples.train(folder)
    ended = [done.add(each, codes=(0,)) for each in _run_ranks(arguments, place, case, sound=True)]
    if all(outcome.code == 0 for outcome in ended):
        done.problems += differences(folder, expected)
    return done


def _one_line(outcomes: list[Outcome], done: Attempt) -> None:
    """Check that the processes together print one line at most."""
    lines = [line for outcome in outcomes for line in outcome.err.splitlines()]
    if len(lines) > 1:
        done.problems.append(Problem("the processes print more than one line", "\n".join(lines)))


@functools.cache
def _state(world: int, samples: Samples) -> RunState:
    """Return what an uninterrupted run of so many processes writes."""
    place = samples.root / f"ranks-{world}-{os.getpid()}"
    place.mkdir()
    case = Case(world, 0, Moment("line", 1))
    outcomes = process.call(
        lambda: _run_ranks(samples.train(place / "run"), place, case, sound=True)
    )
    if any(outcome.code for outcome in outcomes):
        raise RuntimeError(f"torchrun's processes fail: {outcomes}")
    for outcome in outcomes:
        audit.allowed_lines.update(outcome.events)
    return read_run(place / "run")


def _run_ranks(
    arguments: tuple[str, ...], place: Path, case: Case, *, sound: bool = False
) -> list[Outcome]:
    """Run the program in each of torchrun's processes, and kill one unless all are to be sound."""
    port, store = _start_store()
    environment = {
        "WORLD_SIZE": str(case.world),
        "LOCAL_WORLD_SIZE": str(case.world),
        "MASTER_ADDR": "localhost",
        "MASTER_PORT": str(port),
        "TORCHELASTIC_RUN_ID": "torture",
        "TORCHELASTIC_RESTART_COUNT": "0",
        "TORCHELASTIC_USE_AGENT_STORE": "True",
    }
    try:
        processes = [
            Process(
                *arguments,
                folder=place,
                prepare=case.moment.kill if rank == case.rank and not sound else None,
                environment=environment | {"RANK": str(rank), "LOCAL_RANK": str(rank)},
                distributed=True,
            )
            for rank in range(case.world)
        ]
        return _wait(processes)
    finally:
        os.kill(store, signal.SIGKILL)
        os.waitpid(store, 0)


def _wait(processes: list[Process]) -> list[Outcome]:
    """Wait for all; when one has failed, send the others SIGTERM soon after, as torchrun does."""
    running, outcomes = list(processes), {}
    failed = None
    while running:
        for each in running[:]:
            if each.ended(0.02):
                outcomes[each.pid] = each.wait()
                running.remove(each)
                if outcomes[each.pid].code and failed is None:
                    failed = time.monotonic()
        if failed is not None and time.monotonic() - failed > AGENT_SECONDS:
            for each in running:
                os.kill(each.pid, signal.SIGTERM)
            outcomes |= {each.pid: each.wait() for each in running}
            running = []
    return [outcomes[each.pid] for each in processes]


def _start_store() -> tuple[int, int]:
    """Start the store of torchrun's agent; return its port and its process."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            from torch.distributed import TCPStore  # noqa: PLC0415 - its threads are this process's

            store = TCPStore("localhost", 0, is_master=True, wait_for_workers=False)
            os.write(writer, str(store.port).encode())
            time.sleep(1000)
        finally:
            os._exit(1)
    os.close(writer)
    with os.fdopen(reader) as file:
        return int(os.read(file.fileno(), 20)), pid


KIND = Kind("ranks", 5, 2, _cases, attempt)
