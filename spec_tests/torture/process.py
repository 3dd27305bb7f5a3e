"""Run the program in forked processes, so that torch is imported once for thousands of attempts."""

from __future__ import annotations

import contextlib
import ctypes
import faulthandler
import gc
import io
import os
import pickle
import resource
import select
import signal
import sys
import time
import traceback
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, TypeVar

from spec_tests.torture import audit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    T = TypeVar("T")

SECONDS = 20  # after which a process is killed
BYTES = 2 * 10**9  # that a process may take
KILL_BYTES = 3 * 10**9  # at which it is killed, before it takes the machine's memory
FILE_BYTES = 2**30  # the largest file that it may write
STAND_IN_IMAGES = 8  # in each file of the stand-in
LOG_EVERY = 2  # steps; the samples' run has five in an epoch
HARNESS_FAILED = 70  # exit code (EX_SOFTWARE of sysexits.h)
PR_SET_PDEATHSIG = 1  # from sys/prctl.h
QUIET_WARNINGS = (DeprecationWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning)


@dataclass(frozen=True)
class Outcome:
    """What became of a process.

    Attributes:
        arguments: its command line.
        code: its exit code; negative, the signal that ended it.
        out, err: what it printed.
        events: the audit events that it must not raise.
        peak_bytes: its largest memory, including torch's.
        seconds: how long it took.
        stopped: why it was killed: "too slow", "too large", or "" if it was not.
    """

    arguments: tuple[str, ...]
    code: int
    out: str
    err: str
    events: tuple[str, ...]
    peak_bytes: int
    seconds: float
    stopped: str = ""


class Process:
    """A running process of the program.

    Args:
        arguments: the command line of `course`.
        folder: the working folder; nothing may be written outside it.
        prepare: called in the process first: to arrange when it is killed, for example.
        environment: additional environment variables.
        distributed: whether the process may use Python's pickle and connect to others, as torch's
            functions for several processes do.
    """

    def __init__(
        self,
        *arguments: str | Path,
        folder: Path,
        prepare: Callable[[], object] | None = None,
        environment: Mapping[str, str] | None = None,
        distributed: bool = False,
    ) -> None:
        self.arguments = tuple(map(str, arguments))
        self._files = {name: os.memfd_create(name) for name in ("out", "err", "events")}
        self._start = time.monotonic()
        self.pid = os.fork()
        if self.pid == 0:
            _limit_process()
            _redirect(self._files["out"], self._files["err"])
            os.environ |= environment or {}
            os.chdir(folder)
            events = self._files["events"]
            _become_program(self.arguments, folder, events, prepare, distributed=distributed)
        self._descriptor = os.pidfd_open(self.pid)

    def wait(self, seconds: float = SECONDS) -> Outcome:
        """Wait for its end; kill it if it takes too long or too much memory."""
        stopped = ""
        while not self.ended(0.05):
            if time.monotonic() - self._start > seconds:
                stopped = "too slow"
            elif _resident_bytes(self.pid) > KILL_BYTES:
                stopped = "too large"
            if stopped:
                self.kill()
                break
        _, status, usage = os.wait4(self.pid, 0)
        os.close(self._descriptor)
        texts = {name: _read(descriptor) for name, descriptor in self._files.items()}
        return Outcome(
            self.arguments,
            os.waitstatus_to_exitcode(status),
            texts["out"],
            texts["err"],
            tuple(texts["events"].splitlines()),
            usage.ru_maxrss * 1024,
            time.monotonic() - self._start,
            stopped,
        )

    def kill(self) -> None:
        """Kill it and the processes that it has started."""
        for kill in (os.killpg, os.kill):
            with contextlib.suppress(ProcessLookupError):
                kill(self.pid, signal.SIGKILL)

    def ended(self, seconds: float) -> bool:
        """Wait for its end for some seconds, and return whether it has ended."""
        return bool(select.select([self._descriptor], [], [], seconds)[0])


def run(
    *arguments: str | Path, folder: Path, prepare: Callable[[], object] | None = None
) -> Outcome:
    """Run `course ARGUMENTS` in a folder and wait for its end."""
    return Process(*arguments, folder=folder, prepare=prepare).wait()


