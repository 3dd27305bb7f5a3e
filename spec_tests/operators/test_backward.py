"""P23: what backward leaves in the gradients."""

from types import ModuleType

from spec_tests.harness.vectors import Case, each, verify


@each("backward")
def test_vector(implementation: ModuleType, case: Case) -> None:
    verify(implementation, case)
