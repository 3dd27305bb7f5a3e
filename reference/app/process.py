"""What `course` tells its process about threads and memory, before torch is imported.

Both hold for the whole process, so a program that calls the modules of `course` is left alone, and
so is whatever the user's environment speaks of.
"""

from __future__ import annotations

import ctypes
import os
import sys

THREADS = ("GOMP_", "KMP_", "MKL_", "OMP_")
MEMORY = ("GLIBC_TUNABLES", "MALLOC_")
SPINS = "5000"  # about 0.1 ms, more than the gap between two operations
M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # of malloc.h


def prepare() -> None:
    """Choose how threads wait and what becomes of freed memory, unless torch is here already."""
    if "torch" in sys.modules:
        return
    if not _is_set(THREADS):
        let_idle_threads_sleep()
    if not _is_set(MEMORY):
        keep_freed_memory()


def _is_set(prefixes: tuple[str, ...]) -> bool:
    return any(name.startswith(prefixes) for name in os.environ)


def let_idle_threads_sleep() -> None:
    """Keep waiting threads from spinning for long: beside another busy process, that costs much.

    OpenMP reads this when torch is imported. They do not sleep at once: to wake them takes longer.
    """
    os.environ["OMP_WAIT_POLICY"] = "passive"
    os.environ["GOMP_SPINCOUNT"] = SPINS


def keep_freed_memory() -> None:
    """Let the C library keep what a training step frees for the next step.

    Left alone, glibc gives large blocks back to the kernel, which clears them page by page when
    the next step asks for them anew. Other C libraries have no such switch.

    Source: the manual page mallopt(3).
    """
    if sys.platform == "linux":
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
        if mallopt is not None:
            mallopt(M_MMAP_MAX, 0)
            mallopt(M_TRIM_THRESHOLD, -1)
