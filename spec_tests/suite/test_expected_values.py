"""Self-tests: every claim needs its tests, and no other expected value passes."""

import itertools
import math
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from spec_tests.harness import claims, comparison, oracle_checks, tolerances, vectors
from spec_tests.harness.tensors import array, dtype_of
from spec_tests.harness.vectors import Case
from spec_tests.implementations import Implementation
from spec_tests.implementations.torch import IMPLEMENTATION

CASES = [
    pytest.param(case, id=f"{case.operator}-{case.name}")
    for operator in vectors.operators()
    for case in vectors.cases(operator)
]
VALUES = [param for param in CASES if param.values[0].expected]
ERRORS = [param for param in CASES if param.values[0].error]

HALF_A_PRINTED_DIGIT = 5e-5


class _Test:
    """The part of a pytest.Item that the register uses."""

    nodeid = "a test"

    def __init__(self, names: frozenset[str]) -> None:
        self.marks = [pytest.mark.claim(*names).mark]

    def iter_markers(self, _name: str) -> list[pytest.Mark]:
        return self.marks


def test_every_claim_needs_its_tests(request: pytest.FixtureRequest) -> None:
    """Without the tests of any one claim, collection fails and names it."""
    if not (items := request.config.stash[claims.SUITE]):
        pytest.skip("needs the whole suite collected: pytest spec_tests -k test_expected_values")
    register = request.config.stash[claims.REGISTER]
    tests = {names: _Test(names) for names in {frozenset(claims.named_by(i)) for i in items}}
    claims.check_links(register, tests.values(), whole=True)
    for claim in register.values():
        if not claim.untestable:
            rest = [test for names, test in tests.items() if claim.id not in names]
            with pytest.raises(
                claims.RegisterError, match=rf"no test names the claim .*{claim.id}"
            ):
                claims.check_links(register, rest, whole=True)


def _outcomes(case: Case) -> list[dict[str, Any]]:
    """Return what PyTorch makes of a case in two calls."""
    function = IMPLEMENTATION.functions[case.operator]
    with warnings.catch_warnings(action="ignore"):
        return [vectors.call_operator(function, *case.arrays) for _ in range(2)]


def _replay(case: Case, outcomes: Iterable[dict[str, Any]]) -> Implementation:
    """Return an implementation that repeats outcomes of a case in turn."""
    turns = itertools.cycle(outcomes)

    def repeat(**arguments: Any) -> tuple[np.ndarray, ...]:
        outcome = next(turns)
        for name in case.inputs:
            arguments[name][...] = outcome[name]
        return tuple(outcome[name].copy() for name in vectors.RESULTS if name in outcome)

    return Implementation(name="replay", functions={case.operator: repeat})


def _replay_error(case: Case) -> Implementation:
    """Return an implementation that raises the error that PyTorch raises in a case."""
    with pytest.raises(Exception) as caught:  # noqa: PT011 - the vectors say which
        _outcomes(case)

    def repeat(**_: Any) -> None:
        raise caught.value

    return Implementation(name="replay", functions={case.operator: repeat}, torch_messages=True)


def _passes(implementation: Implementation, case: Case) -> bool:
    """Return whether a case passes both the check of an implementation and the oracle's."""
    try:
        vectors.check(implementation, case)
        if case.expected:
            oracle_checks.verify_expected(case)
    except (AssertionError, KeyError, ValueError, vectors.UnsupportedError):
        return False
    return True


def _changed(case: Case, name: str, **fields: Any) -> Case:
    """Return a case with fields of one expected tensor changed."""
    return replace(case, expected={**case.expected, name: {**case.expected[name], **fields}})


