"""P24: Adam."""

from types import ModuleType

from hypothesis import given

from spec_tests import against_oracle, drawn
from spec_tests.vectors import Case, each, verify


@each("adam")
def test_vector(implementation: ModuleType, case: Case) -> None:
    verify(implementation, case)


@given(drawn.adam())
def test_drawn(implementation: ModuleType, case: Case) -> None:
    against_oracle.verify(implementation, case)
