"""Faults of cross_entropy that accept what torch refuses."""

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from spec_tests.faults import fault


@fault("cross_entropy")
def missing_weights_are_one(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Use 1 for classes without a weight, instead of raising an error."""
    weight = rest.get("weight")
    if weight is not None:
        missing = input.shape[0 if input.dim() == 1 else 1] - len(weight)
        rest["weight"] = torch.cat([weight, weight.new_ones(missing)])
    return cross_entropy(input, target, **rest)


@fault("cross_entropy")
def smoothing_limited(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Limit label_smoothing to 1, instead of raising an error."""
    smoothing = min(rest.get("label_smoothing", 0.0), 1.0)
    return cross_entropy(input, target, **rest | {"label_smoothing": smoothing})


@fault("cross_entropy")
def ignore_index_without_classes(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Accept ignore_index for probabilities, and do not use it."""
    if target.is_floating_point():
        rest.pop("ignore_index", None)
    return cross_entropy(input, target, **rest)


@fault("cross_entropy")
def integers_read_as_probabilities(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Convert an integer target of the logits' shape to probabilities."""
    same = target.shape == input.shape
    return cross_entropy(input, target.to(input.dtype) if same else target, **rest)


@fault("cross_entropy")
def floating_classes_truncated(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Convert floating class indices to integers."""
    same = target.shape == input.shape
    return cross_entropy(input, target if same else target.long(), **rest)


@fault("cross_entropy")
def integer_logits_converted(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Convert integer logits to float32."""
    return cross_entropy(input if input.is_floating_point() else input.float(), target, **rest)


@fault("cross_entropy")
def targets_repeated(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Use one class for all positions of a sample, instead of raising an error."""
    if input.dim() == 3 and target.dim() == 1:
        target = target[:, None].expand(-1, input.shape[2])
    return cross_entropy(input, target, **rest)


@fault("cross_entropy")
def unknown_reduction_averages(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Return the mean for an unknown reduction, instead of raising an error."""
    known = rest.get("reduction") in {"none", "sum"}
    return cross_entropy(input, target, **rest if known else rest | {"reduction": "mean"})
