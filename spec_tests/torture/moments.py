"""Moments at which a process is killed or delayed, chosen before it starts."""

from __future__ import annotations

import os
import resource
import signal
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from spec_tests import paths
from spec_tests.torture import audit

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

KILLS = (-signal.SIGKILL, -signal.SIGALRM, -signal.SIGXFSZ)  # exit codes after a kill at a moment
UNITS = ("operation", "line", "millisecond", "byte")
REFERENCE = str(paths.REFERENCE)


@dataclass(frozen=True)
class Moment:
    """A moment in a process's life, counted from its start.

    Attributes:
        unit: "operation": before the process changes a file or a folder for the `number`th time;
            "line": before it executes the `number`th line of the reference;
            "millisecond": after so many of them;
            "byte": when a file would become longer than `number` bytes.
        number: from 1.
    """

    unit: str
    number: int

    def __str__(self) -> str:
        return f"{self.unit} {self.number}"

    def kill(self) -> None:
        """Let this process be killed at the moment."""
        if self.unit == "operation":
            before_operation(self.number, die)
        elif self.unit == "line":
            _before_line(self.number, die)
        elif self.unit == "millisecond":
            # The kernel ends the process, even in the middle of a long call.
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.setitimer(signal.ITIMER_REAL, self.number / 1000)
        else:
            # The kernel writes up to the limit, and ends the process at the next byte.
            resource.setrlimit(resource.RLIMIT_FSIZE, (self.number, self.number))
            signal.signal(signal.SIGXFSZ, signal.SIG_DFL)


def before_operation(number: int, act: Callable[[], object]) -> None:
    """Call a function in this process before the `number`th change of a file or folder."""
    count = 0

    def before() -> None:
        nonlocal count
        count += 1
        if count == number:
            act()

    audit.operation_hooks.append(before)
    fsync = os.fsync

    def counted_fsync(descriptor: int) -> None:  # raises no audit event
        before()
        fsync(descriptor)

    os.fsync = counted_fsync


def pause_before_operation(number: int, seconds: float) -> None:
    """Let this process wait before the `number`th change of a file or folder."""
    before_operation(number, lambda: time.sleep(seconds))


def die() -> None:
    """Kill this process at once, as `kill -9` does."""
    os.kill(os.getpid(), signal.SIGKILL)


def _before_line(number: int, act: Callable[[], object]) -> None:
    count = 0

    def in_reference(_frame: FrameType, event: str, _argument: object) -> Callable[..., object]:
        nonlocal count
        if event == "line":
            count += 1
            if count == number:
                act()
        return in_reference

    def in_call(frame: FrameType, _event: str, _argument: object) -> Callable[..., object] | None:
        return in_reference if frame.f_code.co_filename.startswith(REFERENCE) else None

    sys.settrace(in_call)
