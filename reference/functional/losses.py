"""The losses: the distance between an output and its target (P23)."""

import warnings

import torch
from torch import Tensor


def l1_loss(input: Tensor, target: Tensor, *, reduction: str = "mean") -> Tensor:
    """Return the absolute differences of input and target, reduced.

    Args:
        input: any shape.
        target: the input's shape. Another shape is broadcast, with a UserWarning.
        reduction: 'mean', 'sum', or 'none' for the difference of each element.

    Returns:
        A scalar; for 'none' the broadcast shape of input and target.

    Raises:
        ValueError: `reduction` is unknown.
        RuntimeError: the shapes cannot be broadcast.
        NotImplementedError: 'mean' of integers.

    Source: P23.
    """
    return _reduce(_difference(input, target).abs(), reduction)


def mse_loss(input: Tensor, target: Tensor, *, reduction: str = "mean") -> Tensor:
    """Return the squared differences of input and target, reduced.

    Args:
        input: any shape.
        target: the input's shape. Another shape is broadcast, with a UserWarning.
        reduction: 'mean', 'sum', or 'none' for the squared difference of each element.

    Returns:
        A scalar; for 'none' the broadcast shape of input and target.

    Raises:
        ValueError: `reduction` is unknown.
        RuntimeError: the shapes cannot be broadcast.
        NotImplementedError: 'mean' of integers.

    Source: P23.
    """
    return _reduce(_difference(input, target).square(), reduction)


def _difference(input: Tensor, target: Tensor) -> Tensor:
    if input.shape != target.shape:
        sizes = f"a target size ({target.shape}) that is different to the input size"
        advice = f"({input.shape}): reshape one to the other's size"
        pairs = zip(reversed(input.shape), reversed(target.shape), strict=False)
        if not all(a == b or 1 in (a, b) for a, b in pairs):
            raise RuntimeError(f"Cannot use {sizes} {advice}")
        warnings.warn(f"Using {sizes} {advice} unless broadcasting is meant", stacklevel=3)
    return input - target


def _reduce(losses: Tensor, reduction: str, weights: Tensor | None = None) -> Tensor:
    """Return the losses reduced; their mean is weighted, by default with 1 each."""
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"reduction must be 'none', 'mean' or 'sum', got reduction={reduction!r}")
    if reduction == "none":
        return losses
    if reduction == "sum":
        return losses.sum()
    if not losses.is_floating_point():
        raise NotImplementedError(
            f"reduction='mean' needs floating-point input or target, got {losses.dtype}: use "
            "input.float()"
        )
    return losses.mean() if weights is None else losses.sum() / weights.sum()


def cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    *,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """Return the negative log-likelihood of the target under softmax(input), reduced.

    For class y the loss is -weight[y] log softmax(input)[y], and the mean divides by the sum of
    weight[y]. For probabilities it is the sum of -weight[c] target[c] log softmax(input)[c], and
    the mean divides by the number of samples.

    Args:
        input: the logits, not probabilities: (C,), (N, C) or (N, C, d1, ...), floating point.
        target: class indices, of int64 or uint8 and of the input's shape without C, or
            probabilities of the input's shape.
        weight: (C,), of the input's dtype: the weight of each class, by default 1.
        ignore_index: the class index whose samples do not count.
        reduction: 'mean', 'sum', or 'none' for the loss of each sample.
        label_smoothing: the share of the target, from 0 to 1, that is spread over all classes.

    Returns:
        A scalar, or the shape of class indices for 'none'.

    Raises:
        IndexError: a class index is neither `ignore_index` nor from 0 to C - 1.
        ValueError: the batch sizes differ, or `reduction` is unknown.
        RuntimeError: other shapes or dtypes do not match, or a number is out of range.
        NotImplementedError: the input is not floating point.

    Source: P23; label smoothing: Szegedy et al., arXiv 1512.00567.
    """
    if input.ndim == 0:
        raise RuntimeError("input must be (C,), (N, C) or (N, C, d1, ...), got a scalar")
    class_dim = 0 if input.ndim == 1 else 1
    logits = input.movedim(class_dim, -1)  # (N, C, d1, ...) -> (N, d1, ..., C)
    _check_options(logits, weight, label_smoothing)
    weight = logits.new_ones(logits.shape[-1]) if weight is None else weight
    if target.shape != input.shape:
        labels = _check_labels(logits, target, ignore_index)  # (N, d1, ...)
        losses, weights = _index_losses(logits, labels, weight, ignore_index, label_smoothing)
        return _reduce(losses, reduction, weights)
    _check_probabilities(target, ignore_index)
    log_probabilities = _log_softmax(logits)  # (N, d1, ..., C)
    # (N, C, d1, ...) -> (N, d1, ..., C)
    smoothed = target.movedim(class_dim, -1) * (1 - label_smoothing)
    smoothed = smoothed + label_smoothing / logits.shape[-1]
    # (N, d1, ..., C) -> (N, d1, ...)
    return _reduce(-(weight * smoothed * log_probabilities).sum(-1), reduction)


