"""Files: read only when they are plain files of a sensible size, and written atomically."""

from __future__ import annotations

import contextlib
import os
import re
import stat
from typing import TYPE_CHECKING

from reference.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PART = re.compile(r"\..+\.[0-9a-f]{16}\.part", re.DOTALL)  # a temporary file of `atomic_write`


def check_regular(path: Path, max_bytes: int | None = None) -> None:
    """Raise an error if reading a file could block or never end.

    Args:
        path: the file.
        max_bytes: the largest size allowed; by default any.

    Raises:
        InputError: it is a FIFO, a device or a socket, or it is larger.
        OSError: it is missing or cannot be accessed.
    """
    status = path.stat()
    if not (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)):  # open() fails on those
        raise InputError(f"{path} is not a regular file: give a file")
    if max_bytes is not None and status.st_size > max_bytes:
        raise InputError(f"{path} has {status.st_size} bytes, more than {max_bytes}: it is damaged")


def read_regular(path: Path, max_bytes: int) -> bytes:
    """Return the content of a file; the errors are those of `check_regular`."""
    check_regular(path, max_bytes)
    with path.open("rb") as file:
        return file.read(max_bytes)


@contextlib.contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Yield a temporary path to write to, which replaces `path` when the block ends without error.

    If the process is killed at any moment, `path` is either the old file or the complete new one.
    """
    # In the same folder: a rename across disks is not atomic. The name cannot be guessed, and the
    # file must be new: a link that someone planted there would redirect the write to its target.
    part = path.with_name(f".{path.name}.{os.urandom(8).hex()}.part")
    os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
    try:
        yield part
        with part.open("rb") as file:
            os.fsync(file.fileno())  # before the rename, or a power cut could leave an empty file
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def new_folder(base: Path) -> Path:
    """Create a folder and return it; if it exists already, `base`-2, `base`-3 and so on."""
    folder, number = base, 1
    while True:
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            number += 1
            folder = base.with_name(f"{base.name}-{number}")
        else:
            return folder


def is_part(path: Path) -> bool:
    """Return whether `atomic_write` made a file; users have others whose names end in .part."""
    return bool(PART.fullmatch(path.name)) and is_plain(path)


def remove_parts(folder: Path) -> None:
    """Delete what `atomic_write` left behind in a folder when its process was killed."""
    for path in list(folder.iterdir()):  # not glob, which finds nothing in an unreadable folder
        if is_part(path):
            path.unlink(missing_ok=True)


def is_plain(path: Path) -> bool:
    """Return whether a path is a regular file, and not a link to one."""
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except FileNotFoundError:
        return False
