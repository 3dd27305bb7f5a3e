"""P17-P18: convolution."""

from types import ModuleType

from hypothesis import given

from spec_tests.harness import oracle_checks, strategies
from spec_tests.harness.vectors import Case, parametrize_cases, verify


@parametrize_cases("conv2d")
def test_vector(implementation: ModuleType, case: Case) -> None:
    verify(implementation, case)


@given(strategies.conv2d())
def test_drawn(implementation: ModuleType, case: Case) -> None:
    oracle_checks.verify(implementation, case)


@given(strategies.conv2d(strategies.TINY).flatmap(oracle_checks.gradient))
def test_gradient(implementation: ModuleType, case: Case) -> None:
    oracle_checks.verify_gradient(implementation, case)
