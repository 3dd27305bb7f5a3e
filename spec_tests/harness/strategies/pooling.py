"""Cases of the poolings."""

import math
import random
from typing import Any

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st

from spec_tests.harness.strategies.drawing import (
    DERIVED,
    DTYPES,
    LARGEST,
    LAYOUTS,
    SEEDS,
    TINY,
    Draw,
    image_shape,
    numbers,
    optional,
    pair,
)
from spec_tests.harness.tensors import tensor
from spec_tests.harness.vectors import EXACT, Case
from spec_tests.oracles import DEFINITIONS
from spec_tests.oracles.nested import leaves

# Where loops that take 4, 8, 16 or 32 elements at a time have some left.
LONG = st.sampled_from([8, 9, 15, 16, 17, 31, 33])
CHANNELS = st.sampled_from([9, 2, 17, 1, 33, 3])
LARGE = 24  # elements of a plane, above which it has one channel or two

KINDS = ("small", "small", "ties", "fine", "wide", "infinities", "nan", "half")


def _elements(draw: Draw, shape: tuple[int, ...], kinds: tuple[str, ...]) -> dict[str, Any]:
    """Draw the elements of an input: small integers, or one of the kinds that are often wrong."""
    seed = draw(SEEDS)
    values, dtype = numbers(seed, shape), draw(DTYPES)
    # From the seed: of 25 examples, hypothesis would draw some kinds often and others never.
    match random.Random(f"{seed} {shape}").choice(kinds):
        case "ties":
            values = values % 2
        case "fine":  # exact in float64, and all equal in float32
            values, dtype = 1 + values / 2.0**40, "float64"
        case "wide":  # exact in float32, but not in half precision or TF32
            values = 4097 + 2 * values
        case "integers":  # exact in int64, but not in float64
            values, dtype = values + 2**53, "int64"
        case "infinities":
            values = np.where(values < draw(st.sampled_from([-7, 0, 9])), -math.inf, values)
            values = np.where(values == 9, math.inf, values)
        case "nan":
            values = values.astype("float64")
            values.flat[draw(st.integers(0, values.size - 1))] = math.nan
        case "half":
            dtype = "float16"
    return tensor(values, dtype)


def _case(
    draw: Draw,
    operator: str,
    sides: tuple[int, int],
    parameters: dict[str, Any],
    *,
    kinds: tuple[str, ...],
) -> Case:
    """Draw a case of a pooling of a plane of these sides, exact where elements are selected."""
    channels = draw(CHANNELS if math.prod(sides) <= LARGE else st.integers(1, 2))
    image = _elements(draw, image_shape(draw, channels, sides), kinds) | draw(LAYOUTS)
    if len(image["shape"]) == 4 and draw(st.booleans()):
        image["layout"] = "channels_last"
    return Case(
        operator=operator,
        name="drawn",
        inputs={"input": image},
        parameters=parameters,
        tolerance=EXACT if operator == "max_pool2d" else DERIVED,
    )


def _sides(draw: Draw, lowest: tuple[int, int], largest: int) -> tuple[int, int]:
    """Draw the sides of a plane, at least `lowest`; sometimes a long and narrow one."""
    sides = [draw(st.integers(low, max(low, largest))) for low in lowest]
    if largest > TINY and draw(st.booleans()):
        axis = draw(st.integers(0, 1))
        sides[axis] = max(lowest[axis], draw(LONG))
        sides[1 - axis] = lowest[1 - axis] + draw(st.integers(0, 2))
    return sides[0], sides[1]


def _window(draw: Draw, largest: int, *, dilated: bool) -> tuple[tuple[int, int], dict[str, Any]]:
    """Draw a pooling window and the sides of a plane that it fits."""
    lengths = st.sampled_from([1, 2, 2, 3, 3, 4, 5, 7] if largest > TINY else [1, 2, 3])
    kernel = draw(lengths), draw(lengths)
    dilation = pair(draw, 1, 3 if largest > TINY else 2) if dilated else (1, 1)
    padding = tuple(draw(st.integers(0, k // 2)) for k in kernel)
    spans = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
    low, high = (max(1, span - 2 * p) for span, p in zip(spans, padding, strict=True))
    parameters = {"kernel_size": kernel, "padding": padding}
    parameters |= {"dilation": dilation} if dilated else {}
    parameters |= optional(draw, stride=pair(draw, 1, 6), ceil_mode=True)
    return _sides(draw, (low, high), largest), parameters


@st.composite
def max_pool2d(draw: Draw, largest: int = LARGEST) -> Case:
    sides, parameters = _window(draw, largest, dilated=True)
    # No window may consist of padding only: torch's gradient would write to other memory, see
    # docs/KNOWN_DIFFERENCES.md.
    plane = [[[0] * sides[1]] * sides[0]]
    _, indices = DEFINITIONS["max_pool2d"](plane, **parameters | {"return_indices": True})
    assume(-1 not in leaves(indices))
    parameters |= optional(draw, return_indices=True) if largest > TINY else {}
    kinds = (*KINDS, "integers") if largest > TINY else ("small",)
    return _case(draw, "max_pool2d", sides, parameters, kinds=kinds)


@st.composite
def avg_pool2d(draw: Draw, largest: int = LARGEST) -> Case:
    sides, parameters = _window(draw, largest, dilated=False)
    divisor = draw(st.sampled_from([5, 1, -3]))
    parameters |= optional(draw, count_include_pad=False, divisor_override=divisor)
    kinds = KINDS if largest > TINY else ("small",)
    return _case(draw, "avg_pool2d", sides, parameters, kinds=kinds)


@st.composite
def adaptive_avg_pool2d(draw: Draw, largest: int = LARGEST) -> Case:
    count = st.one_of(st.integers(1, largest), st.integers(1, largest), st.none())
    size = draw(st.one_of(st.integers(1, largest), st.tuples(count, count)))
    sides = _sides(draw, (1, 1), largest)
    kinds = KINDS if largest > TINY else ("small",)
    return _case(draw, "adaptive_avg_pool2d", sides, {"output_size": size}, kinds=kinds)
