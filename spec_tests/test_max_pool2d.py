"""P19: max pooling."""

from types import ModuleType

from hypothesis import given

from spec_tests import against_oracle, drawn
from spec_tests.vectors import Case, each, verify


@each("max_pool2d")
def test_vector(implementation: ModuleType, case: Case) -> None:
    verify(implementation, case)


@given(drawn.max_pool2d())
def test_drawn(implementation: ModuleType, case: Case) -> None:
    against_oracle.verify(implementation, case)


@given(drawn.max_pool2d(drawn.TINY).flatmap(against_oracle.gradient))
def test_gradient(implementation: ModuleType, case: Case) -> None:
    against_oracle.verify_gradient(implementation, case)
