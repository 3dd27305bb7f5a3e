"""The vectors: the operator cases of `fixtures/vectors`, and the check of an implementation.

`vectors.schema.json` describes the data of a case, `spec_tests.implementations` how an
implementation is called. Results are compared by dtype, shape and values, in this order; each
message includes the operator and its arguments.
"""

import inspect
import json
import math
import re
import traceback
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache, lru_cache
from typing import Any

import numpy as np
import pytest

from spec_tests import paths
from spec_tests.harness import comparison, randomness, tensors
from spec_tests.implementations import DiedError, Implementation, UnsupportedSkip
from spec_tests.oracles import DEFINITIONS
from spec_tests.oracles.nested import Nested

EXACT = {"rtol": 0, "atol": 0}
RESULTS = ("output", "indices")
MAY_SHARE = ("dropout", "flatten")  # whose result may be the input, or a view of it, as torch's is

Arrays = Mapping[str, Any]


class MismatchError(AssertionError):
    """An implementation's outcome differs from the case."""

    def __init__(self, case: "Case", difference: str, details: str = "") -> None:
        # pytest's summary of failures shows only the first line: the difference.
        lines = [f"{case.operator}: {difference}", case.why, str(case), details]
        super().__init__("\n".join(filter(None, lines)))


class RaisedError(MismatchError):
    """An implementation raised an exception that the case does not expect."""


class UnsupportedError(Exception):
    """An implementation does not implement the operator, or these arguments of it."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """One call of an operator and its expected outcome; the schema describes the fields."""

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
        arguments = {name: _described(tensor) for name, tensor in self.inputs.items()}
        listed = ", ".join(f"{name}={value}" for name, value in (arguments | self.options).items())
        return f"{self.operator}({listed})"

    @property
    def arrays(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """The inputs as new arrays, and the options."""
        return tensors.arrays(self.inputs), self.options

    @property
    def unusual(self) -> bool:
        """Whether an implementation may have no such arrays: half precision, other layouts."""
        return any(
            tensor["dtype"] in tensors.HALF or "layout" in tensor for tensor in self.inputs.values()
        )

    @property
    def options(self) -> dict[str, Any]:
        """The parameters, with tuples for JSON's lists."""
        return {k: tuple(v) if isinstance(v, list) else v for k, v in self.parameters.items()}


def _described(tensor: Mapping[str, Any]) -> str:
    """Return the values of a tensor, its layout if it is not contiguous, and what it shares."""
    if "fill" in tensor:
        values = f"full({tensor['shape']}, {tensor['fill']})"
        values += f" except {tensor['except']}" if "except" in tensor else ""
    else:
        values = str(tensors.array(tensor).tolist())
    notes = [tensor["layout"]] if "layout" in tensor else []
    notes += [f"the same array as {tensor['shares']}"] if "shares" in tensor else []
    return f"{values} ({', '.join(notes)})" if notes else values


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
    """Return the mark that runs a test with each vector of an operator, with its claims."""
    params = [
        pytest.param(
            case, id=case.name, marks=pytest.mark.claim(*case.claims) if case.claims else ()
        )
        for case in cases(operator)
    ]
    return pytest.mark.parametrize("case", params)


def call_operator(function: Callable[..., Any], inputs: Arrays, options: Arrays) -> dict[str, Any]:
    """Call a function; return its results and the inputs as they are afterwards."""
    results = function(**inputs, **options)
    results = results if isinstance(results, tuple) else (results,)
    # A sum or a mean of NumPy is a scalar, not an array of shape ().
    arrays = [np.asarray(each) if isinstance(each, np.generic) else each for each in results]
    return dict(zip(RESULTS, arrays, strict=False)) | dict(inputs)


def from_oracle(case: Case) -> dict[str, Any]:
    """Return the outcome of a case according to the oracle, as nested lists."""
    arrays, _ = case.arrays
    inputs = {name: as_fractions(array.tolist()) for name, array in arrays.items()}
    return call_operator(DEFINITIONS[case.operator], inputs, case.options)


def as_fractions(nested: Nested) -> Nested:
    """Return nested lists with each finite number as the equal int or Fraction."""
    if isinstance(nested, list):
        return [as_fractions(part) for part in nested]
    if not math.isfinite(nested):
        return nested
    return int(nested) if nested == int(nested) else Fraction(nested)


