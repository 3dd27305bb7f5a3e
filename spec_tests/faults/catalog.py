"""The faults, and the cases that reject each.

A case rejects a fault if a value, a shape or a dtype differs from the expected one, or if an
expected error is missing. An error where a value is expected does not count: any broken function
would raise one.
"""

import importlib
import pkgutil
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
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
    """An operator with a deliberate fault."""

    operator: str
    function: Callable[..., Any]
    issue: str

    def __str__(self) -> str:
        return f"{self.operator}: {self.function.__name__}"

    @property
    def description(self) -> str:
        """A sentence about what the faulty operator does."""
        return self.function.__doc__

    def implementation(self) -> Implementation:
        """Return PyTorch's implementation with this fault in it."""
        faulty = {self.operator: self.function}
        if self.operator in TENSOR_FUNCTIONS:
            functions = TensorAdapter(TENSOR_FUNCTIONS | faulty, torch.optim).functions()
        else:
            functions = TensorAdapter(TENSOR_FUNCTIONS, torch.optim).functions() | faulty
        return Implementation(name=str(self), functions=functions)

    def rejecting_cases(self) -> Iterator[str]:
        """Yield the cases that reject this fault, as OPERATOR/NAME."""
        implementation = self.implementation()
        cases = vectors.cases(self.operator) + tuple(
            case
            for case in vectors.cases("backward")
            if case.parameters["operator"] == self.operator
        )
        return (f"{case.operator}/{case.name}" for case in cases if _rejects(case, implementation))


def _rejects(case: vectors.Case, implementation: Implementation) -> bool:
    try:
        vectors.check(implementation, case)
    except (vectors.RaisedError, vectors.UnsupportedError):
        return False
    except vectors.MismatchError:
        return True
    return False


@cache
def all_faults() -> tuple[Fault, ...]:
    """Import every module of this package and of the packages in it, and return their faults."""
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if not module.name.endswith(".__main__"):
            importlib.import_module(module.name)
    return tuple(Fault(*registered) for registered in REGISTERED)


def smallest_set(rejecting: Mapping[str, Collection[str]]) -> list[str]:
    """Return few cases that together reject every fault: in each step the one that rejects most.

    Args:
        rejecting: the cases that reject each fault, by fault.
    """
    chosen: list[str] = []
    open_faults = {fault: set(cases) for fault, cases in rejecting.items() if cases}
    while open_faults:
        counts = Counter(case for cases in open_faults.values() for case in sorted(cases))
        best = counts.most_common(1)[0][0]
        chosen.append(best)
        open_faults = {fault: cases for fault, cases in open_faults.items() if best not in cases}
    return chosen
