"""P27-P29: an epoch and the test after it, at the course's batch size."""

from collections import deque
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.conftest import SIZES, each_device, each_side
from benchmarks.loops import LOOPS, Course, Loop
from reference.steps import Evaluation

BATCH = 64


def epoch(loop: Loop) -> Evaluation:
    deque(loop.steps(), maxlen=0)
    return loop.evaluate()


@each_side
@each_device
def test_epoch(
    measure: Callable[..., None],
    data: Path,
    tmp_path: Path,
    device: str,
    side: str,
    precision: str,
) -> None:
    course = Course(data, tmp_path / "course", device, BATCH)
    expected = epoch(course)
    loop = LOOPS[side](data, tmp_path / side, device, BATCH, precision)
    assert epoch(loop).accuracy == pytest.approx(expected.accuracy, abs=0.005, rel=0)

    measure(
        lambda: epoch(loop),
        case="epoch and test",
        side=side,
        device=device,
        precision=precision,
        images=sum(SIZES.values()),
        rounds=3,
        against=(lambda: epoch(course)) if side == "reference" else None,
    )
