"""P24: stochastic gradient descent."""

from types import ModuleType

from hypothesis import given

from spec_tests import against_oracle, drawn
from spec_tests.vectors import Case, each, verify


@each("sgd")
def test_vector(implementation: ModuleType, case: Case) -> None:
    verify(implementation, case)


@given(drawn.sgd())
def test_drawn(implementation: ModuleType, case: Case) -> None:
    against_oracle.verify(implementation, case)
