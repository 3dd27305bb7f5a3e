"""Locks between processes: empty files that one process at a time holds."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from reference.errors import InputError
from reference.files import is_plain

if TYPE_CHECKING:
    from pathlib import Path


def is_lock(path: Path) -> bool:
    """Return whether a file can be one of `lock`: those are empty."""
    return is_plain(path) and not path.stat().st_size


def lock(path: Path, seconds: float = 0) -> FileLock | None:
    """Create and lock an empty file.

    Args:
        path: the file.
        seconds: how long to wait for another process that holds the lock.

    Returns:
        The lock; None if another process still holds it.

    Raises:
        InputError: another file has this name, or the file cannot be locked.
    """
    if os.path.lexists(path) and not is_lock(path):  # some versions of filelock would empty it
        raise InputError(f"{path} is in the way, this program needs the name: move it away")
    file_lock = FileLock(path)
    try:
        file_lock.acquire(timeout=seconds)
    except Timeout:
        return None
    except (OSError, NotImplementedError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(
            f"{path} cannot be locked ({reason}): check its permissions, or choose a folder on "
            "another disk"
        ) from error
    return file_lock
