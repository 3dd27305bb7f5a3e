"""Cases of convolution and the linear layer.

Most are of small integers. The others have what `_numbers` draws, and sizes one below, at and one
above the lengths of blocks and unrolled loops.
"""

import random
from dataclasses import replace
from math import inf, nan, prod
from typing import Any

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st

from spec_tests.harness.strategies.drawing import (
    DERIVED,
    LARGEST,
    SEEDS,
    TINY,
    Draw,
    case_of,
    numbers,
    optional,
    pair,
    shape_of,
)
from spec_tests.harness.tensors import array, tensor
from spec_tests.harness.vectors import EXACT, Case

# Lengths around 4, 8, 16 and 32.
BLOCKS = st.sampled_from([3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33])
FEW_BLOCKS = st.sampled_from([3, 4, 5, 7, 8, 9, 15, 16, 17])

# The most products of a case: the oracle takes about a microsecond for each.
MOST_PRODUCTS = 15_000
MOST_TINY_PRODUCTS = 400

KINDS = ("integers", "integers", "factors", "fractions", "int64", "float16", "special", "special")


def _numbers(draw: Draw, case: Case, *, special: bool) -> Case:
    """Return a case with other numbers of the same shapes, for which a faulty operator may fail.

    The kind of numbers depends on all that is drawn: hypothesis repeats an example several times
    with one argument changed, and each of these gets another kind.

    Args:
        draw: of hypothesis.
        case: of small integers.
        special: whether NaN and infinities may be drawn. Winograd's algorithm for kernels of 3 and
            more lets them reach other windows, and libraries use it.
    """
    seed = draw(SEEDS)
    choose = random.Random(f"{seed} {case}").choice
    kind = choose(KINDS)
    values = {name: array(tensor) for name, tensor in case.inputs.items()}
    match kind:
        case "factors":  # of 12 bits; positive, so that sums do not cancel
            new = {name: numbers(seed + i, old.shape, 1, 4095) for i, (name, old) in _each(values)}
            return _with(case, new, "float32", DERIVED)
        case "fractions":  # lost in float32; of one factor, so that products are exact in float64
            name = choose(sorted(values))
            fractions = numbers(seed, values[name].shape, 1, 99) * 2.0**-40
            return _with(case, values | {name: values[name] + fractions}, "float64", EXACT)
        case "int64":  # beyond float32, int32 or float64
            large = 2 ** choose([24, 31, 53]) + 1
            integers = {name: old.astype("int64") for name, old in values.items()}
            return _with(case, integers | _one(integers, seed, large), "int64", EXACT)
        case "float16":
            return _with(case, values, "float16", DERIVED)
        case "special" if special:
            number = choose([nan, inf, -inf])
            dtype = case.inputs["input"]["dtype"]
            return _with(case, values | _one(values, seed, number), dtype, EXACT)
    return case


def _each(values: dict[str, np.ndarray]) -> Any:  # noqa: ANN401 - pairs of an index and an item
    return enumerate(values.items())


def _one(values: dict[str, np.ndarray], seed: int, number: float) -> dict[str, np.ndarray]:
    """Return the input with one element replaced."""
    changed = values["input"].copy()
    changed.flat[seed % changed.size] = number
    return {"input": changed}


def _with(case: Case, values: dict[str, np.ndarray], dtype: str, tolerance: Any) -> Case:  # noqa: ANN401 - as in a Case
    inputs = {name: old | tensor(values[name], dtype) for name, old in case.inputs.items()}
    return replace(case, inputs=inputs, tolerance=tolerance)


@st.composite
def _sizes(draw: Draw, largest: int) -> dict[str, Any]:
    """Draw the shapes of a convolution: usually all small, or one of them around a block."""
    sizes = {
        "images": draw(st.sampled_from([(), (1,), (2,)])),
        "groups": draw(st.integers(1, 2)),
        "channels": draw(st.integers(1, 2)),  # of a group
        "kernels": draw(st.integers(1, 2)),  # of a group
        "sides": pair(draw, 1, largest),
        "kernel": pair(draw, 1, 4),
    }
    small = pair(draw, 1, 4)
    match draw(st.sampled_from(["", "kernel", "channels", "kernels", "depthwise", "columns"])):
        case "kernel":
            sides = st.sampled_from([1, 3, 5, 7])
            sizes |= {"kernel": (draw(st.sampled_from([5, 7])), draw(sides)), "groups": 1}
        case "channels":
            sizes |= {"channels": draw(FEW_BLOCKS), "sides": small}
        case "kernels":
            sizes |= {"kernels": draw(FEW_BLOCKS), "sides": small}
        case "depthwise":
            sizes |= {"groups": draw(FEW_BLOCKS), "channels": 1, "sides": small}
        case "columns":
            sizes |= {"sides": (draw(st.integers(1, 3)), draw(BLOCKS)), "channels": 1}
    return sizes


@st.composite
def conv2d(draw: Draw, largest: int = LARGEST) -> Case:
    sizes = draw(_sizes(largest))
    sides, kernel, groups = sizes["sides"], sizes["kernel"], sizes["groups"]
    dilation, padding = pair(draw, 1, 3), pair(draw, 0, 3)
    mode = draw(st.sampled_from(["zeros", "zeros", "reflect", "replicate", "circular"]))
    if mode == "reflect":
        padding = min(padding[0], sides[0] - 1), min(padding[1], sides[1] - 1)
    if mode == "circular":
        padding = min(padding[0], sides[0]), min(padding[1], sides[1])
    parameters: dict[str, Any] = {"dilation": dilation, "groups": groups}
    named = draw(st.sampled_from(["same", "valid", None])) if mode == "zeros" else None
    parameters |= {"padding": named or padding} | ({} if named else {"padding_mode": mode})
    stride = (1, 1) if named == "same" else pair(draw, 1, 4)
    parameters |= {} if named == "same" else {"stride": stride}
    spans = [d * (k - 1) for d, k in zip(dilation, kernel, strict=True)]
    if named:
        padding = (0, 0) if named == "valid" else (max(spans), max(spans))
    places = [
        (side + 2 * p - span - 1) // step + 1
        for side, p, span, step in zip(sides, padding, spans, stride, strict=True)
    ]
    assume(min(places) > 0)
    kernels = groups * sizes["kernels"]
    products = prod(places) * prod(sizes["images"]) * kernels * sizes["channels"] * prod(kernel)
    assume(products <= (MOST_PRODUCTS if largest > TINY else MOST_TINY_PRODUCTS))
    shapes = {
        "input": (*sizes["images"], groups * sizes["channels"], *sides),
        "weight": (kernels, sizes["channels"], *kernel),
    } | optional(draw, bias=(kernels,))
    case = case_of(draw, "conv2d", shapes, parameters, EXACT)
    return _numbers(draw, case, special=max(kernel) < 3) if largest > TINY else case


@st.composite
def linear(draw: Draw, largest: int = LARGEST) -> Case:
    features, outputs = pair(draw, 1, largest)
    rows = shape_of(draw, 2, 4)
    match draw(st.sampled_from(["", "features", "outputs", "rows"])):
        case "features":
            features = draw(BLOCKS)
        case "outputs":
            outputs = draw(BLOCKS)
        case "rows":
            rows = (draw(FEW_BLOCKS),)
    shapes = {"input": (*rows, features), "weight": (outputs, features)}
    case = case_of(draw, "linear", shapes | optional(draw, bias=(outputs,)), {}, EXACT)
    return _numbers(draw, case, special=True) if largest > TINY else case
