"""Zeros that depend on each other are found; independent ones pass."""

from collections.abc import Callable

import numpy as np
import pytest

from spec_tests.harness.randomness import relation

SHAPE = (4, 16, 8, 8)
Zeros = np.ndarray


def _drawn(*shape: int, seed: int = 0) -> Zeros:
    return np.random.default_rng(seed).random(shape) < 0.5


def test_independent_zeros_are_unrelated() -> None:
    assert [relation(_drawn(*SHAPE, seed=i), _drawn(*SHAPE, seed=i + 1)) for i in range(5)] == (
        [""] * 5
    )


RELATED: dict[str, tuple[Callable[[Zeros], Zeros], str]] = {
    "one for all samples": (lambda zeros: zeros[:1], "1024"),
    "one for all channels": (lambda zeros: zeros[:, :1], "64"),
    "one for all rows": (lambda zeros: zeros[:, :, :1], "8"),
    "one for each channel": (lambda zeros: zeros[:, :, :1, :1], "1"),
    "one for two columns": (lambda zeros: zeros[..., ::2].repeat(2, axis=-1), "1"),
    "none": (lambda zeros: zeros & False, "1"),
    "every second": (lambda zeros: np.indices(zeros.shape)[-1] % 2 == 0, "1"),
}


@pytest.mark.parametrize(("made", "distance"), RELATED.values(), ids=RELATED)
def test_zeros_related_in_one_call(made: Callable[[Zeros], Zeros], distance: str) -> None:
    zeros = np.broadcast_to(made(_drawn(*SHAPE)), SHAPE)
    message = f"the zeros of one call are related at a distance of {distance}"
    assert relation(zeros, _drawn(*SHAPE, seed=1)) == message


@pytest.mark.parametrize(("shift", "kept"), [(0, True), (7, True), (0, False)])
def test_zeros_related_to_those_of_the_call_before(shift: int, *, kept: bool) -> None:
    """They are the same, the same some elements further on, and the opposite."""
    zeros = _drawn(*SHAPE)
    again = np.roll(zeros.ravel(), shift) == kept
    message = f"the zeros of two calls are related at a distance of {shift}"
    assert relation(zeros, again) == message
