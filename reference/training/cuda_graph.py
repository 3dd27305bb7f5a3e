"""A training step as one CUDA graph: all its kernels are launched by one call.

A GPU computes a step of the course's network faster than Python launches its kernels. A graph is
captured once and then replayed, each time with new images copied to the same memory.

Source: PyTorch's notes on CUDA semantics, "CUDA Graphs", whole-network capture.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import torch

from reference.errors import RunError, first_line, is_out_of_memory

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from reference.data.loaders import Batch

    Step = Callable[[Batch], Tensor]

# Steps before the capture. In them cuDNN chooses its algorithms, cuBLAS allocates its workspace and
# lazy initialisation takes place: work that waits for the device, which a capture does not allow.
WARM_UP_STEPS = 3


class GraphedStep:
    """A training step that replays a CUDA graph after the first few calls.

    Each call takes a real step: the first ones run operation by operation, as does each incomplete
    batch. The learning rate and the network's mode are those of the capture.

    Args:
        step: takes one step on a batch and returns the loss, without waiting for the device.
        batch_size: the size of a complete batch; any other size is not replayed.
    """

    def __init__(self, step: Step, batch_size: int) -> None:
        self._step = step
        self._batch_size = batch_size
        self._warm_up_steps_left = WARM_UP_STEPS
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
        # A step outside the graph may come between replays: it updates the same parameters in
        # place, and its gradients are new tensors, while the graph writes to its own ones.
        if len(batch[1]) != self._batch_size:
            return self._step(batch)
        if self._warm_up_steps_left:
            self._warm_up_steps_left -= 1
            return on_side_stream(lambda: self._step(batch))
        if self._replay is None:
            # The graph reads from these addresses. empty_like keeps channels_last, on which the
            # choice of kernels depends.
            self._images, self._targets = map(torch.empty_like, batch)
            self._replay = capture(lambda: self._step((self._images, self._targets)))
        self._images.copy_(batch[0])
        self._targets.copy_(batch[1])
        return self._replay()


@functools.cache
def side_stream() -> torch.cuda.Stream:
    """Return the stream for warm-up steps, always the same: cached memory belongs to a stream."""
    return torch.cuda.Stream()


def on_side_stream(work: Callable[[], Tensor]) -> Tensor:
    """Run `work` on a side stream and return its result.

    Autograd ties the accumulation of a parameter's gradient to the stream on which its node was
    created. Tied to the main stream, the backward pass under capture would have to synchronise
    with that stream, which a capture does not allow.
    """
    current, side = torch.cuda.current_stream(), side_stream()
    side.wait_stream(current)  # the batch is written on the current stream
    with torch.cuda.stream(side):
        result = work()
    current.wait_stream(side)  # the weights and the loss are read on it
    return result


def capture(work: Callable[[], Tensor]) -> Callable[[], Tensor]:
    """Capture `work` as a CUDA graph without running it; return a function that replays it.

    Args:
        work: reads its inputs from the same memory each time, and never waits for the device.

    Returns:
        A function that replays the graph and returns a copy of the result.

    Raises:
        RunError: `work` contains an operation that cannot be captured, or needs too much memory.
    """
    graph = torch.cuda.CUDAGraph()
    try:
        with torch.cuda.graph(graph):
            result = work()
    except RuntimeError as error:
        # The first error in the chain: ending the capture fails as a consequence of it.
        chain: list[BaseException] = [error]
        while chain[-1].__context__:
            chain.append(chain[-1].__context__)
        for cause in chain:
            if is_out_of_memory(cause):
                raise RunError(
                    "the GPU ran out of memory while the training step was captured as a CUDA "
                    f"graph ({first_line(cause)}): use a smaller --batch-size"
                ) from error
        raise RunError(
            f"the training step cannot be captured as a CUDA graph ({first_line(chain[-1])}): add "
            "--no-cuda-graph"
        ) from error

    # `result`, like every tensor that `work` allocated, is in the graph's private memory pool,
    # which exists as long as the graph. Each replay overwrites it: return a copy.
    def replay() -> Tensor:
        graph.replay()
        return result.clone()

    return replay
