"""What a process that trains is told about its threads and its memory.

Both are for the whole process, so whoever starts it decides: `course` does, the modules that it
calls do not. What the user's environment says goes first.
"""

from __future__ import annotations

import ctypes
import os
import sys

THREADS = ("GOMP_", "KMP_", "MKL_", "OMP_")
MEMORY = ("GLIBC_TUNABLES", "MALLOC_")
SPINS = "5000"  # about 0.1 ms, more than the gap between two operations
M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # of malloc.h


def is_set(prefixes: tuple[str, ...]) -> bool:
    """Say whether the environment has a variable whose name starts so."""
    return any(name.startswith(prefixes) for name in os.environ)


def let_idle_threads_sleep() -> None:
    """Keep waiting threads from spinning for long: beside another busy process, that costs much.

    OpenMP reads this when torch is imported, so later it is left alone.
    """
    if "torch" not in sys.modules and not is_set(THREADS):
        os.environ["OMP_WAIT_POLICY"] = "passive"
        os.environ["GOMP_SPINCOUNT"] = SPINS  # not at once: to wake a thread takes longer


def keep_freed_memory() -> None:
    """Let the C library keep what a training step frees for the next step.

    Left alone, glibc gives the large blocks back to the kernel, which clears them page by page
    when the next step asks for them anew. Other C libraries have no such switch.

    Source: the manual page mallopt(3).
    """
    if sys.platform == "linux" and not is_set(MEMORY):
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
        if mallopt is not None:
            mallopt(M_MMAP_MAX, 0)
            mallopt(M_TRIM_THRESHOLD, -1)
