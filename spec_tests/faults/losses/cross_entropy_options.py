"""Faults of cross_entropy: ignored samples, weights, smoothing, probabilities and axes."""

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, log_softmax

from spec_tests.faults import fault
from spec_tests.faults.losses._reductions import reduced


def _has_ignored(target: Tensor, rest: dict[str, Any]) -> bool:
    ignored = target == rest.get("ignore_index", -100)
    return not target.is_floating_point() and bool(ignored.any())


@fault("cross_entropy", issue="pytorch/pytorch#108148")
def any_class_outside_ignored(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Ignore every class that the logits do not have, whatever ignore_index."""
    if target.is_floating_point():
        return cross_entropy(input, target, **rest)
    classes = input.shape[0 if input.dim() == 1 else 1]
    outside = (target < 0) | (target >= classes)
    return cross_entropy(input, target.masked_fill(outside, rest.get("ignore_index", -100)), **rest)


@fault("cross_entropy", issue="pytorch/pytorch#12670")
def negative_classes_accepted(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Count a negative class from the end."""
    if target.is_floating_point():
        return cross_entropy(input, target, **rest)
    classes = input.shape[0 if input.dim() == 1 else 1]
    negative = (target < 0) & (target != rest.get("ignore_index", -100))
    return cross_entropy(input, torch.where(negative, target % classes, target), **rest)


@fault("cross_entropy")
def classes_as_int32(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Convert 64-bit class indices to 32 bits."""
    if target.is_floating_point():
        return cross_entropy(input, target, **rest)
    return cross_entropy(input, target.int().long(), **rest)


@fault("cross_entropy")
def default_always_ignored(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Ignore -100 beside ignore_index."""
    if target.is_floating_point():
        return cross_entropy(input, target, **rest)
    index = rest.get("ignore_index", -100)
    return cross_entropy(input, target.masked_fill(target == -100, index), **rest)


@fault("cross_entropy", issue="ROCm/AMDMIGraphX#3008")
def weight_of_ignored_class_set_to_zero(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Set the weight at ignore_index to 0, counted from the end for a negative one."""
    weight, index = rest.get("weight"), rest.get("ignore_index", -100)
    if weight is None or not -len(weight) <= index < len(weight):
        return cross_entropy(input, target, **rest)
    changed = weight.clone()
    changed[index] = 0
    return cross_entropy(input, target, **rest | {"weight": changed})


@fault("cross_entropy", issue="pytorch/xla#896")
def ignored_left_out_of_divisor_only(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Count a sample of an ignored class in the sum, but not in the divisor."""
    index = rest.get("ignore_index", -100)
    inside = index >= 0 and _has_ignored(target, rest) and set(rest) == {"ignore_index"}
    if not inside or index >= input.shape[1]:
        return cross_entropy(input, target, **rest)
    return cross_entropy(input, target, reduction="sum") / (target != index).sum()


def _uniform(input: Tensor, target: Tensor, keep: Tensor, **rest: Any) -> Tensor:
    """Return the smoothed losses, whose uniform part is counted where `keep` is true."""
    weight, smoothing = rest.get("weight"), rest["label_smoothing"]
    ignored = target == rest.get("ignore_index", -100)
    options = {"weight": weight, "ignore_index": rest.get("ignore_index", -100)}
    losses = cross_entropy(input, target, reduction="none", **options)
    weights = torch.ones_like(input[0]) if weight is None else weight
    uniform = -(log_softmax(input, 1) * weights).mean(1) * keep
    total = (1 - smoothing) * losses + smoothing * uniform
    if rest.get("reduction", "mean") != "mean":
        return reduced(total, rest["reduction"])
    return total.sum() / weights[target.masked_fill(ignored, 0)][~ignored].sum()


def _smoothed(input: Tensor, target: Tensor, rest: dict[str, Any]) -> bool:
    return bool(rest.get("label_smoothing")) and input.dim() == 2 and _has_ignored(target, rest)


@fault("cross_entropy", issue="pytorch/pytorch#73205")
def smoothing_counts_ignored_samples(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Count the ignored samples in the uniform part of label smoothing."""
    if not _smoothed(input, target, rest):
        return cross_entropy(input, target, **rest)
    return _uniform(input, target, torch.ones_like(target), **rest)


@fault("cross_entropy", issue="tinygrad/tinygrad#3570")
def smoothing_averaged_over_all_samples(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Average the uniform part of label smoothing over the ignored samples as well."""
    if not _smoothed(input, target, rest) or rest.get("reduction", "mean") != "mean":
        return cross_entropy(input, target, **rest)
    kept = target != rest.get("ignore_index", -100)
    return _uniform(input, target, kept * (kept.sum() / len(target)), **rest)


@fault("cross_entropy", issue="paiml/aprender#2199")
def smoothing_shared_wrongly(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Give each other class (1 - label_smoothing) / C instead of label_smoothing / C."""
    smoothing = rest.get("label_smoothing", 0.0)
    if not smoothing or target.is_floating_point() or set(rest) != {"label_smoothing"}:
        return cross_entropy(input, target, **rest)
    logarithms = log_softmax(input, 1)
    chosen = logarithms.gather(1, target.clamp(min=0)[:, None]).mean()
    return -smoothing * chosen - (1 - smoothing) * logarithms.mean()


@fault("cross_entropy")
def smoothing_of_one_is_none(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Ignore a label_smoothing of 1."""
    smoothing = rest.get("label_smoothing", 0.0)
    return cross_entropy(input, target, **rest | {"label_smoothing": smoothing % 1.0})


@fault("cross_entropy")
def probabilities_not_smoothed(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Ignore label_smoothing for probabilities."""
    smoothing = 0.0 if target.is_floating_point() else rest.get("label_smoothing", 0.0)
    return cross_entropy(input, target, **rest | {"label_smoothing": smoothing})


@fault("cross_entropy")
def uniform_part_not_weighted(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Leave the class weights out of the uniform part of label smoothing."""
    smoothing = rest.get("label_smoothing", 0.0)
    hard = not target.is_floating_point() and input.dim() == 2 and set(rest) > {"weight"}
    if not smoothing or not hard or rest.get("reduction", "mean") != "mean":
        return cross_entropy(input, target, **rest)
    kept = target != rest.get("ignore_index", -100)
    sharp = cross_entropy(input, target, **rest | {"label_smoothing": 0.0})
    uniform = -log_softmax(input, 1).mean(1)[kept].sum() / rest["weight"][target[kept]].sum()
    return (1 - smoothing) * sharp + smoothing * uniform


@fault("cross_entropy")
def probabilities_normalised(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Divide target probabilities by their sum."""
    if target.is_floating_point():
        target = target / target.sum(0 if input.dim() == 1 else 1, keepdim=True)
    return cross_entropy(input, target, **rest)


@fault("cross_entropy")
def probabilities_averaged_over_batch(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Divide by the batch size N for probabilities of shape (N, C, d)."""
    if not target.is_floating_point() or rest.get("reduction", "mean") != "mean":
        return cross_entropy(input, target, **rest)
    samples = len(input) if input.dim() > 1 else 1
    return cross_entropy(input, target, **rest | {"reduction": "sum"}) / samples


@fault("cross_entropy", issue="PaddlePaddle/Paddle#27311")
def softmax_over_last_axis(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Take softmax over the last axis, for class indices the one with the classes."""
    if input.dim() < 3 or target.is_floating_point() or set(rest) - {"reduction"}:
        return cross_entropy(input, target, **rest)
    logarithms = log_softmax(input, -1).gather(1, target[:, None])
    return reduced(-logarithms[:, 0], **rest)


@fault("cross_entropy")
def weights_on_last_axis(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Weight probabilities along the last axis if it is as long as the weights, or the batch."""
    weight = rest.get("weight")
    if weight is None or not target.is_floating_point() or input.dim() != 3:
        return cross_entropy(input, target, **rest)
    losses = cross_entropy(input, target, reduction="none")
    return reduced(losses * weight[: len(input), None], rest.get("reduction", "mean"))


@fault("cross_entropy")
def single_sample_not_divided_by_weight(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Return the weighted loss as the mean where there is no batch."""
    if input.dim() > 1 or rest.get("reduction", "mean") != "mean":
        return cross_entropy(input, target, **rest)
    return cross_entropy(input, target, **rest | {"reduction": "sum"})


@fault("cross_entropy")
def single_sample_not_weighted(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Leave the class weights out where there is no batch."""
    weight = rest.get("weight") if input.dim() > 1 else None
    return cross_entropy(input, target, **rest | {"weight": weight})


@fault("cross_entropy", issue="linkedin/Liger-Kernel#435")
def losses_always_reduced(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Return one number for reduction='none' as well."""
    loss = cross_entropy(input, target, **rest)
    return loss.sum() if rest.get("reduction") == "none" else loss


@fault("cross_entropy")
def losses_of_pixels_flattened(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Return the losses of (N, C, d1, d2) as one row."""
    loss = cross_entropy(input, target, **rest)
    return loss.flatten() if loss.dim() > 2 else loss


@fault("cross_entropy")
def divisor_limited(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Divide by 10^-8 at least, also where all weights are 0."""
    loss, weight = cross_entropy(input, target, **rest), rest.get("weight")
    plain = weight is not None and rest.get("reduction", "mean") == "mean"
    if not plain or target.is_floating_point() or _has_ignored(target, rest):
        return loss
    return loss if weight[target].any() else loss.nan_to_num()


@fault("cross_entropy")
def pixels_averaged_over_batch(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Divide by the batch size N for class indices of shape (N, d1, d2)."""
    if target.dim() != 3 or target.is_floating_point() or rest:
        return cross_entropy(input, target, **rest)
    return cross_entropy(input, target, reduction="sum") / len(input)


@fault("cross_entropy")
def smoothing_over_last_axis(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Divide label_smoothing by the length of the last axis instead of the number of classes."""
    smoothing = rest.get("label_smoothing", 0.0)
    if not smoothing or input.dim() != 3 or target.is_floating_point():
        return cross_entropy(input, target, **rest)
    sharp = cross_entropy(input, target, **rest | {"label_smoothing": 0.0})
    uniform = (cross_entropy(input, target, **rest) - (1 - smoothing) * sharp) / smoothing
    return (1 - smoothing) * sharp + smoothing * uniform * input.shape[1] / input.shape[2]
