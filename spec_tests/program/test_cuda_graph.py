"""P30-P31: a training step replayed as a CUDA graph computes the same as the step itself."""

import contextlib
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from reference.errors import RunError
from reference.models.course import Tudui
from reference.training import cuda_graph
from reference.training.config import Config
from reference.training.cuda_graph import GraphedStep
from reference.training.engine import train_step
from reference.training.runs import Run
from reference.training.trainer import Trainer

CAPTURE_WITH_WAIT = """
import torch
from reference.training.cuda_graph import capture

capture(lambda: torch.ones((), device="cuda") + torch.ones(1, device="cuda").item())
"""

Batch = tuple[Tensor, Tensor]
Step = Callable[[Batch], Tensor]


def batches(device: str) -> list[Batch]:
    """Return six batches, of which the last is incomplete, twice."""
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(43, 3, 32, 32, generator=generator).to(device)
    targets = torch.randint(10, (43,), generator=generator).to(device)
    return 2 * list(zip(images.split(8), targets.split(8), strict=True))


def step_without_graph(device: str, precision: str = "fp32") -> tuple[nn.Module, Step]:
    torch.manual_seed(0)
    model = Tudui().to(device)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    return model, partial(train_step, model, nn.CrossEntropyLoss(), optimizer, precision=precision)


@pytest.fixture
def captures(monkeypatch: pytest.MonkeyPatch) -> list[Callable[[], Tensor]]:
    """The captured functions. Replaces `capture` so that no CUDA is needed: replays do the work."""
    captured: list[Callable[[], Tensor]] = []

    def capture(work: Callable[[], Tensor]) -> Callable[[], Tensor]:
        captured.append(work)
        return work

    monkeypatch.setattr(cuda_graph, "capture", capture)
    monkeypatch.setattr(cuda_graph, "on_side_stream", lambda work: work())
    return captured


def test_every_call_is_a_step_on_its_own_batch(captures: list[Callable[[], Tensor]]) -> None:
    model, step = step_without_graph("cpu")
    expected = torch.stack([step(batch) for batch in batches("cpu")])
    graphed_model, step = step_without_graph("cpu")
    graphed = GraphedStep(step, batch_size=8)
    losses = torch.stack([graphed(batch) for batch in batches("cpu")])
    assert len(captures) == 1
    torch.testing.assert_close(losses, expected, rtol=0, atol=0)
    torch.testing.assert_close(graphed_model.state_dict(), model.state_dict(), rtol=0, atol=0)


def test_capture_follows_the_warm_up_and_excludes_incomplete_batches(
    captures: list[Callable[[], Tensor]],
) -> None:
    _, step = step_without_graph("cpu")
    graphed = GraphedStep(step, batch_size=8)
    full, incomplete = batches("cpu")[0], batches("cpu")[5]
    counts = []
    for batch in (full, full, incomplete, full, full, full):
        graphed(batch)
        counts.append(len(captures))
    assert counts == [0, 0, 0, 0, 1, 1]


def test_static_batch_keeps_the_memory_format(captures: list[Callable[[], Tensor]]) -> None:
    seen = []

    def step(batch: Batch) -> Tensor:
        seen.append(batch[0].is_contiguous(memory_format=torch.channels_last))
        return torch.zeros(())

    graphed = GraphedStep(step, batch_size=8)
    images, targets = batches("cpu")[0]
    for _ in range(5):
        graphed((images.contiguous(memory_format=torch.channels_last), targets))
    assert len(captures) == 1
    assert seen == [True] * 5


def fail_in_capture(monkeypatch: pytest.MonkeyPatch, first: Exception) -> str:
    """Return the error of a capture that `first` ends; no CUDA is needed."""

    @contextlib.contextmanager
    def graph(_graph: object) -> Iterator[None]:
        try:
            yield
        finally:  # as torch: the capture cannot end either, with an error of its own
            raise RuntimeError("CUDA error: operation failed due to a previous error\nCompile with")

    def work() -> Tensor:
        raise first

    monkeypatch.setattr(torch.cuda, "CUDAGraph", lambda: None)
    monkeypatch.setattr(torch.cuda, "graph", graph)
    with pytest.raises(RunError) as caught:
        cuda_graph.capture(work)
    return str(caught.value)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (torch.OutOfMemoryError("CUDA out of memory. Tried\nGPU"), "CUDA out of memory. Tried"),
        (RuntimeError("CUDA error: out of memory"), "CUDA error: out of memory"),
        (
            RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
            "cuDNN error: CUDNN_STATUS_ALLOC_FAILED",
        ),
    ],
)
def test_out_of_memory_in_the_capture_is_one_line(
    monkeypatch: pytest.MonkeyPatch, error: Exception, reason: str
) -> None:
    assert fail_in_capture(monkeypatch, error) == (
        "the GPU ran out of memory while the training step was captured as a CUDA graph "
        f"({reason}): use a smaller --batch-size"
    )


def test_other_error_in_the_capture_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    error = RuntimeError("CUDA error: operation not permitted when stream is capturing")
    assert fail_in_capture(monkeypatch, error) == (
        f"the training step cannot be captured as a CUDA graph ({error}): add --no-cuda-graph"
    )


@pytest.mark.cuda
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_replayed_steps_equal_steps_without_a_graph(precision: str) -> None:
    model, step = step_without_graph("cuda", precision)
    expected = torch.stack([step(batch) for batch in batches("cuda")])
    graphed_model, step = step_without_graph("cuda", precision)
    graphed = GraphedStep(step, batch_size=8)
    losses = torch.stack([graphed(batch) for batch in batches("cuda")])
    # A GPU adds in no fixed order. bf16 has 8 significant bits: a sum may round to a neighbour.
    limits = {"rtol": 1e-4, "atol": 1e-6} if precision == "fp32" else {"rtol": 2e-2, "atol": 2e-3}
    torch.testing.assert_close(losses, expected, **limits)
    torch.testing.assert_close(graphed_model.state_dict(), model.state_dict(), **limits)


@pytest.mark.cuda
def test_step_that_waits_for_the_device_is_one_line() -> None:
    """In a separate process: a failed capture can leave torch's stream state corrupted."""
    done = subprocess.run(
        [sys.executable, "-c", CAPTURE_WITH_WAIT], capture_output=True, text=True, check=False
    )
    assert re.search(r"as a CUDA graph \(.+\): add --no-cuda-graph", done.stderr)


@pytest.mark.cuda
def test_run_trains_with_a_graph_as_without(small_cifar10: Path, tmp_path: Path) -> None:
    """Two epochs of 15 complete batches and one of 10 images, each followed by a test."""
    records = {}
    options = {"epochs": 2, "batch_size": 16, "device": "cuda"}
    for with_graph in (True, False):
        config = Config(data=str(small_cifar10), cuda_graph=with_graph, **options)
        run = Run.start(tmp_path / f"run-{with_graph}", config)
        Trainer(run, lambda *_: None).fit()
        records[with_graph] = [record["test_loss"] for record in run.records]
    assert records[True] == pytest.approx(records[False], rel=1e-4, abs=0)
