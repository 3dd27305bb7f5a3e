"""Deliberate mistakes, each of which the vectors must reject.

A fault is PyTorch with one operator done wrong, in a way that people really get it wrong; its
docstring says how. `spec_tests/mistakes` holds them. A fault is caught by a case when a value, a
shape, a dtype or a missing refusal differs from what the case says; that a fault raises where a
value is expected proves nothing, and does not count.

    python -m spec_tests.faults

prints which cases catch each fault, and fails if one survives.
"""

import importlib
import pkgutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from types import SimpleNamespace
from typing import Any

import torch

from spec_tests import mistakes, vectors
from spec_tests.implementations import _tensors
from spec_tests.implementations.torch import FUNCTIONS
from spec_tests.mistakes import REGISTERED


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

    def implementation(self) -> SimpleNamespace:
        """Return PyTorch's adapter with this mistake in it."""
        wrong = {self.operator: self.function}
        if self.operator in FUNCTIONS:
            return SimpleNamespace(**_tensors.adapter(FUNCTIONS | wrong, torch.optim))
        return SimpleNamespace(**_tensors.adapter(FUNCTIONS, torch.optim) | wrong)

    def catches(self) -> list[str]:
        """Return the names of the cases that reject this mistake."""
        implementation = self.implementation()
        cases = vectors.cases(self.operator) + tuple(
            case
            for case in vectors.cases("backward")
            if case.parameters["operator"] == self.operator
        )
        return [case.name for case in cases if _caught(implementation, case)]


def _caught(implementation: SimpleNamespace, case: vectors.Case) -> bool:
    try:
        vectors.check(implementation, case)
    except (vectors.RaisedError, vectors.NotImplementedHereError):
        return False
    except vectors.MismatchError:
        return True
    return False


@cache
def faults() -> tuple[Fault, ...]:
    """Return every fault of `spec_tests/mistakes`."""
    for module in pkgutil.iter_modules(mistakes.__path__):
        importlib.import_module(f"{mistakes.__name__}.{module.name}")
    return tuple(Fault(operator, function) for operator, function in REGISTERED)


def main() -> int:
    """Print which cases catch which fault; return 1 if one survives."""
    survivors = 0
    for fault in faults():
        caught = fault.catches()
        survivors += not caught
        names = f"{len(caught):2} {', '.join(caught)}" if caught else "SURVIVES"
        print(f"{fault!s:48} {fault.says}\n{'':48} {names}")
    print(f"{len(faults())} faults, {survivors} survive")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
