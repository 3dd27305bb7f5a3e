"""Every fault, and which cases reject it.

A case rejects a fault when a value, a shape, a dtype or a missing error differs from what the case
says. That a fault raises where a value is expected proves nothing, and does not count.
"""

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch

from spec_tests import faults as package
from spec_tests.faults import REGISTERED
from spec_tests.harness import vectors
from spec_tests.implementations import Implementation
from spec_tests.implementations._tensors import TensorAdapter
from spec_tests.implementations.torch import TENSOR_FUNCTIONS


@dataclass(frozen=True)
class Fault:
    """One operator done wrong."""

    operator: str
    function: Callable[..., Any]

    def __str__(self) -> str:
        return f"{self.operator}: {self.function.__name__}"

    @property
    def says(self) -> str:
        """What the mistake is."""
        return self.function.__doc__

    def implementation(self) -> Implementation:
        """Return PyTorch's adapter with this mistake in it."""
        wrong = {self.operator: self.function}
        if self.operator in TENSOR_FUNCTIONS:
            functions = TensorAdapter(TENSOR_FUNCTIONS | wrong, torch.optim).functions()
        else:
            functions = TensorAdapter(TENSOR_FUNCTIONS, torch.optim).functions() | wrong
        return Implementation(name=str(self), functions=functions)

    def catches(self) -> list[str]:
        """Return the names of the cases that reject this mistake."""
        implementation = self.implementation()
        cases = vectors.cases(self.operator) + tuple(
            case
            for case in vectors.cases("backward")
            if case.parameters["operator"] == self.operator
        )
        return [case.name for case in cases if _caught(implementation, case)]


def _caught(implementation: Implementation, case: vectors.Case) -> bool:
    try:
        vectors.check(implementation, case)
    except (vectors.RaisedError, vectors.UnsupportedError):
        return False
    except vectors.MismatchError:
        return True
    return False


@cache
def all_faults() -> tuple[Fault, ...]:
    """Return every fault of this package."""
    for module in pkgutil.iter_modules(package.__path__):
        if module.name != "__main__":
            importlib.import_module(f"{package.__name__}.{module.name}")
    return tuple(Fault(operator, function) for operator, function in REGISTERED)
