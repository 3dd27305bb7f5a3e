"""P27-P29: an epoch and the test after it, at the course's batch size."""

from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.conftest import SIZES, each_device, each_side
from benchmarks.sides import Side

BATCH = 64


@each_side
@each_device
def test_epoch(
    measure: Callable[..., None],
    start: Callable[..., Side],
    data: Path,
    tmp_path: Path,
    device: str,
    side: str,
    precision: str,
) -> None:
    course = start("course", data, tmp_path / "course", device, BATCH)
    expected = course.epoch()
    loop = start(side, data, tmp_path / side, device, BATCH, precision)
    assert loop.epoch().accuracy == pytest.approx(expected.accuracy, abs=0.005, rel=0)

    measure(
        loop.epoch,
        case="epoch and test",
        side=side,
        device=device,
        precision=precision,
        images=sum(SIZES.values()),
        rounds=3,
        against=course.epoch if side == "reference" else None,
    )
