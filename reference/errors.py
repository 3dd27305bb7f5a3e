"""Errors that users can cause, in one line that says what to do, and the kinds of other errors."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType

# In the errors of torch, its allocators and libraries, the loader and threads.
OUT_OF_MEMORY = re.compile(
    r"bad_alloc|(not enough|out of|annot allocate|can't allocate) memory|_ALLOC_FAILED"
    r"|failed to map segment|can't start new thread"
)
# Only newer versions of torch have a class for these errors. The names are those of the libraries.
ACCELERATOR = re.compile(
    r"\b(CUDA|cuDNN|cuBLAS|NCCL|HIP|MIOpen|MPS|XPU|NPU)\b.*\b(error|out of memory)\b"
    r"|\bCU(DNN|BLAS)_STATUS_",
    re.IGNORECASE,
)


class InputError(ValueError):
    """An option, a file or a folder cannot be used. The command line exits with 2."""


class RunError(RuntimeError):
    """A run failed although its options are valid. The command line exits with 1."""


MAX_SHOWN = 400  # characters of a text from outside in a message


def shown(text: object) -> str:
    """Return a text from outside, such as a file's name, as a part of a one-line message.

    Control characters are escaped, so that it can neither break the line nor control the terminal,
    and the middle of a very long text is left out.
    """
    escaped = "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode("ascii")
        for char in str(text)
    )
    if len(escaped) <= MAX_SHOWN:
        return escaped
    return f"{escaped[: MAX_SHOWN // 2]}…{escaped[-MAX_SHOWN // 2 :]}"


def first_line(error: BaseException) -> str:
    """Return the first line of an error's message, or the name of its class if it has none."""
    return (str(error).splitlines() or [type(error).__name__])[0]


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether the machine or an accelerator has too little memory."""
    return isinstance(error, MemoryError) or bool(OUT_OF_MEMORY.search(str(error)))


def is_accelerator_error(error: BaseException) -> bool:
    """Return whether a GPU or another accelerator failed, or ran out of memory."""
    if any(kind.__name__ == "AcceleratorError" for kind in type(error).__mro__):  # since torch 2.8
        return True
    return isinstance(error, RuntimeError) and bool(ACCELERATOR.search(first_line(error)))


def is_importing(frame: FrameType | None) -> bool:
    """Return whether a frame runs inside an import, where a signal must not raise an exception.

    It can get lost in a library there, abort the process, or make an installation look broken.
    """
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False
