"""P21: flatten."""

from types import ModuleType

from hypothesis import given

from spec_tests.harness import oracle_checks, strategies
from spec_tests.harness.vectors import Case, parametrize_cases, verify


@parametrize_cases("flatten")
def test_vector(implementation: ModuleType, case: Case) -> None:
    verify(implementation, case)


@given(strategies.flatten())
def test_drawn(implementation: ModuleType, case: Case) -> None:
    oracle_checks.verify(implementation, case)


@given(strategies.flatten(strategies.TINY).flatmap(oracle_checks.gradient))
def test_gradient(implementation: ModuleType, case: Case) -> None:
    oracle_checks.verify_gradient(implementation, case)
