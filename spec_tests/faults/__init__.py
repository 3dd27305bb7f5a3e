"""Deliberate faults, one module per topic: operators of PyTorch with a realistic bug.

The docstring of a fault is a sentence about what the faulty operator does. At least one case of the
vectors must reject each fault: see `catalog`.
"""

from collections.abc import Callable
from typing import Any

Function = Callable[..., Any]
Size = int | str | tuple[int, ...] | None

REGISTERED: list[tuple[str, Function, str]] = []


def fault(operator: str, issue: str = "") -> Callable[[Function], Function]:
    """Register the decorated function as a fault of an operator.

    `issue` is the public issue of the defect that the fault is modelled on, as OWNER/NAME#NUMBER of
    GitHub; without one, the fault is a mistake that an author of an implementation could make.

    A fault of an operator of torch.nn.functional takes and returns tensors. A fault of sgd, adam or
    backward takes and returns NumPy arrays, as an adapter's functions do.
    """

    def register(function: Function) -> Function:
        REGISTERED.append((operator, function, issue))
        return function

    return register
