"""Tolerances, derived from the dtype of a result and from how many roundings it takes.

A rounding to nearest changes a value by at most the unit roundoff u of its dtype, relative to the
value. A result of n roundings in a row, of values no larger than s, is therefore within n u s of
the exact one, to first order in u (Higham, Accuracy and Stability of Numerical Algorithms, 2002,
sections 3.1 and 4.2; for a sum, n is its number of terms in any order of summation). A case allows
that as rtol = n u, and as atol = n u s for results that cancel.

float16 and bfloat16 are for storage: sums are accumulated in float32 at least, and the result is
rounded once, as torch does. The expected value is rounded to the dtype as well: 2 u for the two.
"""

from collections.abc import Callable, Mapping
from math import prod
from typing import Any

import numpy as np

from spec_tests.harness import tensors
from spec_tests.harness.vectors import Case

# The unit roundoff: half the distance from 1 to the next number.
ROUNDOFF = {
    "float64": 2.0**-53,
    "float32": 2.0**-24,
    "float16": 2.0**-11,
    "bfloat16": 2.0**-8,
    "int64": 0.0,
}


def _size(tensor: Mapping[str, Any]) -> int:
    return prod(tensor["shape"])


def _window(case: Case) -> int:
    kernel = case.parameters["kernel_size"]
    return prod(kernel) if isinstance(kernel, tuple | list) else kernel**2


def _classes(case: Case) -> int:
    shape = case.inputs["input"]["shape"]
    return shape[0] if len(shape) == 1 else shape[1]


# No result is allowed fewer: functions such as exp and rsqrt are seldom rounded correctly, and
# libraries rearrange formulas.
FEWEST = 20

# Of each operator: how many roundings one element of its result takes at most.
ROUNDINGS: dict[str, Callable[[Case], int]] = {
    # a product and a sum for each term, and the bias
    "conv2d": lambda case: 2 * prod(case.inputs["weight"]["shape"][1:]) + 1,
    "linear": lambda case: 2 * case.inputs["weight"]["shape"][-1] + 1,
    # the terms and the division
    "avg_pool2d": lambda case: _window(case) + 1,
    "adaptive_avg_pool2d": lambda case: prod(case.inputs["input"]["shape"][-2:]) + 1,
    # the difference (and its square) of each element, the terms, the division
    "l1_loss": lambda case: _size(case.inputs["input"]) + 2,
    "mse_loss": lambda case: _size(case.inputs["input"]) + 3,
    # mean and variance over all elements of a channel; x - mean, + eps, sqrt, /, *, +; the
    # running statistics: two products and a sum
    "batch_norm": lambda case: 2 * _size(case.inputs["input"]) + 9,
    # exp of a difference, their sum, its log, the smoothed sum over the classes, the samples
    "cross_entropy": lambda case: 3 * _classes(case) + _size(case.inputs["input"]) + 6,
    "sigmoid": lambda _: 4,  # exp, whose error is up to two units, the sum, the division
    "dropout": lambda _: 2,  # 1 - p and the division
    # in each step
    "sgd": lambda case: 8 * case.inputs["grads"]["shape"][0],
    "adam": lambda case: 16 * case.inputs["grads"]["shape"][0],
    # elements are selected, not computed
    "flatten": lambda _: 0,
    "max_pool2d": lambda _: 0,
    "relu": lambda _: 0,
}


def roundings(case: Case) -> int:
    """Return how many roundings an element of a case's result takes at most."""
    if case.operator == "backward":
        passes = case.parameters.get("times", 1)
        return passes * (ROUNDINGS[case.parameters["operator"]](case) + _grad_terms(case))
    return ROUNDINGS[case.operator](case)


def _grad_terms(case: Case) -> int:
    return 2 * _size(case.inputs["grad_output"])


def relative(operator_roundings: int, dtype: str) -> float:
    """Return the relative tolerance of a result of this dtype after so many roundings."""
    operator_roundings = max(operator_roundings, FEWEST)
    if dtype in tensors.HALF:
        return 2 * ROUNDOFF[dtype] + operator_roundings * ROUNDOFF["float32"]
    return operator_roundings * ROUNDOFF[dtype]


def scale(case: Case) -> float:
    """Return the largest absolute value of a case's inputs and results, and at least 1."""
    values = [tensors.array(tensor) for tensor in (*case.inputs.values(), *case.expected.values())]
    numbers = [np.abs(each[np.isfinite(each)].astype("float64")) for each in values]
    return max(1.0, *(each.max(initial=0.0) for each in numbers))


def limits(case: Case) -> dict[str, float]:
    """Return the largest tolerance that the derivation allows for a case's output."""
    rtol = relative(roundings(case), case.expected["output"]["dtype"])
    return {"rtol": rtol, "atol": rtol * scale(case)}
