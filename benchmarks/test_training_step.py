"""P27-P31: a training step, from the next batch to the new weights."""

import math
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks import machine
from benchmarks.conftest import each_device, each_side
from benchmarks.loops import LOOPS, Course, endless, losses
from reference.graphs import WARM_UP

CHECKED = WARM_UP + 2  # steps, a graph's among them, whose losses must be the course's
LIMITS = {"fp32": 1e-5, "bf16": 2e-2}


@each_side
@pytest.mark.parametrize("batch_size", [64, 256, 1024])
@each_device
def test_training_step(
    measure: Callable[..., None],
    data: Path,
    tmp_path: Path,
    device: str,
    batch_size: int,
    side: str,
    precision: str,
) -> None:
    course = Course(data, tmp_path / "course", device, batch_size)
    flop = machine.flop(lambda: next(course.steps()))
    expected = losses(Course(data, tmp_path / "expected", device, batch_size), CHECKED)
    assert expected[0] == pytest.approx(math.log(10), abs=0.1)  # chance, over ten classes
    loop = LOOPS[side](data, tmp_path / side, device, batch_size, precision)
    assert losses(loop, CHECKED) == pytest.approx(expected, abs=LIMITS[precision], rel=0)

    steps, others = endless(loop), endless(course)
    measure(
        lambda: next(steps),
        case=f"training step, batch {batch_size}",
        side=side,
        device=device,
        precision=precision,
        images=batch_size,
        batch_size=batch_size,
        flop=flop,
        rounds=max(5, 2560 // batch_size),
        against=(lambda: next(others)) if side == "reference" else None,
    )
