"""Cases of activations, flatten, dropout and batch norm."""

from dataclasses import replace

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
from spec_tests.harness.tensors import tensor
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
    shape = shape_of(draw, 4, min(largest, 4))
    start = draw(st.integers(0, len(shape) - 1))
    end = draw(st.integers(start, len(shape) - 1))
    signs = draw(st.booleans()), draw(st.booleans())
    axes = (axis - len(shape) * sign for axis, sign in zip((start, end), signs, strict=True))
    parameters = optional(draw, **dict(zip(("start_dim", "end_dim"), axes, strict=True)))
    return case_of(draw, "flatten", {"input": shape}, parameters, EXACT)


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
