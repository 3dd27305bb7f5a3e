"""Processes that find what torchrun's find, but start at once: they have imported torch already."""

import multiprocessing
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from torch.distributed import TCPStore

PATIENCE = 120  # seconds, for a machine that does other things as well


class Ended(NamedTuple):
    """How a process ended; `code` is minus a signal's number where that ended it."""

    code: int
    out: str
    err: str


def run_ranks(
    world: int, folder: Path, program: Callable[..., object], *args: object
) -> list[Ended]:
    """Run a program in each of `world` processes and wait for their ends.

    Args:
        world: how many.
        folder: where they leave their output.
        program: a function of a module; it returns the exit code, None for 0.
        args: its arguments.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(
        ["reference.training.trainer", "torch._dynamo", program.__module__]
    )
    folder.mkdir(parents=True, exist_ok=True)
    store = TCPStore("localhost", 0, is_master=True, wait_for_workers=False)  # as torchrun's agent
    environment = {
        "WORLD_SIZE": str(world),
        "LOCAL_WORLD_SIZE": str(world),
        "MASTER_ADDR": "localhost",
        "MASTER_PORT": str(store.port),
        "TORCHELASTIC_RUN_ID": "test",
        "TORCHELASTIC_RESTART_COUNT": "0",
        "TORCHELASTIC_USE_AGENT_STORE": "True",
    }
    started = []
    for rank in map(str, range(world)):
        own = environment | {"RANK": rank, "LOCAL_RANK": rank}
        process = context.Process(target=_be, args=(own, folder / rank, program, args))
        started.append(process)
    try:
        for process in started:
            process.start()
        for process in started:
            process.join(PATIENCE)
    finally:
        for process in started:
            process.kill()
            process.join()
    return [
        Ended(process.exitcode, *((folder / f"{rank}{kind}").read_text() for kind in KINDS))
        for rank, process in enumerate(started)
    ]


KINDS = (".out", ".err")


def _be(
    environment: dict[str, str], path: Path, program: Callable[..., object], args: tuple
) -> None:
    os.environ |= environment
    for kind, descriptor in zip(KINDS, (1, 2), strict=True):
        with path.with_suffix(kind).open("wb") as file:
            os.dup2(file.fileno(), descriptor)
    code = program(*args)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code or 0)  # as the command line ends
