"""P28-P29: the test of a network, at the course's batch size."""

from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks import machine
from benchmarks.conftest import SIZES, each_device, each_side
from benchmarks.loops import Course
from benchmarks.sides import Side

BATCH = 64
LIMITS = {"fp32": 1e-5, "bf16": 1e-3}


@each_side
@each_device
def test_evaluation(
    measure: Callable[..., None],
    start: Callable[..., Side],
    data: Path,
    tmp_path: Path,
    device: str,
    side: str,
    precision: str,
) -> None:
    counted = Course(data, tmp_path / "counted", "cpu", BATCH)
    course = start("course", data, tmp_path / "course", device, BATCH)
    expected = course.evaluate()
    loop = start(side, data, tmp_path / side, device, BATCH, precision)
    found = loop.evaluate()
    assert (found.images, found.batches) == (expected.images, expected.batches)
    assert found.total_loss == pytest.approx(expected.total_loss, rel=LIMITS[precision], abs=0)

    measure(
        loop.evaluate,
        case="evaluation",
        side=side,
        device=device,
        precision=precision,
        images=SIZES["test_batch"],
        flop=machine.flop(counted.evaluate),
        rounds=9,
        against=course.evaluate if side == "reference" else None,
    )
