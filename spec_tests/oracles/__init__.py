"""Brute-force definitions of the operators, in plain Python over nested lists.

Each function has the name, the arguments and the in-place effects of `torch.nn.functional`, and
takes and returns nested lists of numbers. Integers and fractions stay exact. Nothing here imports
torch or `reference`, so that an expected value never comes from the code it checks.

In formulas, floor(a / b) is `a // b` and ceil(a / b) is `-(-a // b)`.
"""

import copy
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

from spec_tests.oracles.convolution import conv2d
from spec_tests.oracles.layers import batch_norm, dropout, flatten, linear, relu, sigmoid
from spec_tests.oracles.losses_and_optimizers import adam, cross_entropy, l1_loss, mse_loss, sgd
from spec_tests.oracles.nested import Nested, Number, leaves, map_numbers
from spec_tests.oracles.pooling import (
    adaptive_avg_pool2d,
    avg_pool2d,
    max_pool2d,
    max_pool2d_gradient,
)

DEFINITIONS: dict[str, Callable[..., Any]] = {
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

# The gradients of operators with kinks, where a difference quotient is not what libraries compute:
# functions of grad_output and the operator's arguments.
GRADIENTS: dict[str, Callable[..., Nested]] = {"max_pool2d": max_pool2d_gradient}

STEP = Fraction(1, 2**14)
KINK = 1 / 2**7


def directional_derivative(
    direction: Nested,
    grad_output: Nested,
    *,
    operator: str,
    wrt: str,
    **arguments: Nested | str,
) -> Number:
    """Return the derivative of f(x) = sum(grad_output * operator(x)) along a direction d.

    It is the central difference (f(x + h d) - f(x - h d)) / 2h with h = STEP, which is exact where
    f is piecewise linear or quadratic and has no kink between the two points.

    Args:
        direction: d, of the shape of x.
        grad_output: of the shape of the operator's output.
        operator: its name.
        wrt: the name of the argument x.
        arguments: all arguments of the operator, x included.
    """

    def f(step: Fraction) -> Number:
        output = _moved(direction, step, operator=operator, wrt=wrt, **arguments)
        return sum(x * g for x, g in zip(output, leaves(grad_output), strict=True))

    return (f(STEP) - f(-STEP)) / (2 * STEP)


def _moved(
    direction: Nested, step: Fraction, *, operator: str, wrt: str, **arguments: Nested | str
) -> list[Number]:
    """Return the elements of operator(x + step * direction)."""
    moved = copy.deepcopy(arguments)
    moved[wrt] = _add(moved[wrt], direction, step)
    return list(leaves(DEFINITIONS[operator](**moved)))


def _add(nested: Nested, direction: Nested, step: Fraction) -> Nested:
    """Return nested + step * direction."""
    if isinstance(nested, list):
        return [_add(*parts, step) for parts in zip(nested, direction, strict=True)]
    return nested + step * direction


def backward(grad_output: Nested, *, times: int = 1, **arguments: Nested | str) -> Nested:
    """Return `times` times the gradient of sum(grad_output * operator(x)) with respect to x.

    Element i of the gradient is the sum of the derivatives of all elements of the output along the
    unit vector of axis i, weighted with grad_output.

    Args:
        grad_output: of the shape of the operator's output.
        times: the number of backward passes whose gradients are added up.
        arguments: `operator`, `wrt` and the operator's arguments, as in `directional_derivative`.
    """
    if definition := GRADIENTS.get(arguments["operator"]):
        rest = {name: arguments[name] for name in arguments if name not in {"operator", "wrt"}}
        return map_numbers(lambda number: times * number, definition(grad_output, **rest))
    x = arguments[arguments["wrt"]]
    weights = list(leaves(grad_output))

    def derivative(unit: Nested) -> Number:
        before, here, after = (
            _moved(unit, step, **arguments) for step in (-STEP, Fraction(0), STEP)
        )
        slopes = (
            _slope((middle - left) / STEP, (right - middle) / STEP)
            for left, middle, right in zip(before, here, after, strict=True)
        )
        # An output that does not depend on x adds nothing, even if its gradient is infinite.
        return times * sum(slope * g for slope, g in zip(slopes, weights, strict=True) if slope)

    axes = range(len(list(leaves(x))))
    units = (_filled(x, (int(i == axis) for i in axes)) for axis in axes)
    return _filled(x, (derivative(unit) for unit in units))


def _slope(left: Number, right: Number) -> Number:
    """Return the derivative between two one-sided ones.

    At a kink it is the number of least magnitude between them, as PyTorch documents ("Gradients
    for non-differentiable functions"). Without a kink they differ by STEP times the curvature.
    """
    if left * right <= 0 and abs(float(right - left)) > KINK:
        return 0
    return (left + right) / 2


def _filled(nested: Nested, numbers: Iterator[Number]) -> Nested:
    """Return nested lists of the same shape with these numbers, in order."""
    if isinstance(nested, list):
        return [_filled(part, numbers) for part in nested]
    return next(numbers)


DEFINITIONS["backward"] = backward
