"""P24: Adam."""

import pytest
from hypothesis import given

from spec_tests.harness import oracle_checks, strategies
from spec_tests.harness.vectors import Case, parametrize_cases, verify
from spec_tests.implementations import Implementation

pytestmark = pytest.mark.operator("adam")


@parametrize_cases("adam")
def test_vector(implementation: Implementation, case: Case) -> None:
    verify(implementation, case)


@given(strategies.adam())
def test_drawn(implementation: Implementation, case: Case) -> None:
    oracle_checks.verify(implementation, case)
