"""SGD and Adam in NumPy, each part of whose rule a fault can replace."""

from collections.abc import Callable
from typing import Any

import numpy as np

from spec_tests.implementations.torch import IMPLEMENTATION

Array = np.ndarray
Options = dict[str, Any]
Rule = Callable[..., Any]

sgd = IMPLEMENTATION.functions["sgd"]
adam = IMPLEMENTATION.functions["adam"]

SGD_DEFAULTS = {"lr": 1e-3, "momentum": 0, "dampening": 0, "weight_decay": 0}
SGD_DEFAULTS |= {"nesterov": False, "maximize": False}
ADAM_DEFAULTS = {"lr": 1e-3, "betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0}
ADAM_DEFAULTS |= {"amsgrad": False, "maximize": False}


def gradient(grad: Array, values: Array, o: Options) -> Array:
    """Return the gradient with its sign and the weight decay."""
    grad = -grad if o["maximize"] else grad
    return grad + o["weight_decay"] * values if o["weight_decay"] else grad


def next_buffer(buffer: Array | None, grad: Array, o: Options) -> Array:
    """Return the momentum buffer after this gradient; None is the one before the first step."""
    return grad if buffer is None else o["momentum"] * buffer + (1 - o["dampening"]) * grad


def direction(buffer: Array, grad: Array, o: Options) -> Array:
    """Return what is multiplied by lr and subtracted."""
    return grad + o["momentum"] * buffer if o["nesterov"] else buffer


def run_sgd(
    params: Array,
    grads: Array,
    *,
    gradient: Rule = gradient,
    next_buffer: Rule = next_buffer,
    direction: Rule = direction,
    **options: Any,
) -> Array:
    """Run SGD in float64, with the parameters and the buffer rounded to their dtype."""
    sgd(params=params[:1], grads=grads[:1, :1], **options)  # raises what torch raises
    o = SGD_DEFAULTS | options
    values, buffer, history = params.astype("float64"), None, []
    with np.errstate(all="ignore"):
        for each in grads.astype("float64"):
            step = grad = gradient(each, values, o)
            if o["momentum"]:
                buffer = next_buffer(buffer, grad, o)
                step = direction(buffer, grad, o)
            values = (values - o["lr"] * step).astype(params.dtype).astype("float64")
            history.append(values.astype(params.dtype))
    return np.stack(history)


def corrected(beta: float, step: int) -> float:
    """Return what the moment of a beta is divided by."""
    return 1 - beta**step


def quotient(mean: Array, square: Array, o: Options) -> Array:
    """Return what is multiplied by lr and subtracted, from the corrected moments."""
    return mean / (square**0.5 + o["eps"])


def run_adam(
    params: Array,
    grads: Array,
    *,
    gradient: Rule = gradient,
    corrected: Rule = corrected,
    largest: Rule = np.maximum,
    quotient: Rule = quotient,
    **options: Any,
) -> Array:
    """Run Adam in float64, with the parameters rounded to their dtype after each step."""
    adam(params=params[:1], grads=grads[:1, :1], **options)  # raises what torch raises
    o = ADAM_DEFAULTS | options
    values, (fast, slow), history = params.astype("float64"), o["betas"], []
    mean, square, most = (np.zeros_like(values) for _ in range(3))
    with np.errstate(all="ignore"):
        for number, each in enumerate(grads.astype("float64"), start=1):
            grad = gradient(each, values, o)
            mean = fast * mean + (1 - fast) * grad
            square = slow * square + (1 - slow) * grad**2
            most = largest(most, square)
            second = most if o["amsgrad"] else square
            step = quotient(mean / corrected(fast, number), second / corrected(slow, number), o)
            values = (values - o["lr"] * step).astype(params.dtype).astype("float64")
            history.append(values.astype(params.dtype))
    return np.stack(history)
