"""P25: the pooling with which VGG16 meets pictures of any size."""

from types import ModuleType

from hypothesis import given

from spec_tests import against_oracle, drawn
from spec_tests.vectors import Case, each, verify


@each("adaptive_avg_pool2d")
def test_vector(implementation: ModuleType, case: Case) -> None:
    verify(implementation, case)


@given(drawn.adaptive_avg_pool2d())
def test_drawn(implementation: ModuleType, case: Case) -> None:
    against_oracle.verify(implementation, case)


@given(drawn.adaptive_avg_pool2d(drawn.TINY).flatmap(against_oracle.gradient))
def test_gradient(implementation: ModuleType, case: Case) -> None:
    against_oracle.verify_gradient(implementation, case)
