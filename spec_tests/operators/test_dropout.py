"""P21: dropout."""

from types import ModuleType

from hypothesis import given

from spec_tests.harness import oracle_checks, strategies
from spec_tests.harness.vectors import Case, parametrize_cases, verify


@parametrize_cases("dropout")
def test_vector(implementation: ModuleType, case: Case) -> None:
    verify(implementation, case)


@given(strategies.dropout())
def test_drawn(implementation: ModuleType, case: Case) -> None:
    oracle_checks.verify(implementation, case)
