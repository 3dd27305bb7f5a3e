"""P20, P25: batch normalization."""

import pytest
from hypothesis import given

from spec_tests.harness import oracle_checks, strategies
from spec_tests.harness.vectors import Case, parametrize_cases, verify
from spec_tests.implementations import Implementation

pytestmark = pytest.mark.operator("batch_norm")


@parametrize_cases("batch_norm")
def test_vector(implementation: Implementation, case: Case) -> None:
    verify(implementation, case)


@given(strategies.batch_norm())
def test_drawn(implementation: Implementation, case: Case) -> None:
    oracle_checks.verify(implementation, case)


@given(strategies.batch_norm(strategies.TINY).flatmap(oracle_checks.gradient))
def test_gradient(implementation: Implementation, case: Case) -> None:
    oracle_checks.verify_gradient(implementation, case)
