"""Brute-force definitions of losses and optimizers: a part of `oracles`, which says how."""

import math
from collections.abc import Callable, Iterator
from fractions import Fraction

Number = int | float | Fraction
Nested = Number | list["Nested"]


def leaves(nested: Nested) -> Iterator[Number]:
    if isinstance(nested, list):
        for part in nested:
            yield from leaves(part)
    else:
        yield nested


def _shape(nested: Nested) -> list[int]:
    return [len(nested), *_shape(nested[0])] if isinstance(nested, list) else []


def _zip(function: Callable[[Number, Number], Number], left: Nested, right: Nested) -> Nested:
    if isinstance(left, list):
        return [_zip(function, x, y) for x, y in zip(left, right, strict=True)]
    return function(left, right)


def _reduce(losses: Nested, reduction: str) -> Nested:
    if reduction == "none":
        return losses
    values = list(leaves(losses))
    return sum(values) if reduction == "sum" else sum(values) * Fraction(1, len(values))


def l1_loss(input: Nested, target: Nested, *, reduction: str = "mean") -> Nested:
    """Return the absolute differences, added up or averaged."""
    return _reduce(_zip(lambda x, y: abs(x - y), input, target), reduction)


def mse_loss(input: Nested, target: Nested, *, reduction: str = "mean") -> Nested:
    """Return the squared differences, added up or averaged."""
    return _reduce(_zip(lambda x, y: (x - y) ** 2, input, target), reduction)


def _log_softmax(logits: list[float]) -> list[float]:
    largest = max(logits)
    log_sum = math.log(sum(math.exp(x - largest) for x in logits))
    return [float(x - largest) - log_sum for x in logits]


def _class_loss(
    logits: list[float],
    target: Nested,
    weight: list[float],
    ignore_index: int,
    smoothing: float,
) -> tuple[float, float]:
    """Return the loss of one sample and what it counts for in the mean."""
    if target == ignore_index:
        return 0.0, 0.0
    count = len(logits)
    hard = isinstance(target, int)
    shares = [float(c == target) for c in range(count)] if hard else target
    smooth = [share * (1 - smoothing) + smoothing / count for share in shares]
    terms = zip(smooth, weight, _log_softmax(logits), strict=True)
    loss = -sum(share * w * log_p for share, w, log_p in terms)
    return loss, weight[target] if hard else 1.0


def cross_entropy(
    input: Nested,
    target: Nested,
    weight: list[float] | None = None,
    *,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Nested:
    """Return minus the log-probability of the target, with the classes on axis 1 (0 if 1-D)."""
    batched = isinstance(input[0], list)
    soft = _shape(target) == _shape(input)
    weights = weight or [1.0] * len(input[0] if batched else input)
    counted = []

    def losses(logits: Nested, target: Nested) -> Nested:
        if isinstance(logits[0], list):
            pixels = zip(*logits, strict=True)
            targets = zip(*target, strict=True) if soft else target
            return [losses(list(x), t) for x, t in zip(pixels, targets, strict=True)]
        loss, count = _class_loss(logits, target, weights, ignore_index, label_smoothing)
        counted.append(count)
        return loss

    result = list(map(losses, input, target)) if batched else losses(input, target)
    if reduction != "mean":
        return _reduce(result, reduction)
    total, divisor = sum(leaves(result)), sum(counted)
    return total / divisor if divisor else math.nan


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
    """Return the parameters after each of the gradients."""
    values, buffers, history = list(params), [None] * len(params), []
    for grad in grads:
        for i, slope in enumerate(grad):
            step = (-slope if maximize else slope) + weight_decay * values[i]
            if momentum:
                first = buffers[i] is None
                buffers[i] = step if first else momentum * buffers[i] + (1 - dampening) * step
                step = step + momentum * buffers[i] if nesterov else buffers[i]
            values[i] = values[i] - lr * step
        history.append(list(values))
    return history


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
    """Return the parameters after each of the gradients."""
    values, (fast, slow), history = list(params), betas, []
    mean, square, peak = ([0.0] * len(params) for _ in range(3))
    for t, grad in enumerate(grads, start=1):
        for i, slope in enumerate(grad):
            step = (-slope if maximize else slope) + weight_decay * values[i]
            mean[i] = fast * mean[i] + (1 - fast) * step
            square[i] = slow * square[i] + (1 - slow) * step**2
            peak[i] = max(peak[i], square[i])
            spread = (peak if amsgrad else square)[i] / (1 - slow**t)
            values[i] -= lr * (mean[i] / (1 - fast**t)) / (math.sqrt(spread) + eps)
        history.append(list(values))
    return history
