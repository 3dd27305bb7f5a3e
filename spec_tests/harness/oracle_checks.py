"""Comparison of implementations with the brute-force definitions, on drawn cases."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from math import prod
from typing import Any, NoReturn

import numpy as np
import pytest
from hypothesis import assume, reject
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable

from spec_tests.harness import vectors
from spec_tests.harness.strategies.drawing import SEEDS, numbers
from spec_tests.harness.tensors import array, largest_finite, tensor
from spec_tests.harness.tolerances import limits
from spec_tests.harness.vectors import Case
from spec_tests.implementations import Implementation, UnsupportedSkip
from spec_tests.oracles import directional_derivative

# Cases that the running test drew and rejected as not implemented; hypothesis keeps no record.
REJECTED: list[UnsupportedSkip] = []


def verify(implementation: Implementation, case: Case) -> None:
    """Compare an implementation with the oracle on a drawn case."""
    __tracebackhide__ = True
    _skip_if_missing(implementation, case.operator)
    dtypes = {"indices": "int64", "output": next(iter(case.inputs.values()))["dtype"]}
    expected = {
        name: tensor(values, dtypes.get(name) or case.inputs[name]["dtype"])
        for name, values in vectors.from_oracle(case).items()
    }
    if case.operator == "dropout" and case.parameters["training"]:
        expected["output"]["zeros"] = [0, prod(expected["output"]["shape"])]
    case = replace(case, expected=expected)
    try:
        vectors.check(implementation, replace(case, tolerance=case.tolerance or limits(case)))
    except vectors.UnsupportedError as missing:
        _reject(implementation, missing)


def verify_expected(case: Case) -> None:
    """Compare the values expected by a case with the oracle's.

    Independent values must agree to 1e-9, printed and derived ones to the case's tolerance. Without
    elements there is nothing to compute, and nested lists have no shape: nothing is compared.
    """
    if any(0 in each["shape"] for each in (*case.inputs.values(), *case.expected.values())):
        return
    outcome = vectors.from_oracle(case)
    tolerance = vectors.EXACT if case.oracle == "independent" else case.tolerance
    rtol, atol = tolerance["rtol"] + 1e-9, tolerance["atol"] + 1e-9
    for name, expected in case.expected.items():
        if expected["dtype"] == "int64":  # float64 would round what exceeds 2^53
            exact = np.array(outcome[name], dtype=object).reshape(expected["shape"])
            towards_zero = np.frompyfunc(int, 1, 1)(exact)
            np.testing.assert_array_equal(towards_zero, array(expected), str(case))
            continue
        exact = np.array(outcome[name], dtype=float).reshape(expected["shape"])
        largest = largest_finite(expected["dtype"])
        actual = np.where(np.abs(exact) > largest, np.copysign(np.inf, exact), exact)
        values = array(expected | {"dtype": "float64"})
        np.testing.assert_allclose(actual, values, rtol, atol, err_msg=str(case))


def _skip_if_missing(implementation: Implementation, operator: str) -> None:
    if operator not in implementation.functions:
        raise UnsupportedSkip(implementation, operator)


def _reject(implementation: Implementation, missing: Exception) -> NoReturn:
    """Make hypothesis draw another case."""
    REJECTED.append(UnsupportedSkip(implementation, missing))
    reject()


@contextmanager
def outcome_of_cases() -> Iterator[None]:
    """Report a mismatch by its message alone; skip a test if no drawn case is implemented.

    The message has the arguments already, which hypothesis would list again.
    """
    REJECTED.clear()
    try:
        yield
    except vectors.MismatchError as mismatch:
        raise pytest.fail.Exception(str(mismatch), pytrace=False) from None
    except Unsatisfiable:
        if REJECTED:
            raise REJECTED[-1] from None
        raise


@st.composite
def gradient(draw: st.DrawFn, case: Case) -> Case:
    """Draw a case of `backward` for a case of an operator, in float64.

    No two elements of an input are equal and none is 0, where ReLU and max pooling have kinks.
    """
    floats = [name for name, values in case.inputs.items() if values["dtype"] != "int64"]
    inputs = dict(case.inputs)
    for i, name in enumerate(floats):
        values = array(inputs[name])
        # Small integers plus distinct multiples of a power of 2, a different one for each input.
        offsets = np.arange(1, values.size + 1).reshape(values.shape) / 2.0 ** (10 + i)
        inputs[name] = inputs[name] | tensor(values + offsets, "float64")
    constants = {"running_mean", "running_var"}
    constants |= {"weight"} if case.operator == "cross_entropy" else set()
    learnable = [name for name in floats if name not in constants]
    output = vectors.from_oracle(replace(case, inputs=inputs))["output"]
    shape = np.shape(np.array(output, dtype=object))
    grad_output = tensor(numbers(draw(SEEDS), shape), "float64")
    return replace(
        case,
        operator="backward",
        inputs={"grad_output": grad_output} | inputs,
        parameters={
            "operator": case.operator,
            "wrt": draw(st.sampled_from(learnable)),
            **case.parameters,
        },
    )


def verify_gradient(implementation: Implementation, case: Case) -> None:
    """Compare a gradient with the oracle's directional derivative, in two directions."""
    for operator in ("backward", case.parameters["operator"]):
        _skip_if_missing(implementation, operator)
    inputs, options = case.arrays
    try:
        gradient = implementation.functions["backward"](**inputs, **options)
    except NotImplementedError as missing:
        _reject(implementation, missing)
    wrt = inputs[case.parameters["wrt"]]
    assert (gradient.dtype, gradient.shape) == (wrt.dtype, wrt.shape), str(case)
    exact: dict[str, Any] = {
        name: vectors.as_fractions(values.tolist()) for name, values in inputs.items()
    }
    for seed in range(2):
        direction = numbers(seed, wrt.shape, -3, 3)
        expected = directional_derivative(direction.tolist(), **exact, **options)
        along = (gradient * direction).sum()
        assume(math.isfinite(expected))  # NaN: the mean of no samples, if all are ignored
        assert np.isclose(along, float(expected), rtol=1e-6, atol=1e-6), f"{case}\n{gradient}"
