"""Cases of activations, flatten, dropout and batch norm.

Most are of small integers. The others have special values, fractions that float32 does not have,
half precision, and sizes one below, at and one above 4, 8, 16 and 32, the lengths of blocks.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from math import inf, nan
from typing import Any

import numpy as np
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
    shape_of,
)
from spec_tests.harness.tensors import array, tensor
from spec_tests.harness.tolerances import FEWEST, relative
from spec_tests.harness.vectors import EXACT, Case

# Lengths around 4, 8, 16 and 32.
BLOCKS = st.sampled_from([3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33])
BACKWARDS = st.sampled_from([{}, {}, {}, {"layout": "reversed"}])

SPECIAL = [nan, inf, -inf, -0.0]


@st.composite
def _elementwise(
    draw: Draw,
    operator: str,
    largest: int,
    parameters: Mapping[str, Any],
    kinds: list[str],
    *,
    tolerance: Mapping[str, Any] = DERIVED,
) -> Case:
    """Draw a case of an operator of one input; its numbers are of one of the kinds."""
    shape = shape_of(draw, 2, largest)
    if largest > TINY and draw(st.booleans()):
        shape = (*shape[:-1], draw(BLOCKS))
    case = case_of(draw, operator, {"input": shape}, parameters, tolerance)
    if largest <= TINY:
        return case
    case = replace(case, inputs={"input": case.inputs["input"] | draw(BACKWARDS)})
    return _other_numbers(draw, case, draw(st.sampled_from(["integers", *kinds])))


def _special(values: np.ndarray, seed: int) -> tuple[np.ndarray, str]:
    """Replace up to three elements by one special number."""
    for place in (seed, seed // 7, seed // 31)[: 1 + seed % 3]:
        values.flat[place % values.size] = SPECIAL[seed % len(SPECIAL)]
    return values, values.dtype.name


def _wide(values: np.ndarray, seed: int) -> tuple[np.ndarray, str]:
    """Return numbers whose exponentials are far apart, and all normal."""
    span = 87 if values.dtype == "float32" else 700
    return numbers(seed, values.shape, -span, span), values.dtype.name


# By kind: other values and their dtype, from small integers and a seed.
NUMBERS: dict[str, Callable[[np.ndarray, int], tuple[np.ndarray, str]]] = {
    "integers": lambda values, _: (values, values.dtype.name),
    "special": _special,
    # lost in float32
    "fractions": lambda values, seed: (values + _hundredths(seed, values) / 2**40, "float64"),
    "float16": lambda values, seed: (values + _hundredths(seed, values) / 2**6, "float16"),
    # beyond float32, int32 or float64
    "int64": lambda values, seed: (
        values.astype("int64") * (2 ** [24, 31, 53][seed % 3] + 1),
        "int64",
    ),
    "wide": _wide,
    # the exponential overflows
    "overflow": lambda values, _: (values * 1000, values.dtype.name),
    "large mean": lambda values, _: (values + 10_000, values.dtype.name),
}


def _hundredths(seed: int, like: np.ndarray) -> np.ndarray:
    return numbers(seed, like.shape, 1, 99)


def _other_numbers(draw: Draw, case: Case, kind: str) -> Case:
    """Return a case with other numbers of the same shape, for which a faulty operator may fail."""
    values, dtype = NUMBERS[kind](array(case.inputs["input"]), draw(SEEDS))
    if kind == "wide":  # small results are as exact as large ones
        case = replace(case, tolerance={"rtol": relative(FEWEST, dtype), "atol": 0})
    return _with_input(case, values, dtype)


def _with_input(case: Case, values: np.ndarray, dtype: str) -> Case:
    """Return a case with this input; the dtype of all other inputs becomes the same."""
    inputs = {name: old | tensor(array(old), dtype) for name, old in case.inputs.items()}
    return replace(case, inputs=inputs | {"input": inputs["input"] | tensor(values, dtype)})


@st.composite
def relu(draw: Draw, largest: int = LARGEST) -> Case:
    parameters = optional(draw, inplace=True) if largest > TINY else {}
    kinds = ["integers", "special", "special", "fractions", "float16", "int64"]
    return draw(_elementwise("relu", largest, parameters, kinds, tolerance=EXACT))


@st.composite
def sigmoid(draw: Draw, largest: int = LARGEST) -> Case:
    kinds = ["special", "fractions", "float16", "wide", "wide", "overflow"]
    return draw(_elementwise("sigmoid", largest, {}, kinds))


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
        "p": draw(st.sampled_from([0, 0.1, 0.25, 0.3, 0.5, 0.75, 0.9, 1])),
        "training": draw(st.booleans()),
    }
    kinds = ["fractions", "fractions", "float16"]
    if not parameters["p"] or not parameters["training"]:
        kinds += ["special", "special"]  # 0 times an infinity may be NaN where it is dropped
    return draw(_elementwise("dropout", largest, parameters, kinds))


@st.composite
def _batch_norm_shape(draw: Draw, largest: int) -> tuple[int, ...]:
    """Draw (N, C, *): usually all small, or one of N, C and L around a block."""
    samples, channels = draw(st.integers(2, 4)), draw(st.integers(1, 3))
    if largest <= TINY:
        return (samples, channels, *draw(st.sampled_from([(), (largest // 2, 3)])))
    rest = draw(st.sampled_from([(), (1,), (channels,), (largest // 2, 3), (2, 1, 2)]))
    match draw(st.sampled_from(["", "", "samples", "channels", "length"])):
        case "samples":
            return (draw(BLOCKS), channels, *rest[:1])
        case "channels":
            return (samples, draw(BLOCKS), *rest[:1])
        case "length":
            return (samples, channels, draw(BLOCKS))
    return (samples, channels, *rest)


@st.composite
def batch_norm(draw: Draw, largest: int = LARGEST) -> Case:
    shape = draw(_batch_norm_shape(largest))
    training = draw(st.booleans())
    parameters = optional(draw, momentum=draw(st.sampled_from([0.25, 0, 1])))
    eps = [0.125, 1] if training or largest <= TINY else [0.125, 1, 0]
    parameters |= {"eps": draw(st.sampled_from(eps)), "training": training}
    vector = shape[1:2]
    variance = tensor(numbers(draw(SEEDS), vector, 1, 9), "float64")
    case = case_of(
        draw,
        "batch_norm",
        {"input": shape, "running_mean": vector, "running_var": vector}
        | optional(draw, weight=vector, bias=vector),
        parameters,
    )
    variance["dtype"] = case.inputs["input"]["dtype"]
    case = replace(case, inputs={**case.inputs, "running_var": variance})
    return case if largest <= TINY else _other_batch(draw, case)


def _other_batch(draw: Draw, case: Case) -> Case:
    """Return a case with other numbers, without running statistics, or laid out otherwise."""
    inputs = dict(case.inputs)
    layouts = [{}, {"layout": "reversed"}, {"layout": "channels_last"}]
    inputs["input"] = inputs["input"] | draw(st.sampled_from(layouts))
    parameters = dict(case.parameters)
    kind = draw(st.sampled_from(["integers", "special", "fractions", "float16", "large mean"]))
    if kind == "large mean":  # the error grows with the scale, which is then at most 1
        inputs = {name: inputs[name] for name in ("input", "running_mean", "running_var")}
        parameters["eps"] = 1
    if parameters["training"] and draw(st.booleans()):
        inputs = {name: each for name, each in inputs.items() if not name.startswith("running")}
        parameters |= {"running_mean": None, "running_var": None}
    return _other_numbers(draw, replace(case, inputs=inputs, parameters=parameters), kind)
