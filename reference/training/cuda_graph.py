"""A training step as one CUDA graph: its many small kernels are launched at once.

A step of the course's network takes a GPU less time than Python takes to ask for it. A graph is
recorded once, and from then on replayed with new images in the same places of memory.

Source: PyTorch's notes on CUDA semantics, "CUDA Graphs", whole-network capture.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import torch

from reference.errors import RunError

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from reference.data.loaders import Batch

    Step = Callable[[Batch], Tensor]

WARM_UP = 3  # steps before the capture, in which libraries choose and allocate


class GraphedStep:
    """Takes training steps; after the first few, by replaying a CUDA graph.

    Each call is a real step: the first ones run operation by operation, as does each incomplete
    batch. The learning rate and the network's mode are those of the capture.

    Args:
        step: takes one step on a batch and returns the loss; waits for nothing on the device.
        batch_size: of the batches to replay; any other size is incomplete.
    """

    def __init__(self, step: Step, batch_size: int) -> None:
        self._step = step
        self._batch_size = batch_size
        self._warm_up = WARM_UP
        self._replay: Callable[[], Tensor] | None = None

    def __call__(self, batch: Batch) -> Tensor:
        """Take a step.

        Args:
            batch: images and labels on the CUDA device, as `train_step` takes them.

        Returns:
            The loss before the step, a scalar on the device.

        Raises:
            RunError: the step cannot be captured.
        """
        if len(batch[1]) != self._batch_size:
            return self._step(batch)
        if self._warm_up:
            self._warm_up -= 1
            return on_side_stream(lambda: self._step(batch))
        if self._replay is None:
            self._images, self._targets = map(torch.empty_like, batch)
            self._replay = capture(lambda: self._step((self._images, self._targets)))
        self._images.copy_(batch[0])
        self._targets.copy_(batch[1])
        return self._replay()


@functools.cache
def side_stream() -> torch.cuda.Stream:
    """Return a stream of its own, always the same: memory belongs to the stream that asked."""
    return torch.cuda.Stream()


def on_side_stream(work: Callable[[], Tensor]) -> Tensor:
    """Do some work beside the main stream, to which what autograd keeps must not belong."""
    current, side = torch.cuda.current_stream(), side_stream()
    side.wait_stream(current)
    with torch.cuda.stream(side):
        result = work()
    current.wait_stream(side)
    return result


def capture(work: Callable[[], Tensor]) -> Callable[[], Tensor]:
    """Record some work, which is not done by that, and return what does it.

    Args:
        work: reads and writes the same memory each time; no operation in it waits for the device.

    Returns:
        A function that does the work and returns a copy of its result.

    Raises:
        RunError: something in it cannot be recorded.
    """
    graph = torch.cuda.CUDAGraph()
    try:
        with torch.cuda.graph(graph):
            result = work()
    except RuntimeError as error:
        cause: BaseException = error
        while cause.__context__:  # the first one; what ends the capture fails thereupon
            cause = cause.__context__
        reason = str(cause).splitlines()[0]
        raise RunError(f"no CUDA graph of a training step ({reason}): add --eager") from error

    def replay() -> Tensor:
        graph.replay()
        return result.clone()

    return replay
