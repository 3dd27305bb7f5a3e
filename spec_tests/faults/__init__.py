"""Deliberate faults, one topic a module: PyTorch with one operator wrong, as people get it wrong.

The docstring of a fault says what is wrong. The vectors must reject every fault: see `catalog`.
"""

from collections.abc import Callable
from typing import Any

Function = Callable[..., Any]
Size = int | str | tuple[int, ...] | None

REGISTERED: list[tuple[str, Function]] = []


def fault(operator: str) -> Callable[[Function], Function]:
    """Register a fault in an operator.

    A fault in an operator of torch.nn.functional takes and returns tensors; one in sgd, adam or
    backward is a function of an adapter, and takes and returns arrays.
    """

    def register(function: Function) -> Function:
        REGISTERED.append((operator, function))
        return function

    return register
