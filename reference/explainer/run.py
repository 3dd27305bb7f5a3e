"""Run a script as `python SCRIPT ARGS…` does, and learn how it ended.

Another Python process runs the script, with the same standard streams. It is an ordinary one: only
its first import, startup/sitecustomize.py, is ours.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from reference.explainer import startup
from reference.explainer.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import FrameType

STARTUP = str(Path(startup.__file__).parent)
COERCED = ("C.UTF-8", "C.utf8", "UTF-8")  # what Python makes of the locale C (PEP 538)

# A terminal sends these to all processes in its foreground; others are sent to one process only.
FROM_TERMINAL = {"SIGINT", "SIGQUIT"}
FORWARDED = ("SIGINT", "SIGQUIT", "SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2")


def run_script(script: str, arguments: Sequence[str]) -> Outcome:
    """Run a script to its end and return how it ended."""
    with tempfile.TemporaryDirectory(prefix="course-run-") as folder:
        report = Path(folder, "report")
        with _forwarded_signals() as children:
            command = [sys.executable, script, *arguments]
            environment = _environment(report)
            child = subprocess.Popen(command, env=environment, close_fds=False)  # noqa: S603
            children.append(child)
            code = child.wait()
        return Outcome.read(code, report)


def end_as(code: int) -> int:
    """Return the exit code for a child's; if a signal ended it, end this process by the signal."""
    if code >= 0:
        return code - 2**32 if code >= 2**31 else code  # Windows: as a signed number
    _no_core_dump()
    if -code not in {signal.SIGKILL, signal.SIGSTOP}:
        signal.signal(-code, signal.SIG_DFL)
    sys.stderr.flush()
    os.kill(os.getpid(), -code)
    return 128 - code  # as shells report it, if the signal was blocked


@contextmanager
def _forwarded_signals() -> Iterator[list[subprocess.Popen[bytes]]]:
    """Survive the signals that are meant for the child, and pass on those it does not get itself.

    A signal that this process ignores stays ignored, in the child, too.
    """
    children: list[subprocess.Popen[bytes]] = []
    in_foreground = _in_foreground()

    def forward(number: int, _frame: FrameType | None) -> None:
        if not (in_foreground and signal.Signals(number).name in FROM_TERMINAL):
            for child in children:
                child.send_signal(number)

    before = {}
    for name in FORWARDED:
        number = getattr(signal, name, None)  # Windows has only some
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            before[number] = signal.signal(number, forward)
    try:
        yield children
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _in_foreground() -> bool:
    """Return whether a terminal sends its signals to this process and its children."""
    try:
        with Path("/dev/tty").open("rb", buffering=0) as terminal:
            return os.tcgetpgrp(terminal.fileno()) == os.getpgrp()
    except AttributeError:
        return True  # Windows: a console sends Ctrl+C to all its processes
    except OSError:
        return False


def _environment(report: Path) -> dict[str, str]:
    """Return the environment of the child: this process's, and what the startup module needs."""
    environment = dict(os.environ)
    coerced = sys.flags.utf8_mode and environment.get("LC_CTYPE") in COERCED
    if coerced and "PYTHONUTF8" not in environment:
        del environment["LC_CTYPE"]  # this process's Python has set it, and the child's will
    path = environment.get("PYTHONPATH")
    environment["PYTHONPATH"] = f"{STARTUP}{os.pathsep}{path}" if path else STARTUP
    if path is not None:
        environment["COURSE_RUN_PYTHONPATH"] = path
    environment["COURSE_RUN_REPORT"] = str(report)
    return environment


def _no_core_dump() -> None:
    """Leave no core file of this process beside the child's."""
    try:
        import resource  # noqa: PLC0415
    except ImportError:  # Windows
        return
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
