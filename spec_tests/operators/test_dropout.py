"""P21, P25: dropout."""

import pytest
from hypothesis import given

from spec_tests.harness import oracle_checks, strategies
from spec_tests.harness.vectors import Case, parametrize_cases, verify
from spec_tests.implementations import Implementation

pytestmark = pytest.mark.operator("dropout")


@parametrize_cases("dropout")
def test_vector(implementation: Implementation, case: Case) -> None:
    verify(implementation, case)


@given(strategies.dropout())
def test_drawn(implementation: Implementation, case: Case) -> None:
    oracle_checks.verify(implementation, case)
