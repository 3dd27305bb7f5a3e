"""Hold implementations against the brute-force definitions, on drawn cases."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from math import prod

import numpy as np
from hypothesis import assume, reject
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable

from spec_tests.harness import vectors
from spec_tests.harness.strategies import SEEDS, numbers, tensor
from spec_tests.harness.vectors import Case
from spec_tests.implementations import Implementation, UnsupportedSkip
from spec_tests.oracles import directional_derivative

LACKS: list[UnsupportedSkip] = []  # what the running test passed over, as hypothesis forgets it


def verify(implementation: Implementation, case: Case) -> None:
    """Hold an implementation against the oracle's outcome of a drawn case."""
    __tracebackhide__ = True
    _skip_what_is_missing(implementation, case.operator)
    dtypes = {"indices": "int64", "output": next(iter(case.inputs.values()))["dtype"]}
    expected = {
        name: tensor(values, dtypes.get(name) or case.inputs[name]["dtype"])
        for name, values in vectors.from_oracle(case).items()
    }
    if case.operator == "dropout" and case.parameters["training"]:
        expected["output"]["zeros"] = [0, prod(expected["output"]["shape"])]
    try:
        vectors.check(implementation, replace(case, expected=expected))
    except vectors.UnsupportedError as missing:
        _pass_over(implementation, missing)


def verify_expected(case: Case) -> None:
    """Compare the values expected by a case with the oracle's.

    Independent values must agree to 1e-9, printed and derived ones to the case's tolerance.
    """
    outcome = vectors.from_oracle(case)
    tolerance = vectors.EXACT if case.oracle == "independent" else case.tolerance
    limits = {limit: tolerance[limit] + 1e-9 for limit in ("rtol", "atol")}
    for name, expected in case.expected.items():
        actual = np.array(outcome[name], dtype=float).reshape(expected["shape"])
        values = np.array(expected["data"], dtype=object).astype(float)
        np.testing.assert_allclose(actual, values, err_msg=str(case), **limits)


def _skip_what_is_missing(implementation: Implementation, operator: str) -> None:
    if operator not in implementation.functions:
        raise UnsupportedSkip(implementation, operator)


def _pass_over(implementation: Implementation, missing: Exception) -> None:
    """Let hypothesis draw another case."""
    LACKS.append(UnsupportedSkip(implementation, missing))
    reject()


@contextmanager
def passing_over() -> Iterator[None]:
    """Skip a drawn test when all that was drawn is not implemented."""
    LACKS.clear()
    try:
        yield
    except Unsatisfiable:
        if LACKS:
            raise LACKS[-1] from None
        raise


@st.composite
def gradient(draw: st.DrawFn, case: Case) -> Case:
    """Make a case of `backward` from a case: float64, with no two elements equal and none at 0."""
    floats = [name for name, held in case.inputs.items() if held["dtype"] != "int64"]
    inputs = dict(case.inputs)
    for i, name in enumerate(floats):
        values = vectors.array(inputs[name])
        places = np.arange(1, values.size + 1).reshape(values.shape)
        inputs[name] = tensor(values + places / 2.0 ** (10 + i), "float64")
    constants = {"running_mean", "running_var", "target"}
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
    """Hold a gradient, along some directions, against the slope of the oracle."""
    for operator in ("backward", case.parameters["operator"]):
        _skip_what_is_missing(implementation, operator)
    inputs, options = case.arrays
    try:
        gradient = implementation.functions["backward"](**inputs, **options)
    except NotImplementedError as missing:
        _pass_over(implementation, missing)
    wrt = inputs[case.parameters["wrt"]]
    assert (gradient.dtype, gradient.shape) == (wrt.dtype, wrt.shape), str(case)
    exact = {name: vectors.as_fractions(values.tolist()) for name, values in inputs.items()}
    for seed in range(2):
        direction = numbers(seed, wrt.shape, -3, 3)
        expected = directional_derivative(direction.tolist(), **exact, **options)
        along = (gradient * direction).sum()
        assume(math.isfinite(expected))  # the mean of nothing, when every sample is ignored
        assert np.isclose(along, float(expected), rtol=1e-6, atol=1e-6), f"{case}\n{gradient}"