def check(implementation: Implementation, case: Case) -> None:
    """Check an implementation on a case.

    Raises:
        MismatchError: its outcome differs from the case.
        UnsupportedError: it does not implement the operator, or these arguments of it.
    """
    __tracebackhide__ = True
    function = implementation.functions.get(case.operator)
    if function is None:
        raise UnsupportedError(case.operator)
    if unknown := unknown_arguments(function, [*case.inputs, *case.parameters]):
        raise UnsupportedError(f"{case.operator} has no argument {', '.join(unknown)}")
    try:
        (untouched, _), (inputs, options) = case.arrays, case.arrays
        with warnings.catch_warnings(action="ignore" if case.error else None):
            actual = call_operator(function, inputs, options)
    except DiedError as error:
        raise RaisedError(case, str(error)) from None
    except Exception as error:  # noqa: BLE001 - whatever an implementation raises is a result
        _check_error(implementation, case, error)
        return
    if case.error:
        raise MismatchError(case, f"must {_expected_error(case)}, but returned {actual['output']}")
    _check_outcome(case, untouched, actual)
    if case.expected["output"].get("random"):
        again = call_operator(function, *case.arrays)
        _check_unrelated(case, actual["output"] == 0, again["output"] == 0)


def unknown_arguments(function: Callable[..., Any], names: Sequence[str]) -> list[str]:
    """Return those of the names that are not keyword arguments of a function."""
    known = _keyword_arguments(function)
    return [] if known is None else [name for name in names if name not in known]


@lru_cache(maxsize=64)
def _keyword_arguments(function: Callable[..., Any]) -> set[str] | None:
    """Return the names of a function's keyword arguments; None if it takes any."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # a function written in C may have no signature
        return None
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
        return None
    return {each.name for each in parameters if each.kind is not each.POSITIONAL_ONLY}


def _check_outcome(case: Case, untouched: Arrays, actual: Arrays) -> None:
    __tracebackhide__ = True
    if extra := [name for name in RESULTS if name in actual and name not in case.expected]:
        raise MismatchError(case, f"returned a result that is not expected: {', '.join(extra)}")
    for name, before in untouched.items():
        if name not in case.expected:
            unchanged = {"dtype": before.dtype.name, "shape": before.shape, "data": before}
            _compare(case, f"the input {name} after the call", actual[name], unchanged, EXACT)
    for name, expected in case.expected.items():
        _compare(case, name, actual.get(name), expected, case.tolerance)
    for name in untouched:
        may_share = name in case.expected or case.operator in MAY_SHARE
        if np.shares_memory(actual[name], actual["output"]) and not may_share:
            raise MismatchError(case, f"output: shares memory with the input {name}")


def _expected_error(case: Case) -> str:
    assert case.error
    return f"raise {' or '.join(case.error['types'])} (torch's message: {case.error['mentions']})"


def _check_error(implementation: Implementation, case: Case, error: Exception) -> None:
    __tracebackhide__ = True
    if case.error:
        classes = {c.__name__ for c in type(error).__mro__}
        words_matter = implementation.torch_messages
        described = not words_matter or re.search(case.error["mentions"], str(error)) is not None
        if described and classes.intersection(case.error["types"]):
            return
        if isinstance(error, implementation.library_errors):
            return
    raised = f"{type(error).__name__}: {error}"
    if isinstance(error, NotImplementedError) or (case.unusual and not case.error):
        raise UnsupportedError(raised) from error
    expected = f"must {_expected_error(case)}, but " if case.error else ""
    # The traceback starts in the implementation: without the frames of check and call_operator.
    frames = traceback.format_tb(error.__traceback__)[2:]
    raise RaisedError(case, f"{expected}raised {raised}", "".join(frames)) from None


def _compare(
    case: Case,
    name: str,
    actual: object,
    expected: Mapping[str, Any],
    tolerance: Mapping[str, Any],
) -> None:
    __tracebackhide__ = True
    if found := comparison.difference(actual, expected, tolerance):
        words, details = found
        raise MismatchError(case, f"{name}: {words}", details)


def _check_unrelated(case: Case, zeros: np.ndarray, again: np.ndarray) -> None:
    __tracebackhide__ = True
    if relation := randomness.relation(zeros, again):
        raise MismatchError(case, f"output: {relation}")


def verify(implementation: Implementation, case: Case) -> None:
    """Check an implementation in a test; skip the test if the case is not implemented."""
    try:
        check(implementation, case)
    except UnsupportedError as missing:
        raise UnsupportedSkip(implementation, missing) from None