def call(function: Callable[[], T]) -> T:
    """Call a function in a forked process and return what it returns.

    Raises:
        RuntimeError: it failed.
    """
    result = os.memfd_create("result")
    pid = os.fork()
    if pid == 0:
        _limit_process()
        code = HARNESS_FAILED
        try:
            warnings.simplefilter("ignore")
            data = pickle.dumps(function())
            with os.fdopen(result, "wb", closefd=False) as file:
                file.write(data)
            code = 0
        except BaseException:  # noqa: BLE001 - the parent reports it
            traceback.print_exc()
        finally:
            os._exit(code)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    os.lseek(result, 0, os.SEEK_SET)
    with os.fdopen(result, "rb") as file:
        if status:
            raise RuntimeError(f"a process of the harness ended with {status}")
        return pickle.load(file)


def _limit_process() -> None:
    """Make a process end with its parent, and keep it from filling the disk."""
    faulthandler.disable()  # pytest enables it
    os.setpgid(0, 0)
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    resource.setrlimit(resource.RLIMIT_FSIZE, (FILE_BYTES, FILE_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _redirect(out: int, err: int) -> None:
    """Replace the standard streams as a shell's redirections do."""
    with Path(os.devnull).open("rb") as devnull:
        os.dup2(devnull.fileno(), 0)
    os.dup2(out, 1)
    os.dup2(err, 2)
    sys.stdout = sys.__stdout__ = io.TextIOWrapper(io.FileIO(1, "w", closefd=False), "utf-8")
    sys.stderr = sys.__stderr__ = io.TextIOWrapper(
        io.FileIO(2, "w", closefd=False), "utf-8", "backslashreplace", write_through=True
    )


def _become_program(
    arguments: tuple[str, ...],
    folder: Path,
    events: int,
    prepare: Callable[[], object] | None,
    *,
    distributed: bool,
) -> NoReturn:
    code = HARNESS_FAILED
    try:
        # Pytest turns warnings into errors, which the program does not.
        warnings.resetwarnings()
        for category in QUIET_WARNINGS:
            warnings.simplefilter("ignore", category)
        gc.callbacks.clear()  # hypothesis's, in which a signal's exception would be lost
        _quicken()
        audit.watch(folder, events, distributed=distributed)
        if prepare:
            prepare()
        from reference.cli import main  # noqa: PLC0415 - `prepare` may change the reference first

        code = main(arguments)
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 1
    except BaseException:  # noqa: BLE001 - Python prints a traceback and exits with 1
        traceback.print_exc()
        code = 1
    finally:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
        os._exit(code)


def _quicken() -> None:
    """Draw a small stand-in on first use, log more often, and skip TensorBoard's graph.

    This changes modules of the reference in this process only; the program has no such settings.
    """
    import torch  # noqa: PLC0415 - imported already by whoever forks

    from reference.data import synthetic_cifar10  # noqa: PLC0415 - imports torch
    from reference.training import board, trainer  # noqa: F401, PLC0415 - as above

    torch.set_num_threads(1)  # OpenMP's threads do not survive a fork
    sizes = synthetic_cifar10.IMAGES_PER_FILE  # the default of the functions that draw it
    sizes.update(dict.fromkeys(sizes, STAND_IN_IMAGES))
    modules = [module for name, module in sys.modules.items() if name.startswith("reference.")]
    users = [module for module in modules if hasattr(module, "LOG_EVERY")]
    if not users:
        raise AttributeError("the reference's LOG_EVERY has another name now")
    for module in users:  # it is imported by name
        module.LOG_EVERY = LOG_EVERY
    board.Board.add_graph = lambda *_: None  # takes 0.14 of the 0.35 seconds of a short run


def _resident_bytes(pid: int) -> int:
    try:
        pages = Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]
    except OSError:  # it has just ended
        return 0
    return int(pages) * resource.getpagesize()


def _read(descriptor: int) -> str:
    os.lseek(descriptor, 0, os.SEEK_SET)
    with os.fdopen(descriptor, "rb") as file:
        return file.read().decode("utf-8", "replace")
