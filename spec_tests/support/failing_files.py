"""Let files fail to be read, although they are sound."""

import errno
import io
import os
from collections.abc import Callable
from pathlib import Path

import pytest


class _FailingDisk(io.FileIO):
    """A file on a disk that fails after some reads of 8 KiB."""

    reads = 0

    def readinto(self, buffer: bytearray) -> int:
        _FailingDisk.reads -= 1
        return super().readinto(buffer) if _FailingDisk.reads >= 0 else fail_with(errno.EIO)()


def fail_after(reads: int, patch: pytest.MonkeyPatch) -> None:
    """Let every file that is opened fail after some reads."""
    patch.setattr(_FailingDisk, "reads", reads)
    patch.setattr(Path, "open", lambda path, _mode: io.BufferedReader(_FailingDisk(path)))


def fail_with(number: int) -> Callable[..., int]:
    """Return a function that raises the operating system's error of this number."""

    def fail(*_: object) -> int:
        raise OSError(number, os.strerror(number))

    return fail


def contradict_torch(patch: pytest.MonkeyPatch) -> None:
    """Set environment variables with which torch.load refuses every file."""
    for name in ("WEIGHTS_ONLY", "NO_WEIGHTS_ONLY"):
        patch.setenv(f"TORCH_FORCE_{name}_LOAD", "1")
