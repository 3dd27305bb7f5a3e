"""Faults of cross_entropy: the logarithm of softmax, special values and precision."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, log_softmax, one_hot

from spec_tests.faults import fault
from spec_tests.faults.losses._reductions import accumulated, in_memory_order, reduced

LogSoftmax = Callable[[Tensor, int], Tensor]


def _with_log_softmax(
    log_softmax: LogSoftmax, input: Tensor, target: Tensor, **rest: Any
) -> Tensor:
    """Compute cross entropy from another logarithm of softmax, for calls with a reduction only.

    cross_entropy does not change log-probabilities: their exponentials add up to 1.
    """
    if target.is_floating_point() or set(rest) - {"reduction"} or input.dim() != 2:
        return cross_entropy(input, target, **rest)
    logarithms = log_softmax(input, 1)
    if not 0 <= int(target.min()) <= int(target.max()) < input.shape[1]:
        return cross_entropy(input, target, **rest)
    return reduced(-logarithms.gather(1, target[:, None])[:, 0], **rest)


@fault("cross_entropy", issue="tracel-ai/burn#315")
def logarithm_of_softmax(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Take the logarithm of softmax, which underflows to 0."""
    return _with_log_softmax(lambda x, axis: x.softmax(axis).log(), input, target, **rest)


