"""What the strategies share: the numbers of a case, its shapes and its optional arguments."""

import random
from collections.abc import Mapping
from math import prod
from typing import Any

import numpy as np
from hypothesis import strategies as st

from spec_tests.harness.tensors import tensor
from spec_tests.harness.vectors import Case

Draw = st.DrawFn

LARGEST = 12  # the longest side of an input
TINY = 4  # the longest side where a gradient is checked

DERIVED: Mapping[str, Any] = {}  # the tolerance of `tolerances.limits`

DTYPES = st.sampled_from(["float32", "float64"])
LAYOUTS = st.sampled_from([{}, {}, *({"layout": name} for name in ("transposed", "strided"))])
SEEDS = st.integers(0, 2**16)
REDUCTIONS = st.sampled_from(["none", "mean", "sum"])


def numbers(seed: int, shape: tuple[int, ...], low: int = -9, high: int = 9) -> np.ndarray:
    """Return random integers from low to high, both included."""
    draw = random.Random(f"{seed} {shape}")
    return np.array([draw.randint(low, high) for _ in range(prod(shape))]).reshape(shape)


def case_of(
    draw: Draw,
    operator: str,
    shapes: Mapping[str, tuple[int, ...]],
    parameters: Mapping[str, Any],
    tolerance: Mapping[str, Any] = DERIVED,
) -> Case:
    """Return a case whose inputs have these shapes, filled with numbers and laid out at random."""
    dtype, seed = draw(DTYPES), draw(SEEDS)
    inputs = {
        name: tensor(numbers(seed + i, shape), dtype) | draw(LAYOUTS)
        for i, (name, shape) in enumerate(shapes.items())
    }
    return Case(
        operator=operator,
        name="drawn",
        inputs=inputs,
        parameters=parameters,
        tolerance=tolerance,
    )


def pair(draw: Draw, low: int, high: int) -> tuple[int, int]:
    return draw(st.integers(low, high)), draw(st.integers(low, high))


def optional(draw: Draw, **values: Any) -> dict[str, Any]:
    """Return a random subset of the arguments; the others keep their defaults."""
    return {name: value for name, value in values.items() if draw(st.booleans())}


def image_shape(draw: Draw, channels: int, sides: tuple[int, int]) -> tuple[int, ...]:
    batch = draw(st.sampled_from([(), (1,), (2,)]))
    return (*batch, channels, *sides)


def shape_of(draw: Draw, axes: int, largest: int) -> tuple[int, ...]:
    return tuple(draw(st.lists(st.integers(1, largest), min_size=1, max_size=axes)))
