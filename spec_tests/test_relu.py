"""P20: ReLU."""

from types import ModuleType

from hypothesis import given

from spec_tests import against_oracle, drawn
from spec_tests.vectors import Case, each, verify


@each("relu")
def test_vector(implementation: ModuleType, case: Case) -> None:
    verify(implementation, case)


@given(drawn.relu())
def test_drawn(implementation: ModuleType, case: Case) -> None:
    against_oracle.verify(implementation, case)


@given(drawn.relu(drawn.TINY).flatmap(against_oracle.gradient))
def test_gradient(implementation: ModuleType, case: Case) -> None:
    against_oracle.verify_gradient(implementation, case)
