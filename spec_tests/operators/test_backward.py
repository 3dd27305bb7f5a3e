"""P23: what backward leaves in the gradients."""

from types import ModuleType

from spec_tests.harness.vectors import Case, parametrize_cases, verify


@parametrize_cases("backward")
def test_vector(implementation: ModuleType, case: Case) -> None:
    verify(implementation, case)