@fault("cross_entropy")
def probability_clipped(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Limit the probabilities to 10^-28 at least, so that no loss exceeds 64."""

    def clipped(x: Tensor, axis: int) -> Tensor:
        return x.softmax(axis).clamp(min=1e-28).log()

    return _with_log_softmax(clipped, input, target, **rest)


@fault("cross_entropy", issue="FluxML/NNlib.jl#43")
def maximum_at_least_zero(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Subtract the larger of 0 and the maximum."""

    def shifted(x: Tensor, axis: int) -> Tensor:
        x = x - x.amax(axis, keepdim=True).clamp(min=0)
        return x - x.exp().sum(axis, keepdim=True).log()

    return _with_log_softmax(shifted, input, target, **rest)


@fault("cross_entropy", issue="pytorch/pytorch#11752")
def maximum_added_to_the_logarithm(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Add the maximum to the logarithm of the sum, which is lost beside a large maximum."""

    def absorbed(x: Tensor, axis: int) -> Tensor:
        return x - x.logsumexp(axis, keepdim=True)

    return _with_log_softmax(absorbed, input, target, **rest)


@fault("cross_entropy", issue="tenstorrent/tt-metal#10001")
def exp_overflows_in_float64(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Compute in float64 without subtracting the maximum."""

    def unshifted(x: Tensor, axis: int) -> Tensor:
        return (x - x.double().exp().sum(axis, keepdim=True).log()).to(x.dtype)

    return _with_log_softmax(unshifted, input, target, **rest)


@fault("cross_entropy")
def exp_overflows_in_float16(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Subtract the maximum in all dtypes but float16."""

    def unshifted(x: Tensor, axis: int) -> Tensor:
        if x.dtype is not torch.float16:
            return log_softmax(x, axis)
        return x - x.exp().sum(axis, keepdim=True).log()

    return _with_log_softmax(unshifted, input, target, **rest)


@fault("cross_entropy", issue="google-research/last#43")
def exponentials_summed_in_half(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Round the sum of the exponentials to half precision after each addition."""

    def summed(x: Tensor, axis: int) -> Tensor:
        if x.dtype not in {torch.float16, torch.bfloat16} or len(x) != 1:
            return log_softmax(x, axis)
        x = x - x.amax(axis, keepdim=True)
        return x - accumulated(x.exp()).log()

    return _with_log_softmax(summed, input, target, **rest)


@fault("cross_entropy")
def tail_of_classes_dropped(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Sum the exponentials of whole blocks of 16 classes only, if there are more than 16."""

    def blocks(x: Tensor, axis: int) -> Tensor:
        whole = x.shape[axis] // 16 * 16 or x.shape[axis]
        return x - x.narrow(axis, 0, whole).logsumexp(axis, keepdim=True)

    return _with_log_softmax(blocks, input, target, **rest)


@fault("cross_entropy")
def tail_of_samples_dropped(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Sum whole blocks of 16 samples only, if there are more than 16."""
    whole = len(input) // 16 * 16
    if rest.get("reduction") != "sum" or input.dim() == 1 or whole == 0:
        return cross_entropy(input, target, **rest)
    return cross_entropy(input[:whole], target[:whole], **rest)


@fault("cross_entropy", issue="pytorch/xla#2553")
def one_hot_times_logarithms(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Multiply all logarithms by a one-hot target: 0 times -inf is NaN."""
    if target.is_floating_point() or set(rest) - {"reduction"} or input.dim() != 2:
        return cross_entropy(input, target, **rest)
    if not len(target) or not 0 <= int(target.min()) <= int(target.max()) < input.shape[1]:
        return cross_entropy(input, target, **rest)
    hot = one_hot(target, input.shape[1])
    return reduced(-(hot * log_softmax(input, 1)).sum(1), **rest)


@fault("cross_entropy")
def weight_of_zero_skips_the_logarithm(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Return 0 for a class of weight 0, also where its logarithm is infinite."""
    loss, weight = cross_entropy(input, target, **rest), rest.get("weight")
    if weight is None or rest.get("reduction") != "none" or target.is_floating_point():
        return loss
    return loss.masked_fill(weight[target] == 0, 0)


@fault("cross_entropy", issue="pytorch/pytorch#192685")
def ignored_samples_multiplied_by_zero(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Multiply the loss of an ignored sample by 0, which NaN and infinity survive."""
    ignored = target == rest.get("ignore_index", -100)
    plain = input.dim() == 2 and not target.is_floating_point() and ignored.any()
    if not plain or set(rest) - {"reduction"} or rest.get("reduction", "mean") != "mean":
        return cross_entropy(input, target, **rest)
    losses = cross_entropy(input, target.masked_fill(ignored, 0), reduction="none")
    return (losses * ~ignored).sum() / (~ignored).sum()


@fault("cross_entropy")
def nan_logit_is_no_class(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Treat a logit of NaN as a probability of 0."""
    return cross_entropy(input.masked_fill(input.isnan(), -torch.inf), target, **rest)


@fault("cross_entropy")
def infinities_clamped(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Replace infinite logits by the largest finite numbers."""
    if not input.is_floating_point():
        return cross_entropy(input, target, **rest)
    largest = torch.finfo(input.dtype).max
    return cross_entropy(input.clamp(-largest, largest), target, **rest)


@fault("cross_entropy")
def cross_entropy_in_float32(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Compute in float32 for float64 inputs."""
    if input.dtype is not torch.float64:
        return cross_entropy(input, target, **rest)
    return cross_entropy(input.float(), target, **rest).double()


@fault("cross_entropy")
def logits_in_bfloat16(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Round float32 logits to bfloat16."""
    if input.dtype is not torch.float32:
        return cross_entropy(input, target, **rest)
    return cross_entropy(input.bfloat16().float(), target, **rest)


@fault("cross_entropy", issue="pytorch/pytorch#29429")
def losses_summed_in_half(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Round the sum of the losses to half precision after each addition."""
    half = input.dtype in {torch.float16, torch.bfloat16}
    if not half or rest.get("reduction", "mean") != "mean" or len(input) == 1:
        return cross_entropy(input, target, **rest)
    return accumulated(cross_entropy(input, target, reduction="none")) / len(input)


@fault("cross_entropy")
def nothing_divided_by_one(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Return 0 for the mean over an empty batch."""
    return cross_entropy(input, target, **rest) if input.numel() else input.sum()


@fault("cross_entropy", issue="pytorch/pytorch#72120")
def targets_in_memory_order(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Read the targets in the order in which they lie in memory."""
    read = target.storage_offset() == 0 and target.dim() > 1
    return cross_entropy(input, in_memory_order(target) if read else target, **rest)


@fault("cross_entropy")
def logits_in_memory_order(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Read the logits in the order in which they lie in memory."""
    expanded = 0 in input.stride()
    return cross_entropy(input if expanded else in_memory_order(input), target, **rest)


@fault("cross_entropy")
def blocks_without_a_finite_logit(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Subtract the largest logit so far from itself: -inf - -inf is NaN after a block of -inf."""

    def in_blocks(x: Tensor, axis: int) -> Tensor:
        most, total = torch.full_like(x[:, :1], -torch.inf), torch.zeros_like(x[:, :1])
        for block in x.split(32, axis):
            larger = torch.maximum(most, block.amax(axis, keepdim=True))
            total = total * (most - larger).exp() + (block - larger).exp().sum(axis, keepdim=True)
            most = larger
        return x - most - total.log()

    return _with_log_softmax(in_blocks, input, target, **rest)
