"""Faults of the losses: formulas, reductions, options and refusals."""

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, l1_loss, log_softmax, mse_loss, nll_loss, one_hot

from spec_tests.faults import fault


@fault("l1_loss")
def sum_by_default(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Return the sum by default."""
    return l1_loss(input, target, **{"reduction": "sum"} | rest)


@fault("l1_loss")
def mean_instead_of_sum(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Divide the sum by the number of elements."""
    return l1_loss(input, target, **rest) / (input.numel() if rest.get("reduction") == "sum" else 1)


@fault("l1_loss")
def divided_by_batch_size(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Divide the sum by the batch size instead of the number of elements."""
    if rest.get("reduction", "mean") == "mean":
        return l1_loss(input, target, reduction="sum") / len(input)
    return l1_loss(input, target, **rest)


@fault("l1_loss")
def absolute_value_of_mean(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Return the absolute value of the mean difference."""
    if rest.get("reduction", "mean") == "mean":
        return (input - target).mean().abs()
    return l1_loss(input, target, **rest)


@fault("l1_loss")
def squared_differences(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Return the mean squared error."""
    return mse_loss(input, target, **rest)


@fault("l1_loss")
def none_is_mean(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Return the mean for reduction='none'."""
    return l1_loss(input, target, **rest | {"reduction": rest.get("reduction") or "mean"}).mean()


@fault("l1_loss")
def smooth_l1(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Return the smooth L1 loss."""
    return torch.nn.functional.smooth_l1_loss(input, target, **rest)


@fault("l1_loss")
def integer_mean_rounded_down(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Round the mean of integers down, instead of raising an error."""
    if input.is_floating_point() or rest:
        return l1_loss(input, target, **rest)
    return (input - target).abs().sum() // input.numel()


@fault("l1_loss")
def unknown_reduction_is_mean(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Return the mean for an unknown reduction, instead of raising an error."""
    known = rest.get("reduction") in {"none", "sum"}
    return l1_loss(input, target, **rest if known else {})


@fault("mse_loss")
def halved(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Multiply by 1/2, as some textbooks do."""
    return mse_loss(input, target, **rest) / 2


@fault("mse_loss")
def root_mean_square(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Return the square root of the mean squared error."""
    return mse_loss(input, target, **rest).sqrt()


@fault("mse_loss")
def mse_sum_by_default(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Return the sum by default."""
    return mse_loss(input, target, **{"reduction": "sum"} | rest)


@fault("mse_loss")
def mse_divided_by_batch_size(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Divide the sum by the batch size instead of the number of elements."""
    if rest.get("reduction", "mean") == "mean":
        return mse_loss(input, target, reduction="sum") / len(input)
    return mse_loss(input, target, **rest)


@fault("mse_loss")
def mse_mean_instead_of_sum(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Return the mean for reduction='sum'."""
    averaged = rest.get("reduction", "mean") != "none"
    return mse_loss(input, target, reduction="mean" if averaged else "none")


@fault("mse_loss")
def gradient_halved(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Omit the factor 2 of the derivative."""
    loss = mse_loss(input, target, **rest)
    return (loss + loss.detach()) / 2  # the same value, half the gradient


def _reduction_at_most(rest: dict[str, Any]) -> bool:
    """Return whether a call has no option, or the reduction only."""
    return not rest or set(rest) == {"reduction"}


@fault("cross_entropy")
def softmax_twice(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Apply softmax to the logits before the loss, which applies it again."""
    return cross_entropy(input.softmax(1 if input.dim() > 1 else 0), target, **rest)


@fault("cross_entropy", issue="tenstorrent/tt-metal#10001")
def maximum_not_subtracted(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Compute exp of the logits without subtracting their maximum first."""
    axis = 1 if input.dim() > 1 else 0
    if target.is_floating_point() or rest.get("label_smoothing"):
        return cross_entropy(input, target, **rest)
    return nll_loss(input - input.exp().sum(axis, keepdim=True).log(), target, **rest)


@fault("cross_entropy")
def no_softmax(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Treat the logits as log-probabilities."""
    if target.is_floating_point() or rest.get("label_smoothing"):
        return cross_entropy(input, target, **rest)
    return nll_loss(input, target, **rest)


@fault("cross_entropy")
def softmax_over_batch(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Apply softmax along the batch instead of the classes."""
    if target.is_floating_point() or rest.get("label_smoothing"):
        return cross_entropy(input, target, **rest)
    return nll_loss(log_softmax(input, 0), target, **rest)


@fault("cross_entropy")
def classes_on_last_axis(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Use the last axis for the classes instead of axis 1."""
    square = input.dim() == 3 and input.shape[1] == input.shape[2]
    return cross_entropy(input.mT if square else input, target, **rest)


@fault("cross_entropy", issue="llvm/torch-mlir#3585")
def ignored_samples_counted(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Count the ignored samples in the mean."""
    if rest.get("reduction", "mean") != "mean" or target.is_floating_point():
        return cross_entropy(input, target, **rest)
    return cross_entropy(input, target, **rest | {"reduction": "none"}).mean()


@fault("cross_entropy")
def ignore_index_fixed(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Ignore only -100, whatever ignore_index."""
    return cross_entropy(input, target, **rest | {"ignore_index": -100})


@fault("cross_entropy", issue="iree-org/iree#24228")
def divided_by_sample_count(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Divide the weighted sum by the number of samples instead of the sum of weights."""
    if rest.get("weight") is None or rest.get("reduction", "mean") != "mean":
        return cross_entropy(input, target, **rest)
    return cross_entropy(input, target, **rest | {"reduction": "none"}).mean()


@fault("cross_entropy")
def probabilities_divided_by_weights(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Divide by the sum of weights for probability targets as well."""
    if rest.get("weight") is None or not target.is_floating_point():
        return cross_entropy(input, target, **rest)
    return cross_entropy(input, target.argmax(1), **rest)


@fault("cross_entropy")
def weights_ignored(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Ignore the class weights."""
    return cross_entropy(input, target, **rest | {"weight": None})


@fault("cross_entropy")
def smoothing_ignored(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Ignore label_smoothing."""
    return cross_entropy(input, target, **rest | {"label_smoothing": 0.0})


@fault("cross_entropy")
def smoothing_excludes_target(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Share label_smoothing among the other classes only, instead of all classes."""
    smoothing = rest.pop("label_smoothing", 0.0)
    if not smoothing:
        return cross_entropy(input, target, **rest)
    count = input.shape[1]
    shares = one_hot(target, count).to(input.dtype)
    return cross_entropy(
        input, shares * (1 - smoothing) + (1 - shares) * smoothing / (count - 1), **rest
    )


@fault("cross_entropy")
def smoothed_divided_by_sample_count(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """With label_smoothing, divide the weighted sum by the number of samples."""
    if not rest.get("label_smoothing"):
        return cross_entropy(input, target, **rest)
    return cross_entropy(input, target, **rest | {"reduction": "none"}).mean()


@fault("cross_entropy")
def summed_by_default(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Return the sum over the batch by default."""
    return cross_entropy(input, target, **{"reduction": "sum"} | rest)


@fault("cross_entropy")
def logarithm_to_base_two(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Use the logarithm to base 2."""
    return cross_entropy(input, target, **rest) / torch.tensor(2.0).log().item()


@fault("cross_entropy")
def classes_counted_from_one(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Number the classes from 1."""
    if target.is_floating_point() or not _reduction_at_most(rest):
        return cross_entropy(input, target, **rest)
    return cross_entropy(input, (target - 1).clamp(min=0), **rest)


@fault("cross_entropy")
def largest_probability_only(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Use only the largest of a target's probabilities."""
    return cross_entropy(input, target.argmax(1) if target.is_floating_point() else target, **rest)


@fault("cross_entropy")
def empty_mean_is_zero(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Return 0 for the mean of no samples instead of nan."""
    return cross_entropy(input, target, **rest).nan_to_num()


@fault("cross_entropy")
def class_clamped(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Treat a class beyond the last one as the last one, instead of raising an error."""
    if target.is_floating_point():
        return cross_entropy(input, target, **rest)
    return cross_entropy(input, target.clamp(max=input.shape[-1] - 1), **rest)
