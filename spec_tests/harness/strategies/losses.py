"""Cases of the losses."""

import math
from dataclasses import replace

import numpy as np
from hypothesis import strategies as st

from spec_tests.harness.strategies.drawing import (
    LARGEST,
    REDUCTIONS,
    SEEDS,
    TINY,
    Draw,
    case_of,
    numbers,
    optional,
    shape_of,
)
from spec_tests.harness.strategies.varied import BLOCKS, varied
from spec_tests.harness.tensors import array, tensor
from spec_tests.harness.vectors import Case


@st.composite
def _difference(draw: Draw, largest: int, operator: str) -> Case:
    parameters = optional(draw, reduction=draw(REDUCTIONS))
    axes = largest == TINY or draw(st.booleans())
    shape = shape_of(draw, 3, 4) if axes else (draw(BLOCKS),)
    if largest == TINY:
        return case_of(draw, operator, {"input": shape, "target": shape}, parameters)
    shapes = [shape, shape, tuple(length if draw(st.booleans()) else 1 for length in shape)]
    target = draw(st.sampled_from([*shapes, shape[1:] or shape]))
    case = case_of(draw, operator, {"input": shape, "target": target}, parameters)
    inputs = {name: varied(draw, values) for name, values in case.inputs.items()}
    dtypes = ["float16", "bfloat16", *(["int64"] * (operator == "l1_loss" and bool(parameters)))]
    if draw(st.integers(0, 4)) == 0 and parameters.get("reduction", "mean") != "mean":
        dtype = draw(st.sampled_from(dtypes))
        inputs = {
            name: {**values, **tensor(array(values), dtype)} for name, values in case.inputs.items()
        }
    return replace(case, inputs=inputs)


def l1_loss(largest: int = LARGEST) -> st.SearchStrategy[Case]:
    return _difference(largest, "l1_loss")


def mse_loss(largest: int = LARGEST) -> st.SearchStrategy[Case]:
    return _difference(largest, "mse_loss")


@st.composite
def cross_entropy(draw: Draw, largest: int = LARGEST) -> Case:
    tiny = largest == TINY
    classes = draw(st.integers(1, min(largest, 6)) if tiny or draw(st.booleans()) else BLOCKS)
    positions = draw(st.sampled_from([(), (3,), (2, 2)]))
    batch = () if not positions and draw(st.booleans()) else (draw(st.integers(1, largest)),)
    hard = draw(st.booleans())  # class indices; otherwise probabilities
    smoothing = 0.25 if tiny else draw(st.sampled_from([0.0, 0.25, 1.0]))
    parameters = optional(draw, reduction=draw(REDUCTIONS), label_smoothing=smoothing)
    shape = (*batch, classes, *positions)
    target = numbers(draw(SEEDS), (*batch, *positions), 0, classes - 1)
    if hard:
        parameters |= optional(draw, ignore_index=draw(st.integers(0, classes - 1)))
        ignored = numbers(draw(SEEDS), target.shape, 0, 3) == 0
        if "ignore_index" not in parameters and not tiny:
            target = np.where(ignored, -100, target)
    case = case_of(draw, "cross_entropy", {"input": shape}, parameters)
    dtype = case.inputs["input"]["dtype"]
    soft = numbers(draw(SEEDS), shape, 0, 8) / 8
    inputs = {**case.inputs, "target": tensor(target, "int64") if hard else tensor(soft, dtype)}
    # The weights of a mean may not add up to 0, and an index alone has no term of 0 times infinity.
    lowest = int(tiny or parameters.get("reduction", "mean") == "mean")
    weight = tensor(numbers(draw(SEEDS), (classes,), lowest, 4), dtype)
    if not tiny:
        selects = hard and classes > 1 and not parameters.get("label_smoothing")
        special = (math.nan, -math.inf) if selects else ()
        inputs["input"] = varied(draw, inputs["input"], special, large=128)
    return replace(case, inputs=inputs | optional(draw, weight=weight))