def _other_numbers(case: Case, actual: Mapping[str, Any]) -> Iterator[tuple[str, Case]]:
    """Yield cases with one expected number changed by the least that the tolerance must detect.

    All numbers are changed at once and compared with the actual ones, element by element. Only
    those that this comparison does not notice need a case of their own: the oracle must notice.
    """
    for name, tensor in case.expected.items():
        values = array(tensor).astype(object)
        for side in (-1, 1):
            changed = values.copy()
            changed.flat = [
                _neighbour(value, side, tensor["dtype"], case.tolerance) for value in values.flat
            ]
            other = _with_data(tensor, changed)
            _, noticed = comparison.wrong_elements(actual[name], other, case.tolerance)
            for index in _distinct_elements(tensor):
                if not noticed[index].all():
                    data = values.copy()
                    data[index] = changed[index]
                    expected = {**case.expected, name: _with_data(tensor, data)}
                    yield f"{name}{index}, side {side}", replace(case, expected=expected)


def _with_data(tensor: Mapping[str, Any], data: np.ndarray) -> dict[str, Any]:
    whole = {"dtype": tensor["dtype"], "shape": tensor["shape"], "data": data.tolist()}
    return whole | {key: tensor[key] for key in ("zeros", "random") if key in tensor}


def _distinct_elements(tensor: Mapping[str, Any]) -> Iterator[Any]:
    """Yield the index of each element; of elements with one value for all, that of all of them."""
    if "fill" not in tensor:
        yield from np.ndindex(*tensor["shape"])
        return
    filled = np.ones(tensor["shape"], dtype=bool)
    for index, _ in tensor.get("except", []):
        filled[tuple(index)] = False
        yield tuple(index)
    if filled.any():
        yield filled


def _neighbour(value: float, side: int, dtype: str, tolerance: Mapping[str, float]) -> float:
    """Return the nearest value below or above (side -1 or 1) that must fail if `value` passes.

    PyTorch's result is within the tolerance of `value`: a value more than two tolerances away is
    out of its reach.
    """
    if dtype == "int64":
        return value + side
    value = float(value)
    if math.isnan(value):
        return 0.0
    if math.isinf(value):
        return 0.0 if side < 0 else -value
    step = 2 * (tolerance["atol"] + tolerance["rtol"] * abs(value))
    spacing = float(np.spacing(dtype_of(dtype).type(abs(value) + step)))
    return value + side * (step + spacing)


def _other_forms(case: Case) -> Iterator[tuple[str, Case]]:
    """Yield cases with another dtype, with another shape, and without one of the results."""
    for name, tensor in case.expected.items():
        for dtype in set(tolerances.ROUNDOFF) - {tensor["dtype"]}:
            yield f"{name}: {dtype}", _changed(case, name, dtype=dtype)
        for shape in ([*tensor["shape"], 1], [1, *tensor["shape"]]):
            yield f"{name}: {shape}", _changed(case, name, shape=shape)
        rest = {other: values for other, values in case.expected.items() if other != name}
        yield f"without {name}", replace(case, expected=rest)


@pytest.mark.parametrize("case", VALUES)
def test_no_other_value_passes(case: Case) -> None:
    """If any expected number, dtype or shape is changed, a test fails."""
    outcomes = _outcomes(case)
    implementation = _replay(case, outcomes)
    assert _passes(implementation, case)
    others = [*_other_numbers(case, outcomes[0]), *_other_forms(case)]
    assert [change for change, other in others if _passes(implementation, other)] == []


@pytest.mark.parametrize("case", ERRORS)
def test_no_other_error_passes(case: Case) -> None:
    """If the expected class or message is changed, a test fails."""
    implementation = _replay_error(case)
    assert _passes(implementation, case)
    mentions = "|".join(f"{words} nosuch" for words in case.error["mentions"].split("|"))
    others = [{**case.error, "types": ["KeyError"]}, {**case.error, "mentions": mentions}]
    assert [other for other in others if _passes(implementation, replace(case, error=other))] == []


@pytest.mark.parametrize("case", VALUES)
def test_tolerances_allow_for_rounding_only(case: Case) -> None:
    """Half a digit for a printed value, what the derivation allows for a computed one."""
    rtol, atol = case.tolerance["rtol"], case.tolerance["atol"]
    if case.oracle == "printed":
        assert (rtol, atol) in {(0, 0), (0, HALF_A_PRINTED_DIGIT)}
    else:
        limits = tolerances.limits(case)
        assert rtol <= limits["rtol"]
        assert atol <= limits["atol"]
