"""P20: ReLU."""

import pytest
from hypothesis import given

from spec_tests.harness import oracle_checks, strategies
from spec_tests.harness.vectors import Case, parametrize_cases, verify
from spec_tests.implementations import Implementation

pytestmark = pytest.mark.operator("relu")


@parametrize_cases("relu")
def test_vector(implementation: Implementation, case: Case) -> None:
    verify(implementation, case)


@given(strategies.relu())
def test_drawn(implementation: Implementation, case: Case) -> None:
    oracle_checks.verify(implementation, case)


@given(strategies.relu(strategies.TINY).flatmap(oracle_checks.gradient))
def test_gradient(implementation: Implementation, case: Case) -> None:
    oracle_checks.verify_gradient(implementation, case)
