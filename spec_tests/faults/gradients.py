"""Faults of backward."""

from typing import Any

import numpy as np

from spec_tests.faults import fault
from spec_tests.implementations.torch import IMPLEMENTATION

Array = np.ndarray

backward = IMPLEMENTATION.functions["backward"]


@fault("backward")
def gradients_not_accumulated(**arguments: Any) -> Array:
    """Replace the gradient of the first backward pass by that of the second."""
    return backward(**arguments | {"times": 1})


@fault("backward")
def gradients_averaged(**arguments: Any) -> Array:
    """Average the gradients of all backward passes instead of adding them up."""
    return backward(**arguments) / max(arguments.get("times", 1), 1)


@fault("backward")
def two_passes_accumulated(**arguments: Any) -> Array:
    """Add up at most two backward passes."""
    return backward(**arguments | {"times": min(arguments.get("times", 1), 2)})


@fault("backward")
def grad_output_ignored(grad_output: Array, **rest: Any) -> Array:
    """Use ones instead of grad_output."""
    return backward(grad_output=np.ones_like(grad_output), **rest)
