"""P23: the gradients after backward."""

import pytest

from spec_tests.harness.vectors import Case, parametrize_cases, verify
from spec_tests.implementations import Implementation

pytestmark = pytest.mark.operator("backward")


@parametrize_cases("backward")
def test_vector(implementation: Implementation, case: Case) -> None:
    verify(implementation, case)
