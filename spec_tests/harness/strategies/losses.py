"""Cases of the losses."""

from dataclasses import replace

from hypothesis import strategies as st

from spec_tests.harness.strategies.drawing import (
    LARGEST,
    REDUCTIONS,
    SEEDS,
    Draw,
    case_of,
    numbers,
    optional,
    shape_of,
)
from spec_tests.harness.tensors import tensor
from spec_tests.harness.vectors import Case


@st.composite
def _difference(draw: Draw, largest: int, operator: str) -> Case:
    shape = shape_of(draw, 3, min(largest, 4))
    parameters = optional(draw, reduction=draw(REDUCTIONS))
    return case_of(draw, operator, {"input": shape, "target": shape}, parameters)


def l1_loss(largest: int = LARGEST) -> st.SearchStrategy[Case]:
    return _difference(largest, "l1_loss")


def mse_loss(largest: int = LARGEST) -> st.SearchStrategy[Case]:
    return _difference(largest, "mse_loss")


@st.composite
def cross_entropy(draw: Draw, largest: int = LARGEST) -> Case:
    classes = draw(st.integers(1, min(largest, 6)))
    positions = draw(st.sampled_from([(), (3,), (2, 2)]))
    batch = () if not positions and draw(st.booleans()) else (draw(st.integers(1, largest)),)
    hard = draw(st.booleans())  # class indices; otherwise probabilities
    parameters = optional(draw, reduction=draw(REDUCTIONS), label_smoothing=0.25)
    parameters |= optional(draw, ignore_index=draw(st.integers(0, classes - 1))) if hard else {}
    shape = (*batch, classes, *positions)
    target = numbers(draw(SEEDS), (*batch, *positions), 0, classes - 1)
    case = case_of(draw, "cross_entropy", {"input": shape}, parameters)
    dtype = case.inputs["input"]["dtype"]
    soft = numbers(draw(SEEDS), shape, 0, 8) / 8
    inputs = {**case.inputs, "target": tensor(target, "int64") if hard else tensor(soft, dtype)}
    weight = tensor(numbers(draw(SEEDS), (classes,), 1, 4), dtype)
    return replace(case, inputs=inputs | optional(draw, weight=weight))
