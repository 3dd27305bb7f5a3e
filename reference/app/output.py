"""What the program prints: answers, and one line for each error or notice.

Texts from outside, such as the names of files, may contain anything: control characters are escaped
here, so that they can neither break a line nor control the terminal.
"""

from __future__ import annotations

import errno
import io
import json
import logging
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from reference.errors import InputError, first_line, is_accelerator_error, is_out_of_memory

if TYPE_CHECKING:
    from types import TracebackType

MAX_MESSAGE = 1000  # characters; the middle of a longer message is left out
# All but tabs, line ends and, in a diff, carriage returns before those.
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]|\r(?!\n|\Z)")

FULL = {errno.ENOSPC, errno.EIO, errno.EFBIG, getattr(errno, "EDQUOT", None)}  # not on Windows


class _StderrHandler(logging.Handler):
    """A handler that prints what the modules of the reference log, one line each."""

    def emit(self, record: logging.LogRecord) -> None:
        print_line(record.getMessage())


def prepare_streams(*, silent: bool) -> None:
    """Let every encoding print Chinese, and print what is logged.

    Args:
        silent: print nothing at all.
    """
    if silent:
        sys.stdout = sys.stderr = None
    # They are also None if there is no console, for example under pythonw.
    sys.stdout, sys.stderr = (stream or _devnull() for stream in (sys.stdout, sys.stderr))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # for a terminal without Chinese
    logging.getLogger("reference").handlers[:] = [_StderrHandler()]


def _devnull() -> TextIO:
    return Path(os.devnull).open("w", encoding="utf-8")


def as_json(value: object) -> str:
    """Return an answer as JSON, in ASCII if standard output cannot encode everything.

    Raises:
        ValueError: the answer contains NaN or Infinity, which are not JSON.
    """
    unicode = (getattr(sys.stdout, "encoding", None) or "").lower().startswith("utf")
    return json.dumps(value, ensure_ascii=not unicode, allow_nan=False)


def print_text(text: str) -> None:
    """Print an answer on standard output.

    Raises:
        BrokenPipeError: nobody reads it any more.
        InputError: it cannot be written.
    """
    try:
        print(CONTROL.sub(_escaped, text), flush=True)
    except BrokenPipeError:
        sys.stdout = _devnull()  # the flush at exit must not fail again
        raise
    except OSError as error:
        sys.stdout = _devnull()
        raise InputError(
            f"standard output cannot be written ({error.strerror}): redirect it elsewhere"
        ) from error


def print_line(message: object) -> None:
    """Print a message on standard error as one line."""
    text = str(message).replace("\n", " ")
    line = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
    if len(line) > MAX_MESSAGE:
        line = f"{line[: MAX_MESSAGE // 2]} … {line[-MAX_MESSAGE // 2 :]}"
    print(f"course: {line}", file=sys.stderr)


def print_explanation(text: str) -> None:
    """Print lines on standard error, after a script's own; nothing if they cannot be written."""
    try:
        print(CONTROL.sub(_escaped, text), end="", file=sys.stderr, flush=True)
    except OSError:
        sys.stderr = _devnull()  # the flush at exit must not fail again


def _escaped(found: re.Match[str]) -> str:
    return ascii(found[0])[1:-1]


def explain_system_error(error: Exception) -> tuple[str, int] | None:
    """Return a message and an exit code for an error of the machine or the installation.

    Returns:
        None if it is an error of this program.
    """
    reason = first_line(error)
    if is_out_of_memory(error):
        return f"out of memory ({reason}): close other programs, or use a smaller batch", 1
    if is_accelerator_error(error):
        return f"the accelerator failed ({reason}): --device cpu works everywhere", 1
    if isinstance(error, OSError):
        return _file_error(error)
    if isinstance(error, ImportError) or "torchvision::" in str(error):
        return f"the installation is broken ({error}): run course doctor", 1
    if _is_during_import(error.__traceback__):
        advice = "unset environment variables such as TORCH_* or TQDM_*, or run course doctor"
        return f"an import failed ({type(error).__name__}: {reason}): {advice}", 1
    return None


def _file_error(error: OSError) -> tuple[str, int]:
    code = 1 if error.errno in FULL else 2
    if error.filename:
        return f"{error.filename}: {error.strerror}", code
    if code == 1:
        return f"a file cannot be written ({error.strerror}): free space, or raise the limit", code
    return f"a file or folder cannot be used ({error})", code


def _is_during_import(traceback: TracebackType | None) -> bool:
    """Return whether an error was raised while a module was imported."""
    while traceback is not None:  # Python leaves its own frames of the import out
        if traceback.tb_frame.f_code.co_name == "<module>":
            return True
        traceback = traceback.tb_next
    return False
