"""P27-P31: a training step, from the next batch to the new weights."""

import math
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks import machine
from benchmarks.conftest import each_device, each_side
from benchmarks.loops import Course
from benchmarks.sides import Side
from reference.training.cuda_graph import WARM_UP

CHECKED = WARM_UP + 2  # steps, a graph's among them, whose losses must be the course's
LIMITS = {"fp32": 1e-5, "bf16": 2e-2}
IMAGES = {"cpu": 1_280, "cuda": 20_480}  # in a round


@each_side
@pytest.mark.parametrize("batch_size", [64, 256, 1024])
@each_device
def test_training_step(
    measure: Callable[..., None],
    start: Callable[..., Side],
    data: Path,
    tmp_path: Path,
    device: str,
    batch_size: int,
    side: str,
    precision: str,
) -> None:
    counted = Course(data, tmp_path / "counted", "cpu", batch_size)
    course = start("course", data, tmp_path / "course", device, batch_size)
    expected = course.take(CHECKED)
    assert expected[0] == pytest.approx(math.log(10), abs=0.1)  # chance, over ten classes
    loop = start(side, data, tmp_path / side, device, batch_size, precision)
    assert loop.take(CHECKED) == pytest.approx(expected, abs=LIMITS[precision], rel=0)

    steps = max(1, IMAGES[device] // batch_size)
    measure(
        lambda: loop.take(steps),
        case=f"training step, batch {batch_size}",
        side=side,
        device=device,
        precision=precision,
        images=batch_size,
        flop=machine.flop(lambda: counted.take(1)),
        times=steps,
        rounds=9,
        against=(lambda: course.take(steps)) if side == "reference" else None,
        batch_size=batch_size,
    )
