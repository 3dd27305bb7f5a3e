"""Numbers in nested lists, and helpers that work on any number of axes."""

from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

Number = int | float | Fraction
Nested = Any  # a Number or a list of Nested; the depth is known only at run time
Plane = list[list[Number]]
Size = int | tuple[int, int]


def pair(value: Size) -> tuple[int, int]:
    """Return (value, value) for a single number."""
    return (value, value) if isinstance(value, int) else (value[0], value[1])


def leaves(nested: Nested) -> Iterator[Number]:
    """Yield the numbers in row-major order."""
    if isinstance(nested, list):
        for part in nested:
            yield from leaves(part)
    else:
        yield nested


def shape(nested: Nested) -> list[int]:
    """Return the length of each axis."""
    return [len(nested), *shape(nested[0])] if isinstance(nested, list) else []


def zip_numbers(function: Callable[[Any, Any], Number], left: Nested, right: Nested) -> Nested:
    """Apply a function to each pair of numbers of two nested lists of the same shape."""
    if isinstance(left, list):
        return [zip_numbers(function, x, y) for x, y in zip(left, right, strict=True)]
    return function(left, right)


def broadcast(left: Nested, right: Nested) -> tuple[Nested, Nested]:
    """Return two nested lists repeated to the shape that they broadcast to."""
    if not isinstance(left, list) and not isinstance(right, list):
        return left, right
    if depth(left) != depth(right):
        longer = left if depth(left) > depth(right) else right
        left, right = (
            part if depth(part) == depth(longer) else [part] * len(longer) for part in (left, right)
        )
    length = max(len(left), len(right))
    parts = (part if len(part) == length else part * length for part in (left, right))
    pairs = [broadcast(x, y) for x, y in zip(*parts, strict=True)]
    return [x for x, _ in pairs], [y for _, y in pairs]


def depth(nested: Nested) -> int:
    """Return the number of axes."""
    return 1 + depth(nested[0]) if isinstance(nested, list) else 0


def map_numbers(function: Callable[..., Nested], nested: Nested) -> Nested:
    """Apply a function to every number."""
    if isinstance(nested, list):
        return [map_numbers(function, part) for part in nested]
    return function(nested)


def map_planes(function: Callable[[Plane], Nested], nested: Nested) -> Nested:
    """Apply a function to every plane (H, W) of an input (C, H, W) or (N, C, H, W)."""
    if depth(nested) == 2:
        return function(nested)
    return [map_planes(function, part) for part in nested]


def overwrite(nested: Nested, values: Nested) -> None:
    """Copy values into nested lists of the same shape."""
    for i, value in enumerate(values):
        if isinstance(value, list):
            overwrite(nested[i], value)
        else:
            nested[i] = value
