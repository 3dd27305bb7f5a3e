"""Gradients that are slightly wrong."""

from typing import Any

import numpy as np

from spec_tests.faults import fault
from spec_tests.implementations.torch import IMPLEMENTATION

Array = np.ndarray

backward = IMPLEMENTATION.functions["backward"]


@fault("backward")
def not_accumulated(**arguments: Any) -> Array:
    """A second backward pass replaces the gradient of the first."""
    return backward(**arguments | {"times": 1})


@fault("backward")
def gradients_averaged(**arguments: Any) -> Array:
    """Two backward passes leave their mean."""
    return backward(**arguments) / max(arguments.get("times", 1), 1)


@fault("backward")
def doubled_after_first(**arguments: Any) -> Array:
    """Only the last two passes add up."""
    return backward(**arguments | {"times": min(arguments.get("times", 1), 2)})


@fault("backward")
def output_gradient_ignored(grad_output: Array, **rest: Any) -> Array:
    """The gradient that comes from above is taken for 1."""
    return backward(grad_output=np.ones_like(grad_output), **rest)
