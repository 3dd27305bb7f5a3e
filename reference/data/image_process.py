"""Reading images in another process, which is limited in memory and time.

Pillow's decoders are C libraries. A file can make one run for minutes, take gigabytes, crash, or
print lines of its own, and none of this can be prevented within the same process. In a process of
its own it becomes an error for that one image. That process imports no torch and starts in 0.1 s.

The two processes exchange lines of JSON: a path and a size, then the pixels or an error.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from contextlib import suppress
from threading import Timer
from typing import TYPE_CHECKING, cast

from PIL import Image

from reference.data.images import TOO_LARGE, read_upright
from reference.errors import InputError, shown

if sys.platform != "win32":
    import resource

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType
    from typing import IO, Self

MEMORY = 2**30  # bytes of address space: room for two copies of the most pixels that Pillow opens
SECONDS = 10  # for one image; intact photographs of 89 million pixels take up to 4
# Finds modules where this process does; the working directory, which -P leaves out, may contain a
# json.py of a stranger.
PROGRAM = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from reference.data.image_process import serve; serve()"
)


class ImageProcess:
    """A context manager: it reads images in another process, started when needed.

    Args:
        size: width and height of the images that are returned.
    """

    def __init__(self, size: tuple[int, int]) -> None:
        self.size = size
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stop()

    def read(self, path: Path | str) -> Image.Image:
        """Return the image in a file in RGB, upright, and scaled to the size.

        Raises:
            InputError: there is no such file, it is not an image, is damaged or exceeds a limit.
        """
        process = self._process = self._process or _start()
        end = time.monotonic() + SECONDS
        timer = Timer(SECONDS, process.kill)
        timer.start()
        try:
            answer = _ask(process, json.dumps([os.fspath(path), self.size]))
        finally:
            timer.cancel()
        late = time.monotonic() >= end
        if late or not answer:
            self._stop()  # the next image gets a new process
        if not answer:
            cause = f"it takes longer than {SECONDS} seconds" if late else "its decoder crashed"
            raise InputError(f"{shown(path)} cannot be read as an image: {cause}")
        if "error" in answer:
            raise InputError(answer["error"])
        return Image.frombytes("RGB", self.size, bytes.fromhex(answer["pixels"]))

    def _stop(self) -> None:
        if self._process:
            self._process.kill()
            with suppress(OSError), self._process:  # closes its pipes and waits for its end
                self._process = None


def _start() -> subprocess.Popen[str]:
    return subprocess.Popen(  # noqa: S603 - Python itself
        [sys.executable, "-P", "-c", PROGRAM, json.dumps(sys.path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # libtiff prints there
        encoding="ascii",
    )


def _ask(process: subprocess.Popen[str], request: str) -> dict[str, str]:
    """Return the process's answer, which is empty if the process died."""
    requests, answers = cast("IO[str]", process.stdin), cast("IO[str]", process.stdout)
    try:
        print(request, file=requests, flush=True)
    except OSError:
        return {}
    line = answers.readline()
    answer: dict[str, str] = json.loads(line) if line.endswith("\n") else {}
    return answer


def serve() -> None:
    """Answer requests until standard input ends; this runs in the other process."""
    _limit()
    answers = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(2, 1)  # what a library prints must not be taken for an answer
    for request in sys.stdin:
        path, size = json.loads(request)
        try:
            image = read_upright(path).resize(size, Image.Resampling.BILINEAR)
            answer = {"pixels": image.tobytes().hex()}
        except InputError as error:
            answer = {"error": str(error)}
        except MemoryError:
            answer = {"error": f"{shown(path)} {TOO_LARGE}"}
        print(json.dumps(answer), file=answers, flush=True)


def _limit() -> None:
    """Limit the memory, and let a crash leave no core file; Windows can do neither."""
    if sys.platform == "win32":
        return
    for limit, value in ((resource.RLIMIT_AS, MEMORY), (resource.RLIMIT_CORE, 0)):
        soft, hard = resource.getrlimit(limit)
        lowest = min(n for n in (value, soft, hard) if n != resource.RLIM_INFINITY)
        with suppress(OSError, ValueError):  # macOS refuses a limit below what is mapped already
            resource.setrlimit(limit, (lowest, hard))
