"""Workers with torchrun's environment, forked after torch is imported so that they start fast."""

import multiprocessing
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from torch.distributed import TCPStore

TIMEOUT = 120  # seconds; generous, for a busy machine
OUTPUTS = (".out", ".err")  # suffixes of the files with standard output and standard error


class Result(NamedTuple):
    """The exit code and output of a process; a signal that ended it is a negative `code`."""

    code: int
    out: str
    err: str


def run_ranks(
    world: int, folder: Path, program: Callable[..., object], *args: object
) -> list[Result]:
    """Run a program in each of `world` processes, wait for them and return their results.

    Args:
        world: the number of processes.
        folder: for the files with their output.
        program: a module-level function; it returns the exit code, None for 0.
        args: its arguments.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(
        ["reference.training.trainer", "torch._dynamo", program.__module__]
    )
    folder.mkdir(parents=True, exist_ok=True)
    # torchrun's agent also hosts the store, so that it outlives every rank.
    store = TCPStore("localhost", 0, is_master=True, wait_for_workers=False)
    environment = {
        "WORLD_SIZE": str(world),
        "LOCAL_WORLD_SIZE": str(world),
        "MASTER_ADDR": "localhost",
        "MASTER_PORT": str(store.port),
        "TORCHELASTIC_RUN_ID": "test",
        "TORCHELASTIC_RESTART_COUNT": "0",
        "TORCHELASTIC_USE_AGENT_STORE": "True",
    }
    processes = []
    for rank in map(str, range(world)):
        variables = environment | {"RANK": rank, "LOCAL_RANK": rank}
        process = context.Process(target=_run_rank, args=(variables, folder / rank, program, args))
        processes.append(process)
    try:
        for process in processes:
            process.start()
        for process in processes:
            process.join(TIMEOUT)
    finally:
        for process in processes:
            process.kill()
            process.join()
    return [
        Result(process.exitcode, *((folder / f"{rank}{kind}").read_text() for kind in OUTPUTS))
        for rank, process in enumerate(processes)
    ]


def _run_rank(
    environment: dict[str, str], path: Path, program: Callable[..., object], args: tuple
) -> None:
    os.environ |= environment
    for kind, descriptor in zip(OUTPUTS, (1, 2), strict=True):
        with path.with_suffix(kind).open("wb") as file:
            os.dup2(file.fileno(), descriptor)
    code = program(*args)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code or 0)  # as in cli.main: Python's shutdown could wait for a lost rank
