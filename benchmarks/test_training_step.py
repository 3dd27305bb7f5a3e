"""P27-P31: a training step, from the next batch to the updated weights."""

import math
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks import machine
from benchmarks.conftest import parametrize_devices, parametrize_sides
from benchmarks.loops import Course
from benchmarks.sides import Side
from reference.training.cuda_graph import WARM_UP_STEPS

# Steps whose losses must be the course's: enough for two replays of the CUDA graph.
CHECKED_STEPS = WARM_UP_STEPS + 2
TOLERANCES = {"fp32": 1e-5, "bf16": 2e-2}
IMAGES_PER_ROUND = {"cpu": 1_280, "cuda": 20_480}


@parametrize_sides
@pytest.mark.parametrize("batch_size", [64, 256, 1024])
@parametrize_devices
def test_training_step(
    measure: Callable[..., None],
    start_side: Callable[..., Side],
    data: Path,
    tmp_path: Path,
    device: str,
    batch_size: int,
    side: str,
    precision: str,
) -> None:
    counted = Course(data, tmp_path / "counted", "cpu", batch_size)  # only to count FLOP
    course = start_side("course", data, tmp_path / "course", device, batch_size)
    expected = course.take_steps(CHECKED_STEPS)
    assert expected[0] == pytest.approx(math.log(10), abs=0.1)  # chance, for ten classes
    loop = start_side(side, data, tmp_path / side, device, batch_size, precision)
    assert loop.take_steps(CHECKED_STEPS) == pytest.approx(
        expected, abs=TOLERANCES[precision], rel=0
    )

    steps = max(1, IMAGES_PER_ROUND[device] // batch_size)
    measure(
        lambda: loop.take_steps(steps),
        case=f"training step, batch {batch_size}",
        side=side,
        device=device,
        precision=precision,
        images=batch_size,
        flop=machine.count_flop(lambda: counted.take_steps(1)),
        repeats=steps,
        rounds=9,
        against=(lambda: course.take_steps(steps)) if side == "reference" else None,
        batch_size=batch_size,
    )
