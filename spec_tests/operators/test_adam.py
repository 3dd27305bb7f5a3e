"""P24: Adam."""

from types import ModuleType

from hypothesis import given

from spec_tests.harness import oracle_checks, strategies
from spec_tests.harness.vectors import Case, parametrize_cases, verify


@parametrize_cases("adam")
def test_vector(implementation: ModuleType, case: Case) -> None:
    verify(implementation, case)


@given(strategies.adam())
def test_drawn(implementation: ModuleType, case: Case) -> None:
    oracle_checks.verify(implementation, case)
