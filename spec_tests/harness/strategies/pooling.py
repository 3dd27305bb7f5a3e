"""Cases of the poolings."""

from typing import Any

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st

from spec_tests.harness import vectors
from spec_tests.harness.strategies.drawing import (
    LARGEST,
    TINY,
    Draw,
    case_of,
    image_shape,
    optional,
    pair,
)
from spec_tests.harness.vectors import EXACT, Case


def _window(draw: Draw, largest: int, *, dilated: bool) -> tuple[tuple[int, int], dict[str, Any]]:
    """Draw the sides of a plane and a pooling window that fits it."""
    sides, kernel = pair(draw, 1, largest), pair(draw, 1, 4)
    dilation = pair(draw, 1, 3) if dilated else (1, 1)
    padding = tuple(draw(st.integers(0, k // 2)) for k in kernel)
    spans = zip(sides, padding, kernel, dilation, strict=True)
    assume(all(side + 2 * p > d * (k - 1) for side, p, k, d in spans))
    parameters = {"kernel_size": kernel, "padding": padding}
    parameters |= {"dilation": dilation} if dilated else {}
    parameters |= optional(draw, stride=pair(draw, 1, 5), ceil_mode=True)
    return sides, parameters


@st.composite
def max_pool2d(draw: Draw, largest: int = LARGEST) -> Case:
    sides, parameters = _window(draw, largest, dilated=True)
    parameters |= optional(draw, return_indices=True) if largest > TINY else {}
    shape = image_shape(draw, draw(st.integers(1, 2)), sides)
    case = case_of(draw, "max_pool2d", {"input": shape}, parameters, EXACT)
    # No window may consist of padding only: torch's gradient would write to other memory, see
    # docs/KNOWN_DIFFERENCES.md.
    assume(np.isfinite(np.array(vectors.from_oracle(case)["output"], dtype=float)).all())
    return case


@st.composite
def avg_pool2d(draw: Draw, largest: int = LARGEST) -> Case:
    sides, parameters = _window(draw, largest, dilated=False)
    parameters |= optional(draw, count_include_pad=False, divisor_override=5)
    shape = image_shape(draw, draw(st.integers(1, 2)), sides)
    return case_of(draw, "avg_pool2d", {"input": shape}, parameters)


@st.composite
def adaptive_avg_pool2d(draw: Draw, largest: int = LARGEST) -> Case:
    size = draw(st.one_of(st.integers(1, largest), st.just(pair(draw, 1, largest))))
    shape = image_shape(draw, draw(st.integers(1, 2)), pair(draw, 1, largest))
    return case_of(draw, "adaptive_avg_pool2d", {"input": shape}, {"output_size": size})
