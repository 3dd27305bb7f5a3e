"""P27-P29: an epoch and the test after it, at the course's batch size."""

from collections import deque
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.conftest import SIZES
from benchmarks.loops import LOOPS, Course, Loop
from reference.steps import Evaluation

BATCH = 64


def epoch(loop: Loop) -> Evaluation:
    deque(loop.steps(), maxlen=0)
    return loop.evaluate()


@pytest.mark.parametrize(
    ("side", "precision"), [("course", "fp32"), ("reference", "fp32"), ("reference", "bf16")]
)
@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=pytest.mark.cuda)])
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
