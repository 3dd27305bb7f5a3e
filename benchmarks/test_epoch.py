"""P27-P29: an epoch and the evaluation after it, at the course's batch size."""

from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.conftest import SIZES, parametrize_devices, parametrize_sides
from benchmarks.sides import Side

BATCH_SIZE = 64


@parametrize_sides
@parametrize_devices
def test_epoch(
    measure: Callable[..., None],
    start_side: Callable[..., Side],
    data: Path,
    tmp_path: Path,
    device: str,
    side: str,
    precision: str,
) -> None:
    course = start_side("course", data, tmp_path / "course", device, BATCH_SIZE)
    expected = course.train_epoch()
    loop = start_side(side, data, tmp_path / side, device, BATCH_SIZE, precision)
    assert loop.train_epoch().accuracy == pytest.approx(expected.accuracy, abs=0.005, rel=0)

    measure(
        loop.train_epoch,
        case="epoch and test",
        side=side,
        device=device,
        precision=precision,
        images=sum(SIZES.values()),
        rounds=3,
        against=course.train_epoch if side == "reference" else None,
    )
