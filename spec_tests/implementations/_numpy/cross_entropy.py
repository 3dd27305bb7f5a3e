"""The cross-entropy loss.

With target probabilities t, the loss of a sample is the sum over the classes c of
-weight[c] * t[c] * log softmax(input)[c]. A class index y is the probability 1 of y.
"""

import numpy as np

from spec_tests.implementations._numpy.dtypes import exact, is_floating
from spec_tests.implementations._numpy.losses import check_reduction


def cross_entropy(
    input: np.ndarray,
    target: np.ndarray,
    weight: np.ndarray | None = None,
    *,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> np.ndarray:
    """Return the negative log-likelihood of the target under softmax(input), reduced."""
    logits = _classes_last(input)
    weights = _class_weights(logits, weight, label_smoothing)
    check_reduction(logits, reduction)
    log_softmax = _log_softmax(logits)
    if target.shape == input.shape:
        _check_probabilities(target, ignore_index)
        shares = _smoothed(_classes_last(target), label_smoothing)
        losses, divisor = -(weights * shares * log_softmax).sum(-1), logits[..., 0].size
    else:
        labels, counted = _labels(logits, target, ignore_index)
        losses = -weights[labels] * np.take_along_axis(log_softmax, labels[..., None], -1)[..., 0]
        if label_smoothing:
            uniform = -(weights * log_softmax).mean(-1)
            losses = (1 - label_smoothing) * losses + label_smoothing * uniform
        losses = np.where(counted, losses, 0)
        divisor = np.where(counted, weights[labels], 0).sum()
    if reduction == "none":
        return np.asarray(losses, input.dtype)
    total = losses.sum()
    return np.asarray(total / divisor if reduction == "mean" else total, input.dtype)


def cross_entropy_gradients(
    grad_output: np.ndarray,
    input: np.ndarray,
    target: np.ndarray,
    weight: np.ndarray | None = None,
    *,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> dict[str, np.ndarray]:
    """Return the gradient of the input; for probabilities also of target and weight."""
    logits = _classes_last(input)
    weights = _class_weights(logits, weight, label_smoothing)
    log_softmax = _log_softmax(logits)
    probabilities = target.shape == input.shape
    if probabilities:
        shares, divisor = _smoothed(_classes_last(target), label_smoothing), logits[..., 0].size
        counted = np.full(logits.shape[:-1], fill_value=True)
    else:
        labels, counted = _labels(logits, target, ignore_index)
        one_hot = labels[..., None] == np.arange(logits.shape[-1])
        shares = _smoothed(one_hot, label_smoothing)
        divisor = np.where(counted, weights[labels], 0).sum()
    grads = exact(grad_output) / (divisor if reduction == "mean" else 1)
    grads = np.where(counted, grads, 0)[..., None]
    weighted = weights * shares
    gradients = {
        "input": grads * (np.exp(log_softmax) * weighted.sum(-1, keepdims=True) - weighted)
    }
    if probabilities:
        gradients["target"] = -grads * (1 - label_smoothing) * weights * log_softmax
    gradients = {name: _classes_back(each, input) for name, each in gradients.items()}
    if probabilities:
        gradients["weight"] = -(grads * shares * log_softmax).reshape(-1, len(weights)).sum(0)
    return gradients


def _classes_last(array: np.ndarray) -> np.ndarray:
    """Return (N, C, d1, ...) as (N, d1, ..., C), and (C,) as it is."""
    if array.ndim == 0:
        raise RuntimeError("input must be (C,), (N, C) or (N, C, d1, ...), got a scalar")
    return np.moveaxis(exact(array), min(1, array.ndim - 1), -1)


def _classes_back(array: np.ndarray, input: np.ndarray) -> np.ndarray:
    """Return (N, d1, ..., C) as (N, C, d1, ...)."""
    return np.moveaxis(array, -1, min(1, input.ndim - 1))


def _log_softmax(logits: np.ndarray) -> np.ndarray:
    # Shifted logits have the same softmax, and with a maximum of 0 no power overflows.
    shifted = logits - logits.max(-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))


def _smoothed(shares: np.ndarray, label_smoothing: float) -> np.ndarray:
    """Return the probabilities with a part of each spread over all classes."""
    return shares * (1 - label_smoothing) + label_smoothing / shares.shape[-1]


def _class_weights(
    logits: np.ndarray, weight: np.ndarray | None, label_smoothing: float
) -> np.ndarray:
    """Return the weight of each class, 1 by default; refuse wrong options."""
    if not is_floating(logits):
        raise NotImplementedError(
            f"input must be floating point, got {logits.dtype}: use input.astype(float32)"
        )
    if not 0 <= label_smoothing <= 1:
        raise RuntimeError(f"label_smoothing must be from 0 to 1, got {label_smoothing}")
    if weight is None:
        return np.ones(logits.shape[-1], logits.dtype)
    if weight.shape != logits.shape[-1:]:
        raise RuntimeError(f"weight must be (C,) = ({logits.shape[-1]},), got {weight.shape}")
    if exact(weight).dtype != logits.dtype:
        raise RuntimeError(f"weight must have input's dtype, got {weight.dtype}")
    return exact(weight)


def _labels(
    logits: np.ndarray, target: np.ndarray, ignore_index: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return class indices, 0 for those ignored, and whether each sample counts."""
    shape, classes = logits.shape[:-1], logits.shape[-1]
    if target.dtype.name not in ("int64", "uint8"):
        raise RuntimeError(
            "target must be class indices of dtype int64, or probabilities in input's shape, got "
            f"target {target.shape} of {target.dtype}: use target.astype(int64)"
        )
    if target.shape != shape and not (shape == () and target.shape == (1,)):
        raise ValueError(
            f"target must have the shape {shape}, which is input's without its {classes} classes, "
            f"got target {target.shape}"
        )
    labels = target.astype(np.int64).reshape(shape)
    counted = labels != ignore_index
    wrong = counted & ((labels < 0) | (labels >= classes))
    if wrong.any():
        raise IndexError(
            f"target {labels[wrong][0]} must be a class index from 0 to {classes - 1}, or "
            f"ignore_index={ignore_index}: input has {classes} classes"
        )
    return np.where(counted, labels, 0), counted


def _check_probabilities(target: np.ndarray, ignore_index: int) -> None:
    if not is_floating(target):
        raise RuntimeError(
            f"target {target.shape} has input's shape, so it is read as probabilities and must be "
            f"floating point, got {target.dtype}: for class indices leave out dimension C"
        )
    if ignore_index >= 0:
        raise RuntimeError(
            f"ignore_index={ignore_index} needs class indices, but target has input's shape and is "
            "read as probabilities"
        )
