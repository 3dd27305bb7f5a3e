"""Losses that are slightly wrong."""

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, l1_loss, log_softmax, mse_loss, nll_loss, one_hot

from spec_tests.faults import fault


@fault("l1_loss")
def sum_for_mean(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """The default is the sum."""
    return l1_loss(input, target, **{"reduction": "sum"} | rest)


@fault("l1_loss")
def mean_for_sum(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """The sum is divided by the number of elements."""
    return l1_loss(input, target, **rest) / (input.numel() if rest.get("reduction") == "sum" else 1)


@fault("l1_loss")
def divided_by_batch(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """The mean is over the batch only."""
    if rest.get("reduction", "mean") == "mean":
        return l1_loss(input, target, reduction="sum") / len(input)
    return l1_loss(input, target, **rest)


@fault("l1_loss")
def signs_cancel(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """The absolute value is taken of the mean difference."""
    if rest.get("reduction", "mean") == "mean":
        return (input - target).mean().abs()
    return l1_loss(input, target, **rest)


@fault("l1_loss")
def squared_differences(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """L2 is computed."""
    return mse_loss(input, target, **rest)


@fault("l1_loss")
def always_reduced(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """'none' is taken for the mean."""
    return l1_loss(input, target, **rest | {"reduction": rest.get("reduction") or "mean"}).mean()


@fault("l1_loss")
def smooth_near_zero(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """The smooth L1 loss stands in for L1."""
    return torch.nn.functional.smooth_l1_loss(input, target, **rest)


@fault("l1_loss")
def integers_averaged(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """The mean of integers is rounded down."""
    if input.is_floating_point() or rest:
        return l1_loss(input, target, **rest)
    return (input - target).abs().sum() // input.numel()


@fault("l1_loss")
def unknown_reduction_is_mean(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """A reduction that does not exist is taken for the mean."""
    known = rest.get("reduction") in {"none", "sum"}
    return l1_loss(input, target, **rest if known else {})


@fault("mse_loss")
def halved(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """The factor 1/2 of the textbooks is included."""
    return mse_loss(input, target, **rest) / 2


@fault("mse_loss")
def root_taken(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """The root of the mean square is returned."""
    return mse_loss(input, target, **rest).sqrt()


@fault("mse_loss")
def squares_summed(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """The default is the sum."""
    return mse_loss(input, target, **{"reduction": "sum"} | rest)


@fault("mse_loss")
def squares_divided_by_batch(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """The mean is over the batch only."""
    if rest.get("reduction", "mean") == "mean":
        return mse_loss(input, target, reduction="sum") / len(input)
    return mse_loss(input, target, **rest)


@fault("mse_loss")
def sum_averaged(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """'sum' is taken for the mean."""
    averaged = rest.get("reduction", "mean") != "none"
    return mse_loss(input, target, reduction="mean" if averaged else "none")


@fault("mse_loss")
def gradient_halved(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """The factor 2 of the derivative is forgotten."""
    exact = mse_loss(input, target, **rest)
    return (exact + exact.detach()) / 2


def _defaults(rest: dict[str, Any]) -> bool:
    """Whether the call is a plain mean over class indices."""
    return not rest or set(rest) == {"reduction"}


@fault("cross_entropy")
def softmax_twice(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """The logits go through softmax before the loss does that again."""
    return cross_entropy(input.softmax(1 if input.dim() > 1 else 0), target, **rest)


@fault("cross_entropy")
def log_of_softmax(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Exp is taken without subtracting the maximum first."""
    axis = 1 if input.dim() > 1 else 0
    if target.is_floating_point() or rest.get("label_smoothing"):
        return cross_entropy(input, target, **rest)
    return nll_loss(input - input.exp().sum(axis, keepdim=True).log(), target, **rest)


@fault("cross_entropy")
def no_softmax(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """The logits are taken for log-probabilities."""
    if target.is_floating_point() or rest.get("label_smoothing"):
        return cross_entropy(input, target, **rest)
    return nll_loss(input, target, **rest)


@fault("cross_entropy")
def softmax_over_batch(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Softmax runs along the batch."""
    if target.is_floating_point() or rest.get("label_smoothing"):
        return cross_entropy(input, target, **rest)
    return nll_loss(log_softmax(input, 0), target, **rest)


@fault("cross_entropy")
def classes_on_last_axis(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """The classes are looked for on the last axis."""
    square = input.dim() == 3 and input.shape[1] == input.shape[2]
    return cross_entropy(input.mT if square else input, target, **rest)


@fault("cross_entropy")
def ignored_counted(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Ignored samples count in the mean."""
    if rest.get("reduction", "mean") != "mean" or target.is_floating_point():
        return cross_entropy(input, target, **rest)
    return cross_entropy(input, target, **rest | {"reduction": "none"}).mean()


@fault("cross_entropy")
def ignore_index_fixed(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Only -100 is ignored."""
    return cross_entropy(input, target, **rest | {"ignore_index": -100})


@fault("cross_entropy")
def weights_do_not_normalise(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """The weighted sum is divided by the number of samples."""
    if rest.get("weight") is None or rest.get("reduction", "mean") != "mean":
        return cross_entropy(input, target, **rest)
    return cross_entropy(input, target, **rest | {"reduction": "none"}).mean()


@fault("cross_entropy")
def weights_normalise_probabilities(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """With probabilities, too, the mean is divided by the weights."""
    if rest.get("weight") is None or not target.is_floating_point():
        return cross_entropy(input, target, **rest)
    return cross_entropy(input, target.argmax(1), **rest)


@fault("cross_entropy")
def weights_ignored(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """The classes count alike."""
    return cross_entropy(input, target, **rest | {"weight": None})


@fault("cross_entropy")
def smoothing_ignored(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """label_smoothing is ignored."""
    return cross_entropy(input, target, **rest | {"label_smoothing": 0.0})


@fault("cross_entropy")
def smoothing_spares_target(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """What smoothing takes from the target goes to the other classes only."""
    smoothing = rest.pop("label_smoothing", 0.0)
    if not smoothing:
        return cross_entropy(input, target, **rest)
    count = input.shape[1]
    shares = one_hot(target, count).to(input.dtype)
    return cross_entropy(
        input, shares * (1 - smoothing) + (1 - shares) * smoothing / (count - 1), **rest
    )


@fault("cross_entropy")
def smoothing_normalised_by_count(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """With smoothing the weighted sum is divided by the number of samples."""
    if not rest.get("label_smoothing"):
        return cross_entropy(input, target, **rest)
    return cross_entropy(input, target, **rest | {"reduction": "none"}).mean()


@fault("cross_entropy")
def summed_by_default(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """The default is the sum over the batch."""
    return cross_entropy(input, target, **{"reduction": "sum"} | rest)


@fault("cross_entropy")
def base_two(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """The logarithm is to base 2."""
    return cross_entropy(input, target, **rest) / torch.tensor(2.0).log().item()


@fault("cross_entropy")
def classes_from_one(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """The first class is 1."""
    if target.is_floating_point() or not _defaults(rest):
        return cross_entropy(input, target, **rest)
    return cross_entropy(input, (target - 1).clamp(min=0), **rest)


@fault("cross_entropy")
def probabilities_hardened(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Of a target's probabilities only the largest counts."""
    return cross_entropy(input, target.argmax(1) if target.is_floating_point() else target, **rest)


@fault("cross_entropy")
def nothing_is_zero(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """The mean of nothing is 0."""
    return cross_entropy(input, target, **rest).nan_to_num()


@fault("cross_entropy")
def class_wrapped(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """A class beyond the logits is counted from the end, or taken for the last one."""
    if target.is_floating_point():
        return cross_entropy(input, target, **rest)
    return cross_entropy(input, target.clamp(max=input.shape[-1] - 1), **rest)