def _log_softmax(logits: Tensor) -> Tensor:
    """Return log(softmax(logits)) over the last dimension."""
    # softmax does not change when the logits are shifted, and with a maximum of 0 no exponential
    # overflows. For the same reason the gradient of the shift is 0, and it may be detached.
    shifted = logits - logits.detach().amax(-1, keepdim=True)
    return shifted - shifted.exp().sum(-1, keepdim=True).log()


def _index_losses(
    logits: Tensor,
    labels: Tensor,
    weight: Tensor,
    ignore_index: int,
    label_smoothing: float,
) -> tuple[Tensor, Tensor]:
    """Return the loss and the weight of each sample; both are 0 for an ignored one.

    Args:
        logits: (N, d1, ..., C).
        labels: (N, d1, ...).
        weight: (C,).
        ignore_index: as in `cross_entropy`.
        label_smoothing: as in `cross_entropy`.

    Returns:
        Losses and weights, each (N, d1, ...).
    """
    ignored = labels == ignore_index
    # An ignored sample has no loss and no gradient, even if its logits are NaN. ignore_index need
    # not be a valid index for gather: use class 0 and zero the result below.
    log_probabilities = _log_softmax(logits.masked_fill(ignored.unsqueeze(-1), 0))
    labels = labels.masked_fill(ignored, 0)
    weights = weight[labels]  # (C,) -> (N, d1, ...)
    # (N, d1, ..., C) -> (N, d1, ..., 1) -> (N, d1, ...)
    losses = -weights * log_probabilities.gather(-1, labels.unsqueeze(-1)).squeeze(-1)
    if label_smoothing:
        uniform = -(weight * log_probabilities).mean(-1)  # (N, d1, ..., C) -> (N, d1, ...)
        losses = (1 - label_smoothing) * losses + label_smoothing * uniform
    # masked_fill, not a product: infinite weights times 0 would be NaN.
    return losses.masked_fill(ignored, 0), weights.masked_fill(ignored, 0)


def _check_labels(logits: Tensor, target: Tensor, ignore_index: int) -> Tensor:
    """Return the target as int64 class indices of shape (N, d1, ...), or raise for a wrong one."""
    shape, classes = logits.shape[:-1], logits.shape[-1]
    if target.dtype not in (torch.int64, torch.uint8):
        raise RuntimeError(
            f"target must be class indices of dtype torch.int64, or probabilities in input's "
            f"shape, got target {tuple(target.shape)} of {target.dtype}: use target.long()"
        )
    if target.shape != shape and not (shape == () and target.shape == (1,)):
        # torch raises a ValueError only where the batch sizes differ.
        error = RuntimeError if target.shape[:1] == shape[:1] else ValueError
        raise error(
            f"target must have the shape {tuple(shape)}, which is input's without its "
            f"{classes} classes, got target {tuple(target.shape)}"
        )
    labels = target.long().reshape(shape)
    wrong = (labels != ignore_index) & ((labels < 0) | (labels >= classes))
    if wrong.any():
        raise IndexError(
            f"target {labels[wrong][0]} must be a class index from 0 to {classes - 1}, or "
            f"ignore_index={ignore_index}: input has {classes} classes"
        )
    return labels


def _check_options(logits: Tensor, weight: Tensor | None, label_smoothing: float) -> None:
    if not logits.is_floating_point():
        raise NotImplementedError(
            f"input must be floating point, got {logits.dtype}: use input.float()"
        )
    if not 0 <= label_smoothing <= 1:
        raise RuntimeError(f"label_smoothing must be from 0 to 1, got {label_smoothing}")
    if weight is None:
        return
    if weight.shape != logits.shape[-1:]:
        raise RuntimeError(
            f"weight must be (C,) = ({logits.shape[-1]},), got weight {tuple(weight.shape)}"
        )
    if weight.dtype != logits.dtype:
        raise RuntimeError(f"weight must have input's dtype {logits.dtype}, got {weight.dtype}")


def _check_probabilities(target: Tensor, ignore_index: int) -> None:
    if not target.is_floating_point():
        raise RuntimeError(
            f"target {tuple(target.shape)} has input's shape, so it is read as probabilities and "
            f"must be floating point, got {target.dtype}: for class indices leave out dimension C"
        )
    if ignore_index >= 0:
        raise RuntimeError(
            f"ignore_index={ignore_index} needs class indices, but target has input's shape and is "
            "read as probabilities"
        )
