"""P21: dropout."""

from types import ModuleType

from hypothesis import given

from spec_tests import against_oracle, drawn
from spec_tests.vectors import Case, each, verify


@each("dropout")
def test_vector(implementation: ModuleType, case: Case) -> None:
    verify(implementation, case)


@given(drawn.dropout())
def test_drawn(implementation: ModuleType, case: Case) -> None:
    against_oracle.verify(implementation, case)
