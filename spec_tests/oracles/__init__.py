"""Brute-force definitions of the operators, in plain Python over nested lists.

Each function has the name, the arguments and the in-place effects of `torch.nn.functional`, and
takes and returns nested lists of numbers. Integers and fractions stay exact. Nothing here imports
torch or `reference`, so that an expected value never comes from what it checks.
"""

import copy
from collections.abc import Iterator
from fractions import Fraction

from spec_tests.oracles.layers import (
    adaptive_avg_pool2d,
    avg_pool2d,
    batch_norm,
    conv2d,
    dropout,
    flatten,
    linear,
    max_pool2d,
    relu,
    sigmoid,
)
from spec_tests.oracles.losses_and_optimizers import (
    Nested,
    Number,
    adam,
    cross_entropy,
    l1_loss,
    leaves,
    mse_loss,
    sgd,
)

DEFINITIONS = {
    function.__name__: function
    for function in (
        adam,
        adaptive_avg_pool2d,
        avg_pool2d,
        batch_norm,
        conv2d,
        cross_entropy,
        dropout,
        flatten,
        l1_loss,
        linear,
        max_pool2d,
        mse_loss,
        relu,
        sgd,
        sigmoid,
    )
}

STEP = Fraction(1, 2**14)


def slope(
    direction: Nested,
    grad_output: Nested,
    *,
    operator: str,
    wrt: str,
    **arguments: Nested | str,
) -> Number:
    """Return the slope of sum(grad_output * output) as `wrt` moves in a direction.

    A central difference: exact for functions that are piecewise linear or quadratic, as long as
    no kink is within STEP times the direction.
    """

    def height(step: Fraction) -> Number:
        moved = copy.deepcopy(arguments)
        moved[wrt] = _moved(moved[wrt], direction, step)
        output = DEFINITIONS[operator](**moved)
        return sum(x * g for x, g in zip(leaves(output), leaves(grad_output), strict=True))

    return (height(STEP) - height(-STEP)) / (2 * STEP)


def _moved(nested: Nested, direction: Nested, step: Fraction) -> Nested:
    if isinstance(nested, list):
        return [_moved(*parts, step) for parts in zip(nested, direction, strict=True)]
    return nested + step * direction


def backward(grad_output: Nested, *, times: int = 1, **arguments: Nested | str) -> Nested:
    """Return the gradient of sum(grad_output * output) in `wrt`, added up `times` times."""
    values = arguments[arguments["wrt"]]

    places = range(len(list(leaves(values))))
    axes = (_filled(values, (int(i == place) for i in places)) for place in places)
    return _filled(values, (times * slope(axis, grad_output, **arguments) for axis in axes))


def _filled(nested: Nested, numbers: Iterator[Number]) -> Nested:
    if isinstance(nested, list):
        return [_filled(part, numbers) for part in nested]
    return next(numbers)


DEFINITIONS["backward"] = backward
