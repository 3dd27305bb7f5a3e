"""P19: max pooling."""

from types import ModuleType

from hypothesis import given

from spec_tests.harness import oracle_checks, strategies
from spec_tests.harness.vectors import Case, parametrize_cases, verify


@parametrize_cases("max_pool2d")
def test_vector(implementation: ModuleType, case: Case) -> None:
    verify(implementation, case)


@given(strategies.max_pool2d())
def test_drawn(implementation: ModuleType, case: Case) -> None:
    oracle_checks.verify(implementation, case)


@given(strategies.max_pool2d(strategies.TINY).flatmap(oracle_checks.gradient))
def test_gradient(implementation: ModuleType, case: Case) -> None:
    oracle_checks.verify_gradient(implementation, case)
