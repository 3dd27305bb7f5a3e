"""Definitions of activations and layers; the package's docstring explains the conventions."""

import math
from fractions import Fraction

from spec_tests.oracles.nested import Nested, depth, map_numbers, overwrite


def relu(input: Nested, *, inplace: bool = False) -> Nested:
    """Return max(x, 0) of each element x; with `inplace` also write it into the input.

    NaN stays NaN.
    """
    output = map_numbers(lambda x: x if x > 0 or math.isnan(x) else 0, input)
    if inplace:
        overwrite(input, output)
    return output


def sigmoid(input: Nested) -> Nested:
    """Return 1 / (1 + exp(-x)) of each element x.

    For x < 0 it is exp(x) / (1 + exp(x)), because exp(-x) could overflow.
    """
    return map_numbers(
        lambda x: 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x)), input
    )


def linear(input: Nested, weight: Nested, bias: Nested | None = None) -> Nested:
    """Return y = x W^T + b: y[*, o] = b[o] + sum over i of x[*, i] * W[o, i].

    input (*, I), weight (O, I), bias (O) or () -> (*, O); a weight (I) gives (*), without a bias
    """
    if input and isinstance(input[0], list):
        return [linear(part, weight, bias) for part in input]
    if depth(weight) == 1:
        return linear(input, [weight])[0]
    biases = bias if isinstance(bias, list) else [bias or 0] * len(weight)
    return [
        sum(x * w for x, w in zip(input, row, strict=True)) + b
        for row, b in zip(weight, biases, strict=True)
    ]


def flatten(input: Nested, start_dim: int = 0, end_dim: int = -1) -> Nested:
    """Merge the axes from start_dim to end_dim, both included, in row-major order.

    A number becomes a list of one number.
    """
    if not isinstance(input, list):
        return [input]
    start, end = start_dim % depth(input), end_dim % depth(input)
    if start:
        return [flatten(part, start - 1, end - 1) for part in input]
    for _ in range(end):  # (A, B, *) -> (A B, *)
        input = [element for part in input for element in part]
    return input


def dropout(
    input: Nested, p: float = 0.5, *, training: bool = True, inplace: bool = False
) -> Nested:
    """Return x / (1 - p) of each element x in training, and x otherwise.

    These are the values of the elements that are kept. Which ones are set to 0 is random, and not
    defined here. With `inplace` the values are also written into the input.
    """
    scale = 1 - Fraction(p) if training else 1
    output = map_numbers(lambda x: x / scale if scale else 0, input)
    if inplace:
        overwrite(input, output)
    return output


def batch_norm(
    input: Nested,
    running_mean: Nested,
    running_var: Nested,
    weight: Nested | None = None,
    bias: Nested | None = None,
    *,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Nested:
    """Return (x - mean) / sqrt(variance + eps) * weight + bias, channel by channel.

    In training, mean and variance are those of the batch: over all n elements of the channel,

        mean = sum(x) / n,  variance = sum((x - mean)^2) / n

    and the running statistics r move towards them, r += momentum (statistic - r), with the unbiased
    variance, sum((x - mean)^2) / (n - 1). Otherwise they are the running statistics. NaN and
    infinities spoil the statistics of their channel, and only these.

    Args:
        input: (N, C, *).
        running_mean: (C), updated in place in training; None for none.
        running_var: (C), as running_mean.
        weight: (C); None for ones.
        bias: (C); None for zeros.
        training: whether to use the statistics of the batch.
        momentum: the share of the new statistics.
        eps: added to the variance.

    Returns:
        (N, C, *).
    """
    output = [[None] * len(sample) for sample in input]
    for channel in range(len(input[0])):
        samples = [sample[channel] for sample in input]
        values = flatten(samples)
        mean = Fraction(1, len(values)) * sum(values)
        squares = sum((x - mean) ** 2 for x in values)
        variance = squares / len(values)
        if not training:
            mean, variance = running_mean[channel], running_var[channel]
        elif running_mean:
            unbiased = squares / (len(values) - 1)
            running_mean[channel] += (mean - running_mean[channel]) * momentum
            running_var[channel] += (unbiased - running_var[channel]) * momentum
        scale = (weight[channel] if weight else 1) / math.sqrt(variance + eps)
        shift = bias[channel] if bias else 0
        for n, values in enumerate(samples):
            output[n][channel] = map_numbers(
                lambda x, m=mean, a=scale, b=shift: (x - m) * a + b, values
            )
    return output
