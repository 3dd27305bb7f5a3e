"""The definitions of `reference`."""

from reference import functional, optim
from spec_tests.implementations import _tensors
from spec_tests.implementations.torch import FUNCTIONS

DESCRIPTION = "reference"

globals().update(_tensors.adapter({name: getattr(functional, name) for name in FUNCTIONS}, optim))
