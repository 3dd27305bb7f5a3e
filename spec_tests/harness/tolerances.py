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
from dataclasses import dataclass
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


# No result that is computed is allowed fewer: functions such as exp and rsqrt are seldom rounded
# correctly, and libraries rearrange formulas.
FEWEST = 20


@dataclass(frozen=True, kw_only=True)
class Roundings:
    """How many roundings one element of an operator's result takes at most.

    Attributes:
        count: of a case.
        formula: the same in words, for docs/TOLERANCES.md.
        of: what is counted.
    """

    count: Callable[[Case], int]
    formula: str
    of: str


SELECTED = Roundings(count=lambda _: 0, formula="0", of="elements are selected, not computed")

ROUNDINGS: dict[str, Roundings] = {
    "adam": Roundings(
        count=lambda case: 16 * case.inputs["grads"]["shape"][0],
        formula="16 × steps",
        of="both moments, their corrections, the quotient and the update",
    ),
    "adaptive_avg_pool2d": Roundings(
        count=lambda case: prod(case.inputs["input"]["shape"][-2:]) + 1,
        formula="elements of the plane + 1",
        of="the terms and the division",
    ),
    "avg_pool2d": Roundings(
        count=lambda case: _window(case) + 1,
        formula="elements of the window + 1",
        of="the terms and the division",
    ),
    "batch_norm": Roundings(
        count=lambda case: 2 * _size(case.inputs["input"]) // case.inputs["input"]["shape"][1] + 9,
        formula="2 × elements of the channel + 9",
        of="mean and variance; x - mean, + eps, the root, /, *, +; the running statistics: * * +",
    ),
    "conv2d": Roundings(
        count=lambda case: 2 * prod(case.inputs["weight"]["shape"][1:]) + 1,
        formula="2 × elements of the kernel + 1",
        of="a product and a sum for each term, and the bias",
    ),
    "cross_entropy": Roundings(
        count=lambda case: 3 * _classes(case) + _size(case.inputs["input"]) + 6,
        formula="3 × classes + elements + 6",
        of="exp of a difference, their sum, its logarithm, the smoothed sum over the classes, "
        "the samples",
    ),
    "dropout": Roundings(count=lambda _: 2, formula="2", of="1 - p and the division"),
    "flatten": SELECTED,
    "l1_loss": Roundings(
        count=lambda case: _size(case.inputs["input"]) + 2,
        formula="elements + 2",
        of="the difference, the terms, the division",
    ),
    "linear": Roundings(
        count=lambda case: 2 * case.inputs["weight"]["shape"][-1] + 1,
        formula="2 × in_features + 1",
        of="a product and a sum for each term, and the bias",
    ),
    "max_pool2d": SELECTED,
    "mse_loss": Roundings(
        count=lambda case: _size(case.inputs["input"]) + 3,
        formula="elements + 3",
        of="the difference, its square, the terms, the division",
    ),
    "relu": SELECTED,
    "sgd": Roundings(
        count=lambda case: 8 * case.inputs["grads"]["shape"][0],
        formula="8 × steps",
        of="weight decay, momentum, dampening and the update",
    ),
    "sigmoid": Roundings(
        count=lambda _: 4,
        formula="4",
        of="exp, whose error is up to two units, the sum, the division",
    ),
}


def roundings(case: Case) -> int:
    """Return how many roundings an element of a case's result takes at most."""
    if case.operator == "backward":
        passes = case.parameters.get("times", 1)
        forward = ROUNDINGS[case.parameters["operator"]].count(case)
        return passes * (forward + _grad_terms(case))
    return ROUNDINGS[case.operator].count(case)


def _grad_terms(case: Case) -> int:
    return 2 * _size(case.inputs["grad_output"])


def relative(operator_roundings: int, dtype: str) -> float:
    """Return the relative tolerance of a result of this dtype after so many roundings."""
    if not operator_roundings:
        return 0.0
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
