"""Hypothesis strategies for further cases, whose expected values come from the oracle.

Shapes and arguments are drawn, and shrink; the data are small integers from a seed, for which most
operators are exact. `oracle_checks` checks the cases.
"""

import random
from collections.abc import Mapping
from dataclasses import replace
from math import prod
from typing import Any

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st

from spec_tests.harness import vectors
from spec_tests.harness.tensors import tensor
from spec_tests.harness.vectors import Case

Draw = st.DrawFn

LARGEST = 12  # the longest side of an input
TINY = 4  # the longest side where a gradient is checked

EXACT = {"float32": 0.0, "float64": 0.0}
ROUNDED = {"float32": 1e-5, "float64": 1e-12}  # hundreds of roundings of 6e-8 and of 1e-16

DTYPES = st.sampled_from(sorted(EXACT))
SEEDS = st.integers(0, 2**16)
REDUCTIONS = st.sampled_from(["none", "mean", "sum"])


def numbers(seed: int, shape: tuple[int, ...], low: int = -9, high: int = 9) -> np.ndarray:
    """Return random integers from low to high, both included."""
    draw = random.Random(f"{seed} {shape}")
    return np.array([draw.randint(low, high) for _ in range(prod(shape))]).reshape(shape)


def _case(
    draw: Draw,
    operator: str,
    shapes: Mapping[str, tuple[int, ...]],
    parameters: Mapping[str, Any],
    limits: Mapping[str, float] = ROUNDED,
) -> Case:
    """Return a case whose inputs have these shapes, filled with numbers."""
    dtype, seed = draw(DTYPES), draw(SEEDS)
    inputs = {
        name: tensor(numbers(seed + i, shape), dtype)
        for i, (name, shape) in enumerate(shapes.items())
    }
    tolerance = {"rtol": limits[dtype], "atol": limits[dtype]}
    return Case(
        operator=operator,
        name="drawn",
        inputs=inputs,
        parameters=parameters,
        tolerance=tolerance,
    )


def _pair(draw: Draw, low: int, high: int) -> tuple[int, int]:
    return draw(st.integers(low, high)), draw(st.integers(low, high))


def _optional(draw: Draw, **values: Any) -> dict[str, Any]:
    """Return a random subset of the arguments; the others keep their defaults."""
    return {name: value for name, value in values.items() if draw(st.booleans())}


def _image_shape(draw: Draw, channels: int, sides: tuple[int, int]) -> tuple[int, ...]:
    batch = draw(st.sampled_from([(), (1,), (2,)]))
    return (*batch, channels, *sides)


@st.composite
def conv2d(draw: Draw, largest: int = LARGEST) -> Case:
    sides, kernel = _pair(draw, 1, largest), _pair(draw, 1, 4)
    groups, group_channels, multiplier = (draw(st.integers(1, 2)) for _ in range(3))
    dilation, padding = _pair(draw, 1, 3), _pair(draw, 0, 3)
    mode = draw(st.sampled_from(["zeros", "zeros", "reflect", "replicate", "circular"]))
    if mode == "reflect":
        padding = min(padding[0], sides[0] - 1), min(padding[1], sides[1] - 1)
    if mode == "circular":
        padding = min(padding[0], sides[0]), min(padding[1], sides[1])
    parameters: dict[str, Any] = {"dilation": dilation, "groups": groups}
    named = draw(st.sampled_from(["same", "valid", None])) if mode == "zeros" else None
    parameters |= {"padding": named or padding} | ({} if named else {"padding_mode": mode})
    if named != "same":
        parameters["stride"] = _pair(draw, 1, 4)
        pads = (0, 0) if named else padding
        spans = zip(sides, pads, kernel, dilation, strict=True)
        assume(all(side + 2 * p > d * (k - 1) for side, p, k, d in spans))
    shapes = {
        "input": _image_shape(draw, groups * group_channels, sides),
        "weight": (groups * multiplier, group_channels, *kernel),
    } | _optional(draw, bias=(groups * multiplier,))
    return _case(draw, "conv2d", shapes, parameters, EXACT)


