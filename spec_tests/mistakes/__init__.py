"""The deliberate mistakes, by topic: `spec_tests.faults` says what they are for."""

from collections.abc import Callable
from typing import Any

Function = Callable[..., Any]
Size = int | str | tuple[int, ...] | None

REGISTERED: list[tuple[str, Function]] = []


def wrong(operator: str) -> Callable[[Function], Function]:
    """Register a mistake in an operator.

    The mistakes in an operator of torch.nn.functional take and return tensors; those in sgd, adam
    and backward are functions of an adapter, and take and return arrays.
    """

    def register(function: Function) -> Function:
        REGISTERED.append((operator, function))
        return function

    return register
