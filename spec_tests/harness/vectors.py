"""The operator cases of `fixtures/vectors`, and how an implementation is held against one.

A case is data: `vectors.schema.json` says what it consists of, `implementations` how an
implementation is called. The checks come in the order dtype, shape, values, and every message
says what was called with which arguments.
"""

import copy
import json
import math
import re
import traceback
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch

from spec_tests import paths
from spec_tests.implementations import Implementation, UnsupportedSkip
from spec_tests.oracles import DEFINITIONS, Nested

EXACT = {"rtol": 0, "atol": 0}
RESULTS = ("output", "indices")

Arrays = Mapping[str, Any]


class MismatchError(AssertionError):
    """An implementation does not do what the case says."""

    def __init__(self, case: "Case", what: str, details: str = "") -> None:
        # What is wrong stands in the first line: a summary of many failures shows no more.
        super().__init__(f"{case.operator}: {what}\n{case}\n{details}".rstrip())


class RaisedError(MismatchError):
    """An implementation raised where the case has a value, or another error."""


class UnsupportedError(Exception):
    """An implementation lacks the operator, or cannot take these arguments."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """One call of an operator and what it must give; the schema describes the fields."""

    operator: str
    name: str
    inputs: Mapping[str, Any]
    parameters: Mapping[str, Any]
    expected: Mapping[str, Any] = field(default_factory=dict)
    error: Mapping[str, Any] | None = None
    tolerance: Mapping[str, Any] = field(default_factory=lambda: EXACT)
    oracle: str = "independent"
    why: str = ""
    claims: tuple[str, ...] = ()

    def __str__(self) -> str:
        inputs, options = self.arrays
        shown = {name: values.tolist() for name, values in inputs.items()} | options
        return f"{self.operator}({', '.join(f'{name}={value}' for name, value in shown.items())})"

    @property
    def arrays(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """The inputs as arrays, and the options."""
        return {name: array(tensor) for name, tensor in self.inputs.items()}, self.options

    @property
    def options(self) -> dict[str, Any]:
        """The parameters as Python has them: a list is a tuple."""
        return {k: tuple(v) if isinstance(v, list) else v for k, v in self.parameters.items()}


def operators() -> list[str]:
    """Return the names of the operators that have vectors."""
    return sorted(
        path.stem for path in paths.VECTORS.glob("*.json") if path != paths.VECTORS_SCHEMA
    )


@cache
def cases(operator: str) -> tuple[Case, ...]:
    """Read the vectors of an operator."""
    document = json.loads((paths.VECTORS / f"{operator}.json").read_text(encoding="utf-8"))
    entries = [entry | {"claims": tuple(entry["claims"])} for entry in document["cases"]]
    return tuple(Case(operator=operator, **entry) for entry in entries)


def parametrize_cases(operator: str) -> pytest.MarkDecorator:
    """Give a test the vectors of an operator as `case`, each with its claims."""
    marks = {c.name: [pytest.mark.claim(*c.claims)] if c.claims else [] for c in cases(operator)}
    return pytest.mark.parametrize(
        "case", [pytest.param(c, id=c.name, marks=marks[c.name]) for c in cases(operator)]
    )


def array(tensor: Mapping[str, Any]) -> np.ndarray:
    """Read a tensor of a case; its numbers may be the words inf, -inf and nan."""
    flat = np.array(tensor["data"], dtype=object).reshape(tensor["shape"])
    return flat.astype(tensor["dtype"])


def call_operator(function: Callable[..., Any], inputs: Arrays, options: Arrays) -> dict[str, Any]:
    """Call a function on copies of the inputs; return its results and the inputs afterwards."""
    inputs = copy.deepcopy(inputs)
    results = function(**inputs, **options)
    results = results if isinstance(results, tuple) else (results,)
    return dict(zip(RESULTS, results, strict=False)) | inputs


def from_oracle(case: Case) -> dict[str, Any]:
    """Return the brute-force outcome of a case, as nested lists."""
    inputs = {name: as_fractions(array(tensor).tolist()) for name, tensor in case.inputs.items()}
    return call_operator(DEFINITIONS[case.operator], inputs, case.options)


def as_fractions(nested: Nested) -> Nested:
    """Turn the floats of a nested list into the integers or fractions that they are."""
    if isinstance(nested, list):
        return [as_fractions(part) for part in nested]
    if not math.isfinite(nested):
        return nested
    return int(nested) if nested == int(nested) else Fraction(nested)


def check(implementation: Implementation, case: Case) -> None:
    """Hold an implementation against a case.

    Raises:
        MismatchError: it does something else.
        UnsupportedError: it lacks the operator or cannot take these arguments.
    """
    __tracebackhide__ = True
    function = implementation.functions.get(case.operator)
    if function is None:
        raise UnsupportedError(case.operator)
    inputs, options = case.arrays
    try:
        with warnings.catch_warnings(action="ignore" if case.error else None):
            actual = call_operator(function, inputs, options)
    except Exception as error:  # noqa: BLE001 - whatever an implementation raises is a result
        _check_error(implementation, case, error)
        return
    if case.error:
        raise MismatchError(case, f"must be {_refused(case)} and gave {actual['output']}")
    if extra := [name for name in RESULTS if name in actual and name not in case.expected]:
        raise MismatchError(case, f"gave what was not asked for: {', '.join(extra)}")
    for name, before in inputs.items():
        if name not in case.expected:
            unchanged = {"dtype": before.dtype.name, "shape": before.shape, "data": before}
            _compare(case, f"the input {name}, afterwards", actual[name], unchanged, EXACT)
    for name, expected in case.expected.items():
        _compare(case, name, actual.get(name), expected, case.tolerance)
    for name in inputs:
        if np.shares_memory(actual[name], actual["output"]):
            raise MismatchError(case, f"output: shares memory with the input {name}")


def _refused(case: Case) -> str:
    return f"refused with {' or '.join(case.error['types'])} about {case.error['mentions']!r}"


def _check_error(implementation: Implementation, case: Case, error: Exception) -> None:
    __tracebackhide__ = True
    told = f"{type(error).__name__}: {error}"
    if case.error:
        classes = {c.__name__ for c in type(error).__mro__}
        if classes.intersection(case.error["types"]) and re.search(
            case.error["mentions"], str(error)
        ):
            return
        if isinstance(error, implementation.library_errors):
            return
    if isinstance(error, NotImplementedError):
        raise UnsupportedError(told) from error
    told = f"must be {_refused(case)}, not with {told}" if case.error else f"raised {told}"
    own_frames = traceback.format_tb(error.__traceback__)[2:]  # without `check` and `call_operator`
    raise RaisedError(case, told, "".join(own_frames)) from None


def _compare(
    case: Case,
    name: str,
    actual: np.ndarray,
    expected: Mapping[str, Any],
    tolerance: Mapping[str, Any],
) -> None:
    __tracebackhide__ = True
    if not isinstance(actual, np.ndarray):
        raise MismatchError(case, f"{name}: not an array but {actual!r}")
    found, wanted = actual.dtype.name, expected["dtype"]
    if found != wanted:
        raise MismatchError(case, f"{name}: dtype is {found}, not {wanted}")
    if actual.shape != tuple(expected["shape"]):
        shapes = f"{list(actual.shape)}, not {list(expected['shape'])}"
        raise MismatchError(case, f"{name}: shape is {shapes}")
    values = array(expected)
    if "zeros" in expected:
        _check_zeros(case, name, actual, expected["zeros"])
        values = np.where(actual == 0, 0, values)
    limits = {"rtol": tolerance["rtol"], "atol": tolerance["atol"], "equal_nan": True}
    try:
        torch.testing.assert_close(*map(torch.from_numpy, (actual.copy(), values)), **limits)
    except AssertionError as error:
        details = f"got\n{actual}\nexpected\n{values}\n{error}"
        raise MismatchError(case, f"{name}: wrong values", details) from None


def _check_zeros(case: Case, name: str, actual: np.ndarray, limits: tuple[int, int]) -> None:
    __tracebackhide__ = True
    zeros = int((actual == 0).sum())
    if not limits[0] <= zeros <= limits[1]:
        raise MismatchError(case, f"{name}: {zeros} zeros, not {limits[0]} to {limits[1]}")


def verify(implementation: Implementation, case: Case) -> None:
    """Check in a test: what is not implemented is skipped, and never passes."""
    try:
        check(implementation, case)
    except UnsupportedError as missing:
        raise UnsupportedSkip(implementation, missing) from None
    except MismatchError as mismatch:
        raise pytest.fail.Exception(str(mismatch), pytrace=False) from None
