"""The two sides of a comparison, the course's loop and the reference's, each in its own process.

How idle threads wait and whether malloc keeps freed memory are settings of the whole process: the
course's script uses the defaults, `course train` sets them. They must be set before torch is
imported, so this module does not import torch at its top.
"""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any, Self

from reference.app.process import prepare

if TYPE_CHECKING:
    from benchmarks.loops import Loop
    from reference.training.engine import Evaluation

LOOP: list[Loop] = []  # filled in the side's process only


class Side:
    """A new process that runs one loop; each method returns when the device has finished.

    Args:
        name: `course` or `reference`, a key of `LOOPS`.
        arguments: the arguments of the loop.
    """

    def __init__(self, name: str, *arguments: object) -> None:
        initializer = prepare if name == "reference" else None
        self._process = ProcessPoolExecutor(1, get_context("spawn"), initializer)
        self._process.submit(_start, name, *arguments).result()

    def take_steps(self, count: int) -> list[float]:
        """Take `count` steps, epoch after epoch, and return their losses."""
        losses: list[float] = self._call("take_steps", count)
        return losses

    def evaluate(self) -> Evaluation:
        """Evaluate the network on the test images."""
        evaluation: Evaluation = self._call("evaluate")
        return evaluation

    def train_epoch(self) -> Evaluation:
        """Train for one epoch, then evaluate."""
        evaluation: Evaluation = self._call("train_epoch")
        return evaluation

    def _call(self, method: str, *arguments: object) -> Any:  # noqa: ANN401 - what the method returns
        return self._process.submit(_call_loop, method, *arguments).result()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.shutdown()


def _start(name: str, *arguments: Any) -> None:
    from benchmarks.loops import LOOPS

    LOOP.append(LOOPS[name](*arguments))


def _call_loop(method: str, *arguments: object) -> object:
    from benchmarks.machine import synchronize

    result = getattr(LOOP[0], method)(*arguments)
    synchronize(LOOP[0].device.type)
    return result
