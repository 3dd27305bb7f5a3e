"""Cases of activations, flatten, dropout and batch norm."""

import random
from dataclasses import replace
from math import inf, nan

import numpy as np
from hypothesis import strategies as st

from spec_tests.harness.strategies.drawing import (
    LARGEST,
    SEEDS,
    TINY,
    Draw,
    case_of,
    numbers,
    optional,
    shape_of,
)
from spec_tests.harness.tensors import array, tensor
from spec_tests.harness.vectors import EXACT, Case


@st.composite
def relu(draw: Draw, largest: int = LARGEST) -> Case:
    parameters = optional(draw, inplace=True) if largest > TINY else {}
    return case_of(draw, "relu", {"input": shape_of(draw, 2, largest)}, parameters, EXACT)


@st.composite
def sigmoid(draw: Draw, largest: int = LARGEST) -> Case:
    return case_of(draw, "sigmoid", {"input": shape_of(draw, 2, largest)}, {})


@st.composite
def flatten(draw: Draw, largest: int = LARGEST) -> Case:
    shape = [draw(st.integers(1, min(largest, 3))) for _ in range(draw(st.integers(1, 5)))]
    if largest > TINY and draw(st.booleans()):  # around blocks of 16 and 32
        longest = draw(st.integers(0, len(shape) - 1))
        shape[longest] = draw(st.sampled_from([15, 16, 17, 31, 32, 33]))
    start = draw(st.integers(0, len(shape) - 1))
    end = draw(st.integers(start, len(shape) - 1))
    signs = draw(st.booleans()), draw(st.booleans())
    axes = (axis - len(shape) * sign for axis, sign in zip((start, end), signs, strict=True))
    parameters = optional(draw, **dict(zip(("start_dim", "end_dim"), axes, strict=True)))
    case = case_of(draw, "flatten", {"input": tuple(shape)}, parameters, EXACT)
    return _copied(draw, case) if largest > TINY else case


def _copied(draw: Draw, case: Case) -> Case:
    """Return a case whose elements change if they are copied through a smaller dtype."""
    seed = draw(SEEDS)
    choose = random.Random(f"{seed} {case}").choice
    dtype = choose(["float64", "float32", "int64", "float16"])
    factor = {"float64": 1 + 2.0**-40, "float32": 1 + 2.0**-20, "int64": 2**53 + 1, "float16": 1}
    values = array(case.inputs["input"]).astype(dtype) * np.array(factor[dtype], dtype)
    if dtype != "int64":
        values.flat[seed % values.size] = choose([nan, inf, -inf, 0.5])
    return replace(case, inputs={"input": case.inputs["input"] | tensor(values, dtype)})


@st.composite
def dropout(draw: Draw, largest: int = LARGEST) -> Case:
    parameters = {
        "p": draw(st.sampled_from([0, 0.25, 0.5, 0.75, 1])),
        "training": draw(st.booleans()),
    }
    return case_of(draw, "dropout", {"input": shape_of(draw, 2, largest)}, parameters)


@st.composite
def batch_norm(draw: Draw, largest: int = LARGEST) -> Case:
    channels = draw(st.integers(1, 3))
    shape = (draw(st.integers(2, 4)), channels, *draw(st.sampled_from([(), (largest // 2, 3)])))
    parameters = optional(draw, momentum=0.25) | {"eps": draw(st.sampled_from([0.125, 1]))}
    parameters["training"] = draw(st.booleans())
    variance = tensor(numbers(draw(SEEDS), (channels,), 1, 9), "float64")
    case = case_of(
        draw,
        "batch_norm",
        {"input": shape, "running_mean": (channels,), "running_var": (channels,)}
        | optional(draw, weight=(channels,), bias=(channels,)),
        parameters,
    )
    variance["dtype"] = case.inputs["input"]["dtype"]
    return replace(case, inputs={**case.inputs, "running_var": variance})
