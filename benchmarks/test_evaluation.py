"""P28-P29: the evaluation of a network, at the course's batch size."""

from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks import machine
from benchmarks.conftest import SIZES, parametrize_devices, parametrize_sides
from benchmarks.loops import Course
from benchmarks.sides import Side

BATCH_SIZE = 64
TOLERANCES = {"fp32": 1e-5, "bf16": 1e-3}


@parametrize_sides
@parametrize_devices
def test_evaluation(
    measure: Callable[..., None],
    start_side: Callable[..., Side],
    data: Path,
    tmp_path: Path,
    device: str,
    side: str,
    precision: str,
) -> None:
    counted = Course(data, tmp_path / "counted", "cpu", BATCH_SIZE)  # only to count FLOP
    course = start_side("course", data, tmp_path / "course", device, BATCH_SIZE)
    expected = course.evaluate()
    loop = start_side(side, data, tmp_path / side, device, BATCH_SIZE, precision)
    actual = loop.evaluate()
    assert (actual.images, actual.batches) == (expected.images, expected.batches)
    assert actual.total_loss == pytest.approx(expected.total_loss, rel=TOLERANCES[precision], abs=0)

    measure(
        loop.evaluate,
        case="evaluation",
        side=side,
        device=device,
        precision=precision,
        images=SIZES["test_batch"],
        flop=machine.count_flop(counted.evaluate),
        rounds=9,
        against=course.evaluate if side == "reference" else None,
    )