def _window(draw: Draw, largest: int, *, dilated: bool) -> tuple[tuple[int, int], dict[str, Any]]:
    """Draw the sides of a plane and a pooling window that fits it."""
    sides, kernel = _pair(draw, 1, largest), _pair(draw, 1, 4)
    dilation = _pair(draw, 1, 3) if dilated else (1, 1)
    padding = tuple(draw(st.integers(0, k // 2)) for k in kernel)
    spans = zip(sides, padding, kernel, dilation, strict=True)
    assume(all(side + 2 * p > d * (k - 1) for side, p, k, d in spans))
    parameters = {"kernel_size": kernel, "padding": padding}
    parameters |= {"dilation": dilation} if dilated else {}
    parameters |= _optional(draw, stride=_pair(draw, 1, 5), ceil_mode=True)
    return sides, parameters


@st.composite
def max_pool2d(draw: Draw, largest: int = LARGEST) -> Case:
    sides, parameters = _window(draw, largest, dilated=True)
    parameters |= _optional(draw, return_indices=True) if largest > TINY else {}
    shape = _image_shape(draw, draw(st.integers(1, 2)), sides)
    case = _case(draw, "max_pool2d", {"input": shape}, parameters, EXACT)
    # No window may consist of padding only: torch's gradient would write to other memory, see
    # docs/KNOWN_DIFFERENCES.md.
    assume(np.isfinite(np.array(vectors.from_oracle(case)["output"], dtype=float)).all())
    return case


@st.composite
def avg_pool2d(draw: Draw, largest: int = LARGEST) -> Case:
    sides, parameters = _window(draw, largest, dilated=False)
    parameters |= _optional(draw, count_include_pad=False, divisor_override=5)
    shape = _image_shape(draw, draw(st.integers(1, 2)), sides)
    return _case(draw, "avg_pool2d", {"input": shape}, parameters)


@st.composite
def adaptive_avg_pool2d(draw: Draw, largest: int = LARGEST) -> Case:
    size = draw(st.one_of(st.integers(1, largest), st.just(_pair(draw, 1, largest))))
    shape = _image_shape(draw, draw(st.integers(1, 2)), _pair(draw, 1, largest))
    return _case(draw, "adaptive_avg_pool2d", {"input": shape}, {"output_size": size})


def _shape(draw: Draw, axes: int, largest: int) -> tuple[int, ...]:
    return tuple(draw(st.lists(st.integers(1, largest), min_size=1, max_size=axes)))


@st.composite
def relu(draw: Draw, largest: int = LARGEST) -> Case:
    parameters = _optional(draw, inplace=True) if largest > TINY else {}
    return _case(draw, "relu", {"input": _shape(draw, 2, largest)}, parameters, EXACT)


@st.composite
def sigmoid(draw: Draw, largest: int = LARGEST) -> Case:
    return _case(draw, "sigmoid", {"input": _shape(draw, 2, largest)}, {})


@st.composite
def linear(draw: Draw, largest: int = LARGEST) -> Case:
    features, outputs = _pair(draw, 1, largest)
    shapes = {"input": (*_shape(draw, 2, 4), features), "weight": (outputs, features)}
    return _case(draw, "linear", shapes | _optional(draw, bias=(outputs,)), {}, EXACT)


@st.composite
def flatten(draw: Draw, largest: int = LARGEST) -> Case:
    shape = _shape(draw, 4, min(largest, 4))
    start = draw(st.integers(0, len(shape) - 1))
    end = draw(st.integers(start, len(shape) - 1))
    signs = draw(st.booleans()), draw(st.booleans())
    axes = (axis - len(shape) * sign for axis, sign in zip((start, end), signs, strict=True))
    parameters = _optional(draw, **dict(zip(("start_dim", "end_dim"), axes, strict=True)))
    return _case(draw, "flatten", {"input": shape}, parameters, EXACT)


@st.composite
def dropout(draw: Draw, largest: int = LARGEST) -> Case:
    parameters = {
        "p": draw(st.sampled_from([0, 0.25, 0.5, 0.75, 1])),
        "training": draw(st.booleans()),
    }
    return _case(draw, "dropout", {"input": _shape(draw, 2, largest)}, parameters)


@st.composite
def batch_norm(draw: Draw, largest: int = LARGEST) -> Case:
    channels = draw(st.integers(1, 3))
    shape = (draw(st.integers(2, 4)), channels, *draw(st.sampled_from([(), (largest // 2, 3)])))
    parameters = _optional(draw, momentum=0.25) | {"eps": draw(st.sampled_from([0.125, 1]))}
    parameters["training"] = draw(st.booleans())
    variance = tensor(numbers(draw(SEEDS), (channels,), 1, 9), "float64")
    case = _case(
        draw,
        "batch_norm",
        {"input": shape, "running_mean": (channels,), "running_var": (channels,)}
        | _optional(draw, weight=(channels,), bias=(channels,)),
        parameters,
    )
    variance["dtype"] = case.inputs["input"]["dtype"]
    return replace(case, inputs={**case.inputs, "running_var": variance})


@st.composite
def _difference(draw: Draw, largest: int, operator: str) -> Case:
    shape = _shape(draw, 3, min(largest, 4))
    parameters = _optional(draw, reduction=draw(REDUCTIONS))
    return _case(draw, operator, {"input": shape, "target": shape}, parameters)


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
    parameters = _optional(draw, reduction=draw(REDUCTIONS), label_smoothing=0.25)
    parameters |= _optional(draw, ignore_index=draw(st.integers(0, classes - 1))) if hard else {}
    shape = (*batch, classes, *positions)
    target = numbers(draw(SEEDS), (*batch, *positions), 0, classes - 1)
    case = _case(draw, "cross_entropy", {"input": shape}, parameters)
    dtype = case.inputs["input"]["dtype"]
    soft = numbers(draw(SEEDS), shape, 0, 8) / 8
    inputs = {**case.inputs, "target": tensor(target, "int64") if hard else tensor(soft, dtype)}
    weight = tensor(numbers(draw(SEEDS), (classes,), 1, 4), dtype)
    return replace(case, inputs=inputs | _optional(draw, weight=weight))


@st.composite
def _updates(draw: Draw, operator: str, parameters: dict[str, Any]) -> Case:
    count, steps = _pair(draw, 1, 5)
    parameters |= {"lr": draw(st.sampled_from([0.125, 0.5]))}
    parameters |= _optional(draw, weight_decay=0.25, maximize=True)
    return _case(draw, operator, {"params": (count,), "grads": (steps, count)}, parameters)


@st.composite
def sgd(draw: Draw) -> Case:
    parameters = _optional(draw, momentum=draw(st.sampled_from([0.5, 0.75])))
    dampened = draw(st.booleans())
    extra: dict[str, Any] = {"dampening": 0.25} if dampened else {"nesterov": True}
    if bool(parameters) and draw(st.booleans()):
        parameters |= extra
    return draw(_updates("sgd", parameters))


@st.composite
def adam(draw: Draw) -> Case:
    parameters = _optional(draw, betas=(0.5, 0.75), amsgrad=True)
    return draw(_updates("adam", parameters | _optional(draw, eps=0.25)))
