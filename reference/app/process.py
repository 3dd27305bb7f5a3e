"""Configure OpenMP's waiting, malloc and interrupts before torch is imported.

These settings affect the whole process. Therefore only the program `course` applies them, not other
programs that import its modules, and only if the user's environment does not already set them.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import threading
from typing import TYPE_CHECKING

from reference.errors import is_importing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

THREAD_VARIABLES = ("GOMP_", "KMP_", "MKL_", "OMP_")  # prefixes
MEMORY_VARIABLES = ("GLIBC_TUNABLES", "MALLOC_")

# Idle threads spin 5,000 times, about 0.1 ms, and then sleep. Spinning longer slows down other busy
# processes on the same cores; sleeping at once would cost a wake-up after every short gap between
# two operations.
IDLE_THREADS = {"OMP_WAIT_POLICY": "passive", "GOMP_SPINCOUNT": "5000"}

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # from malloc.h


def prepare() -> None:
    """Configure how threads wait and how memory is freed, unless torch is already imported."""
    os.environ |= idle_thread_variables()
    if "torch" not in sys.modules and not _is_set(MEMORY_VARIABLES):
        keep_freed_memory()


def idle_thread_variables() -> dict[str, str]:
    """Return the environment variables for idle threads that should still be set.

    OpenMP reads them when torch is imported. There are none if that has happened, or if the user
    has set any variable about threads.
    """
    return {} if "torch" in sys.modules or _is_set(THREAD_VARIABLES) else dict(IDLE_THREADS)


def _is_set(prefixes: tuple[str, ...]) -> bool:
    return any(name.startswith(prefixes) for name in os.environ)


def keep_freed_memory() -> None:
    """Keep the memory that a training step frees for the next step.

    By default glibc returns large blocks to the kernel, which must map and clear their pages again
    for the next step. Other C libraries have no such setting.

    Source: the manual page mallopt(3).
    """
    if sys.platform == "linux":
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
        if mallopt is not None:
            mallopt(M_MMAP_MAX, 0)
            mallopt(M_TRIM_THRESHOLD, -1)


@contextlib.contextmanager
def interruptible_imports() -> Iterator[None]:
    """End the process at once if it is interrupted while it imports a module."""
    in_main_thread = threading.current_thread() is threading.main_thread()
    if not in_main_thread or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    signal.signal(signal.SIGINT, _interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _interrupt(number: int, frame: FrameType | None) -> None:
    if is_importing(frame):
        os.write(2, b"course: interrupted\n")
        os._exit(130)
    signal.default_int_handler(number, frame)
