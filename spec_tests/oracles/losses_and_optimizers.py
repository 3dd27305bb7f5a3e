"""Definitions of losses and optimizers; the package's docstring explains the conventions."""

import math
from fractions import Fraction
from typing import Any

from spec_tests.oracles.nested import Nested, Number, broadcast, leaves, shape, zip_numbers


def _reduce(losses: Nested, reduction: str) -> Nested:
    """Return the losses for 'none', otherwise their sum or their mean."""
    if reduction == "none":
        return losses
    values = list(leaves(losses))
    return sum(values) if reduction == "sum" else sum(values) * Fraction(1, len(values))


def l1_loss(input: Nested, target: Nested, *, reduction: str = "mean") -> Nested:
    """Return |x - y| of each element; their mean or sum as `reduction` says."""
    return _reduce(zip_numbers(lambda x, y: abs(x - y), *broadcast(input, target)), reduction)


def mse_loss(input: Nested, target: Nested, *, reduction: str = "mean") -> Nested:
    """Return (x - y)^2 of each element; their mean or sum as `reduction` says."""
    return _reduce(zip_numbers(lambda x, y: (x - y) ** 2, *broadcast(input, target)), reduction)


def _log_softmax(logits: list[float]) -> list[float]:
    """Return x[c] - log(sum over k of exp(x[k])), with the maximum subtracted to avoid overflow."""
    largest = max(logits)
    log_sum = math.log(sum(math.exp(x - largest) for x in logits))
    return [float(x - largest) - log_sum for x in logits]


def _sample_loss(
    logits: list[float],
    target: Nested,
    weight: list[float],
    ignore_index: int,
    smoothing: float,
) -> tuple[float, float]:
    """Return the loss of one sample, and its part of the divisor of the mean.

    loss = -sum over c of q[c] * weight[c] * log_softmax(x)[c]
    q[c] = (1 - smoothing) * t[c] + smoothing / C

    where t is 1 at the target's class and 0 elsewhere, or the target's probabilities. The mean is
    the sum of the losses divided by the sum of the samples' weight[target], or for probabilities
    by the number of samples. Without smoothing an index selects one class: the others are no terms
    with q = 0, which an infinite logarithm would make NaN.
    """
    if target == ignore_index:
        return 0.0, 0.0
    classes = len(logits)
    is_index = isinstance(target, int)
    probabilities = [float(c == target) for c in range(classes)] if is_index else target
    smoothed = [t * (1 - smoothing) + smoothing / classes for t in probabilities]
    terms = zip(smoothed, weight, _log_softmax(logits), strict=True)
    loss = -sum(q * w * log_p for q, w, log_p in terms if q or not is_index)
    return loss, weight[target] if is_index else 1.0


def cross_entropy(
    input: Nested,
    target: Nested,
    weight: list[float] | None = None,
    *,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Nested:
    """Return -log(softmax(x)[target]) of each sample; their mean or sum as `reduction` says.

    Args:
        input: logits (C), (N, C) or (N, C, *).
        target: class indices, () or (N) or (N, *), or probabilities of the shape of input.
        weight: (C), a factor for the loss of each class; ones by default.
        ignore_index: samples of this class count neither in the loss nor in the mean.
        reduction: 'none', 'sum' or 'mean'; the mean is weighted, see `_sample_loss`.
        label_smoothing: see `_sample_loss`.
    """
    batched = isinstance(input[0], list)
    is_probability = shape(target) == shape(input)
    weights = weight or [1.0] * len(input[0] if batched else input)
    divisors = []

    def losses(logits: Nested, target: Nested) -> Nested:
        if isinstance(logits[0], list):  # (C, A, *) -> A times (C, *)
            positions = zip(*logits, strict=True)
            targets = zip(*target, strict=True) if is_probability else target
            return [losses(list(x), t) for x, t in zip(positions, targets, strict=True)]
        loss, divisor = _sample_loss(logits, target, weights, ignore_index, label_smoothing)
        divisors.append(divisor)
        return loss

    result = list(map(losses, input, target)) if batched else losses(input, target)
    if reduction != "mean":
        return _reduce(result, reduction)
    total, divisor = sum(leaves(result)), sum(divisors)
    return total / divisor if divisor else math.nan


def _decayed(grad: Number, weight_decay: Number, value: Number) -> Number:
    """Return grad + weight_decay * value; without weight decay an infinite value does not count."""
    return grad + weight_decay * value if weight_decay else grad


def sgd(
    params: list[Nested],
    grads: list[list[Number]],
    *,
    lr: Number = 1e-3,
    momentum: Number = 0,
    dampening: Number = 0,
    weight_decay: Number = 0,
    nesterov: bool = False,
    maximize: bool = False,
) -> list[list[Number]]:
    """Return the parameters p after each step: (P), (steps, P) -> (steps, P).

    g = grad + weight_decay * p     (-grad with maximize; without weight_decay, g = grad)
    b = g in the first step, then momentum * b + (1 - dampening) * g
    p = p - lr * (g + momentum * b if nesterov else b), or without momentum p - lr * g
    """
    values, history = list(params), []
    buffers: list[Any] = [None] * len(params)
    for grad in grads:
        for i, element in enumerate(grad):
            g = step = _decayed(-element if maximize else element, weight_decay, values[i])
            if momentum:
                first = buffers[i] is None
                buffers[i] = g if first else momentum * buffers[i] + (1 - dampening) * g
                step = g + momentum * buffers[i] if nesterov else buffers[i]
            values[i] = values[i] - lr * step
        history.append(list(values))
    return history


def _ratio(numerator: float, denominator: float) -> float:
    if denominator:
        return numerator / denominator
    return math.copysign(math.inf, numerator) if abs(numerator) > 0 else math.nan


def adam(
    params: list[Nested],
    grads: list[list[Number]],
    *,
    lr: float = 1e-3,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0,
    amsgrad: bool = False,
    maximize: bool = False,
) -> list[list[Number]]:
    """Return the parameters p after each step t = 1, 2, ...: (P), (steps, P) -> (steps, P).

    g = grad + weight_decay * p     (-grad with maximize; without weight_decay, g = grad)
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g^2     (amsgrad divides by the largest v so far)
    p = p - lr * m / (1 - beta1^t) / (sqrt(v / (1 - beta2^t)) + eps)

    As in IEEE 754, 0 / 0 is NaN and any other number / 0 is infinite.
    """
    values, (beta1, beta2), history = list(params), betas, []
    m, v, largest_v = ([0.0] * len(params) for _ in range(3))
    for t, grad in enumerate(grads, start=1):
        for i, element in enumerate(grad):
            g = _decayed(-element if maximize else element, weight_decay, values[i])
            m[i] = beta1 * m[i] + (1 - beta1) * g
            v[i] = beta2 * v[i] + (1 - beta2) * g**2
            largest_v[i] = max(v[i], largest_v[i])  # in this order NaN if v is
            corrected_v = (largest_v if amsgrad else v)[i] / (1 - beta2**t)
            mean, root = m[i] / (1 - beta1**t), math.sqrt(corrected_v) + eps
            values[i] -= lr * _ratio(mean, root)
        history.append(list(values))
    return history
