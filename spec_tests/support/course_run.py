"""Run a script under `python` and under `course run`, and compare."""

import os
import re
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path

# As the program `course`: Python adds no working folder to sys.path, where modules may hide others.
COURSE_RUN = [sys.executable, "-P", "-m", "reference", "run"]


@dataclass(frozen=True)
class Ended:
    """What a process printed, without addresses in memory, and its exit code."""

    out: bytes
    err: bytes
    code: int


def ended(command: list[str], folder: Path, stdin: bytes = b"", **settings: str) -> Ended:
    environment = os.environ | settings
    done = subprocess.run(
        command, cwd=folder, input=stdin, capture_output=True, env=environment, check=False
    )
    out, err = (re.sub(rb"0x[0-9a-fA-F]+", b"0x", text) for text in (done.stdout, done.stderr))
    return Ended(out, err, done.returncode)


def written(folder: Path, code: str, name: str = "script.py") -> Path:
    path = folder / name
    path.write_text(textwrap.dedent(code), encoding="utf-8")
    return path


def both(folder: Path, *arguments: str, **settings: str) -> tuple[Ended, Ended]:
    """Return how a script ended under python, and how under `course run`."""
    stdin = "# 一行\n".encode()
    expected = ended([sys.executable, *arguments], folder, stdin, **settings)
    return expected, ended([*COURSE_RUN, *arguments], folder, stdin, **settings)


def assert_same(folder: Path, *arguments: str, **settings: str) -> Ended:
    expected, found = both(folder, *arguments, **settings)
    assert found == expected
    return expected


def assert_explained(folder: Path, *arguments: str, **settings: str) -> str:
    """Check that the explanation follows what python prints; return it."""
    expected, found = both(folder, *arguments, **settings)
    assert (found.out, found.code) == (expected.out, expected.code)
    assert found.err.startswith(expected.err)
    explained = found.err.removeprefix(expected.err).decode()
    assert explained.startswith("\ncourse: ")
    return explained
