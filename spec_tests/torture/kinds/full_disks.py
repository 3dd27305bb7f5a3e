"""Disks that are full, in bytes or in files, and have room again when the run is continued."""

from __future__ import annotations

import ctypes
import functools
import os
import resource
from typing import TYPE_CHECKING, NamedTuple

from hypothesis import strategies as st

from spec_tests.torture import process
from spec_tests.torture.attempts import Attempt, Kind
from spec_tests.torture.kinds.kills import finish

if TYPE_CHECKING:
    from pathlib import Path

    from spec_tests.torture.samples import Samples

PAGE = 4096
MOST_PAGES = 500  # a finished run of the samples needs about 400
MOST_FILES = 14  # it has 10 files and folders
CLONE_NEWNS = 0x20000  # from sched.h
MS_REMOUNT, MS_REC, MS_PRIVATE = 32, 16384, 1 << 18  # from sys/mount.h


class Case(NamedTuple):
    """The size of a disk in pages and in files; 0: without limit."""

    pages: int
    files: int


def _cases(_samples: Samples) -> st.SearchStrategy[Case]:
    pages = st.integers(1, MOST_PAGES).map(lambda number: Case(number, 0))
    return pages | st.integers(2, MOST_FILES).map(lambda number: Case(0, number))


@functools.cache
def can_mount() -> bool:
    """Return whether this process may mount file systems, in a name space of its own."""

    def try_it() -> bool:
        try:
            _unshare()
        except OSError:
            return False
        return True

    return process.call(try_it)


def attempt(case: Case, place: Path, samples: Samples) -> Attempt:
    """Fill a disk with a run, make room, and continue the run."""
    if not can_mount():
        return _attempt_limited(case, place, samples)
    # The mount exists only for one process and its children, and vanishes with them.
    return process.call(lambda: _attempt_mounted(case, place, samples))


def _attempt_mounted(case: Case, place: Path, samples: Samples) -> Attempt:
    disk = place / "disk"
    disk.mkdir()
    _unshare()
    _mount(disk, f"size={case.pages * PAGE},nr_inodes={case.files}")
    done = Attempt()
    done.add(process.run(*samples.train(disk / "run"), folder=disk), codes=(0, 1, 2))
    _mount(disk, "size=0,nr_inodes=0", MS_REMOUNT)
    finish(done, disk / "run", disk, samples)
    return done


def _attempt_limited(case: Case, place: Path, samples: Samples) -> Attempt:
    """Limit the size of each file instead."""
    size = (case.pages or case.files) * PAGE
    limit = functools.partial(resource.setrlimit, resource.RLIMIT_FSIZE, (size, size))
    done = Attempt()
    arguments = samples.train(place / "run")
    done.add(process.run(*arguments, folder=place, prepare=limit), codes=(0, 1, 2))
    finish(done, place / "run", place, samples)
    return done


def _unshare() -> None:
    """Give this process its own name space of mounts."""
    _call_c("unshare", CLONE_NEWNS)
    _call_c("mount", b"none", b"/", None, MS_REC | MS_PRIVATE, None)


def _mount(folder: Path, options: str, flags: int = 0) -> None:
    _call_c("mount", b"tmpfs", os.fsencode(folder), b"tmpfs", flags, options.encode())


def _call_c(name: str, *arguments: object) -> None:
    if getattr(ctypes.CDLL(None, use_errno=True), name)(*arguments):
        error = ctypes.get_errno()
        raise OSError(error, f"{name}: {os.strerror(error)}")


KIND = Kind("full-disks", 5, 5, _cases, attempt)
