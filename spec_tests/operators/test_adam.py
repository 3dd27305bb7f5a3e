"""P24: Adam."""

from types import ModuleType

from hypothesis import given

from spec_tests.harness import oracle_checks, strategies
from spec_tests.harness.vectors import Case, each, verify


@each("adam")
def test_vector(implementation: ModuleType, case: Case) -> None:
    verify(implementation, case)


@given(strategies.adam())
def test_drawn(implementation: ModuleType, case: Case) -> None:
    oracle_checks.verify(implementation, case)
