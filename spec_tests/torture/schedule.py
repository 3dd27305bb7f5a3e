"""Divide the time among the kinds of attempts, and run them in two workers."""

from __future__ import annotations

import contextlib
import os
import time
import traceback
from multiprocessing import connection, get_context
from typing import TYPE_CHECKING

from spec_tests.torture.search import NUMBERS, Chunk, Search

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from spec_tests.torture.attempts import Kind
    from spec_tests.torture.samples import Samples

WORKERS = 2


class Worker:
    """A process, forked from this one, that runs the attempts of one seed after another."""

    def __init__(self, kinds: dict[str, Kind], samples: Samples, saved: Path) -> None:
        context = get_context("fork")
        self.connection, other = context.Pipe()
        self.kind, self.number = "", 0
        self._process = context.Process(target=_work, args=(other, kinds, samples, saved))
        self._process.start()
        other.close()

    def start(self, kind: str, seed: int, known: set[str]) -> None:
        """Let it run a seed's attempts; `connection` then has their `Chunk`."""
        self.kind = kind
        self.connection.send((kind, seed, known))

    def stop(self) -> None:
        """End it and what it runs."""
        self._process.kill()
        self._process.join()


def _work(
    tasks: connection.Connection, kinds: dict[str, Kind], samples: Samples, saved: Path
) -> None:
    while True:
        with contextlib.suppress(KeyboardInterrupt, EOFError):
            name, seed, known = tasks.recv()
            try:
                chunk: Chunk | str = Search(kinds[name], samples, seed, saved).run(known)
            except Exception:  # noqa: BLE001 - a mistake of the harness, which the parent reports
                chunk = f"{name}, seed {seed}:\n{traceback.format_exc()}"
            tasks.send(chunk)
            continue
        os._exit(130)


class HarnessError(RuntimeError):
    """The harness itself has failed, not the program."""


def run(
    kinds: Sequence[Kind],
    samples: Samples,
    saved: Path,
    seed: int,
    seconds: float,
    *,
    report: Callable[[str, Chunk], None],
) -> None:
    """Run attempts of all kinds for some seconds; report each chunk when it is finished.

    Each kind gets the part of the time that its share is of all shares, and starts with `seed *
    NUMBERS`. At least one chunk of each is run.
    """
    used = dict.fromkeys((kind.name for kind in kinds), 0.0)
    numbers = dict.fromkeys(used, 0)
    shares = {kind.name: kind.share for kind in kinds}
    known: set[str] = set()
    start = time.monotonic()

    def give(worker: Worker) -> bool:
        untried = [name for name in used if not numbers[name]]
        if time.monotonic() - start > seconds and not untried:
            return False
        name = min(untried or used, key=lambda name: used[name] / shares[name])
        worker.start(name, seed * NUMBERS + numbers[name], known)
        # Counted before it is known, so that the other worker takes another kind.
        used[name] += max(used[name] / numbers[name] if numbers[name] else 1.0, 0.1)
        numbers[name] += 1
        return True

    workers = [Worker({kind.name: kind for kind in kinds}, samples, saved) for _ in range(WORKERS)]
    times = dict.fromkeys(used, 0.0)
    try:
        busy = {worker.connection: worker for worker in workers if give(worker)}
        while busy:
            for ready in connection.wait(list(busy)):
                worker = busy.pop(ready)
                chunk = _receive(worker)
                times[worker.kind] += chunk.seconds + chunk.reducing
                running = sum(other.kind == worker.kind for other in busy.values())
                finished = numbers[worker.kind] - running
                used[worker.kind] = times[worker.kind] * numbers[worker.kind] / finished
                known |= chunk.failures.keys()
                report(worker.kind, chunk)
                if give(worker):
                    busy[worker.connection] = worker
    finally:
        for worker in workers:
            worker.stop()


def _receive(worker: Worker) -> Chunk:
    try:
        chunk = worker.connection.recv()
    except EOFError as error:
        raise HarnessError(f"the worker for {worker.kind} has died") from error
    if isinstance(chunk, str):
        raise HarnessError(chunk)
    return chunk
