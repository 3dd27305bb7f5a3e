"""The course's loop and the reference's, each in a process of its own, as a user starts it.

How threads wait and what becomes of freed memory are settings of a whole process: the course's
script takes them as they are, `course train` chooses them. Nothing here imports torch, which must
come after that choice.
"""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any, Self

from reference.app.process import prepare

if TYPE_CHECKING:
    from benchmarks.loops import Loop
    from reference.training.engine import Evaluation

LOOP: list[Loop] = []  # in the side's own process


class Side:
    """A fresh process that runs a loop; each method returns when the device is done.

    Args:
        name: `course` or `reference`.
        arguments: those of the loop.
    """

    def __init__(self, name: str, *arguments: object) -> None:
        settings = prepare if name == "reference" else None
        self._process = ProcessPoolExecutor(1, get_context("spawn"), settings)
        self._process.submit(_start, name, *arguments).result()

    def take(self, count: int) -> list[float]:
        """Take so many steps, epoch after epoch, and return their losses."""
        return self._ask("take", count)

    def evaluate(self) -> Evaluation:
        """Test the network."""
        return self._ask("evaluate")

    def epoch(self) -> Evaluation:
        """Train for an epoch, and test."""
        return self._ask("epoch")

    def _ask(self, method: str, *arguments: object) -> Any:  # noqa: ANN401 - what the method returns
        return self._process.submit(_do, method, *arguments).result()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.shutdown()


def _start(name: str, *arguments: Any) -> None:
    from benchmarks.loops import LOOPS

    LOOP.append(LOOPS[name](*arguments))


def _do(method: str, *arguments: object) -> object:
    from benchmarks.machine import synchronize

    result = getattr(LOOP[0], method)(*arguments)
    synchronize(LOOP[0].device.type)
    return result
