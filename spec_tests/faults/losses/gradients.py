"""Faults of the losses whose values are right and whose gradients are not."""

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, l1_loss, mse_loss

from spec_tests.faults import fault
from spec_tests.faults._gradients import with_gradient_of
from spec_tests.faults.losses._reductions import in_memory_order, reduced


@fault("l1_loss", issue="pytorch/pytorch#7172")
def gradient_of_one_at_zero(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Use 1 as the derivative of the absolute value at 0."""
    loss, difference = l1_loss(input, target, **rest), input - target
    absolute = torch.where(difference >= 0, difference, -difference)
    return with_gradient_of(loss, reduced(absolute, **rest)) if loss.requires_grad else loss


@fault("l1_loss")
def l1_target_is_constant(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Return a gradient of 0 for the target."""
    if not target.requires_grad:
        return l1_loss(input, target, **rest)
    return l1_loss(input, target.detach(), **rest) + 0 * target.sum()


@fault("l1_loss")
def target_gradient_not_negated(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Return the input's gradient for the target."""
    loss = l1_loss(input, target, **rest)
    return with_gradient_of(loss, -loss) if target.requires_grad else loss


@fault("l1_loss")
def l1_gradient_always_divided(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Divide the gradient by the number of elements for every reduction."""
    loss = l1_loss(input, target, **rest)
    divided = rest.get("reduction", "mean") == "mean" or not loss.requires_grad
    return loss if divided else with_gradient_of(loss, loss / input.numel())


@fault("l1_loss")
def gradient_in_float32(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Compute the gradient in float32 for float64 inputs."""
    loss = l1_loss(input, target, **rest)
    if loss.dtype is not torch.float64 or not loss.requires_grad:
        return loss
    return with_gradient_of(loss, l1_loss(input, target, **rest).float().double())


@fault("l1_loss")
def gradient_of_first_repetition(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Return the gradient of the first repetition only where the input was broadcast."""
    loss = l1_loss(input, target, **rest)
    if input.shape == target.shape or not input.requires_grad:
        return loss
    once = input.expand(torch.broadcast_shapes(input.shape, target.shape)).detach().clone()
    once[..., :1] = input[..., :1]
    return with_gradient_of(loss, l1_loss(once, target.expand(once.shape), **rest))


@fault("mse_loss", issue="flagos-ai/FlagGems#5212")
def only_first_element_has_grad_output(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Read grad_output of a sum or a mean beyond its only element, where 0 lies."""
    loss = mse_loss(input, target, **rest)
    if rest.get("reduction", "mean") == "none" or not input.requires_grad:
        return loss
    first = input.detach().clone()
    first.view(-1)[:1] = input.flatten()[:1]
    return with_gradient_of(loss, mse_loss(first, target, **rest))


@fault("mse_loss")
def mse_target_is_constant(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Return a gradient of 0 for the target."""
    if not target.requires_grad:
        return mse_loss(input, target, **rest)
    return mse_loss(input, target.detach(), **rest) + 0 * target.sum()


@fault("mse_loss")
def mse_sum_gradient_divided(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Divide the gradient of the sum by the number of elements."""
    loss = mse_loss(input, target, **rest)
    if rest.get("reduction") != "sum" or not loss.requires_grad:
        return loss
    return with_gradient_of(loss, mse_loss(input, target))


@fault("mse_loss")
def gradient_from_overflowing_square(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Compute the gradient of the square through float16, where the square overflows."""
    loss = mse_loss(input, target, **rest)
    if loss.dtype is not torch.float16 or not loss.requires_grad:
        return loss
    gradient = (2 * (input - target) ** 2 / (input - target).clamp(min=1e-3)).detach()
    return with_gradient_of(loss, reduced(gradient * input, **rest))


@fault("mse_loss")
def gradient_in_memory_order(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Compute the gradient of the input as it lies in memory."""
    loss = mse_loss(input, target, **rest)
    if input.is_contiguous() or not input.requires_grad:
        return loss
    difference = in_memory_order(input.detach()) - in_memory_order(target.detach())
    return with_gradient_of(loss, reduced(2 * difference * input, **rest))


@fault("cross_entropy", issue="microsoft/DirectML#739")
def no_gradient_without_reduction(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Return a gradient of 0 for reduction='none'."""
    loss = cross_entropy(input, target, **rest)
    if rest.get("reduction") != "none" or not loss.requires_grad:
        return loss
    return with_gradient_of(loss, loss.detach() + 0 * (input.sum() + target.sum()))


@fault("cross_entropy", issue="paiml/aprender#2182")
def sum_gradient_divided_by_batch(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Divide the gradient by the batch size, whatever the reduction."""
    loss = cross_entropy(input, target, **rest)
    if rest.get("reduction", "mean") == "mean" or not loss.requires_grad:
        return loss
    return with_gradient_of(loss, loss / len(input))


@fault("cross_entropy")
def first_grad_output_for_all(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Use the first sample's grad_output for all samples."""
    loss = cross_entropy(input, target, **rest)
    if rest.get("reduction") != "none" or not loss.requires_grad or loss.dim() != 1:
        return loss
    other = torch.cat([loss.sum()[None], loss[1:].detach()])
    return with_gradient_of(loss, other)


@fault("cross_entropy", issue="kvark/meganeura#102")
def softmax_minus_probabilities(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Return softmax minus target, also where the probabilities do not add up to 1."""
    loss = cross_entropy(input, target, **rest)
    if not target.is_floating_point() or not input.requires_grad or rest:
        return loss
    return with_gradient_of(loss, ((input.softmax(1) - target).detach() * input).sum() / len(input))


@fault("cross_entropy")
def ignored_samples_have_a_gradient(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Return softmax as the gradient of an ignored sample."""
    loss = cross_entropy(input, target, **rest)
    ignored = target == rest.get("ignore_index", -100)
    if target.is_floating_point() or not loss.requires_grad or not ignored.any():
        return loss
    extra = (input.softmax(1).detach() * input)[ignored].sum()
    return with_gradient_of(loss, loss + extra)


@fault("cross_entropy")
def weight_missing_in_gradient(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Leave the class weights out of the gradient."""
    loss = cross_entropy(input, target, **rest)
    if rest.get("weight") is None or not loss.requires_grad:
        return loss
    return with_gradient_of(loss, cross_entropy(input, target, **rest | {"weight": None}))


@fault("cross_entropy")
def smoothing_missing_in_gradient(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Leave label_smoothing out of the gradient."""
    loss = cross_entropy(input, target, **rest)
    if not rest.get("label_smoothing") or not loss.requires_grad:
        return loss
    return with_gradient_of(loss, cross_entropy(input, target, **rest | {"label_smoothing": 0.0}))


@fault("cross_entropy", issue="google-deepmind/optax#1762")
def gradient_of_minus_infinity_is_nan(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Return NaN as the gradient of a logit of -inf."""
    loss = cross_entropy(input, target, **rest)
    if not input.requires_grad or loss.dim():
        return loss
    return with_gradient_of(loss, loss + (0 * input.detach() * input).sum())


@fault("cross_entropy")
def gradient_from_exp(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Compute the softmax of the gradient without subtracting the maximum."""
    loss = cross_entropy(input, target, **rest)
    if target.is_floating_point() or not input.requires_grad or rest.get("reduction") != "sum":
        return loss
    softmax = input.exp() / input.exp().sum(1, keepdim=True)
    one_hot = torch.nn.functional.one_hot(target, input.shape[1])
    return with_gradient_of(loss, ((softmax - one_hot).detach() * input).sum())


@fault("cross_entropy")
def probabilities_have_no_gradient(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Return a gradient of 0 for target probabilities."""
    if not target.requires_grad:
        return cross_entropy(input, target, **rest)
    return cross_entropy(input, target.detach(), **rest) + 0 * target.sum()


@fault("mse_loss")
def mean_gradient_divided_by_rows(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Divide the gradient of the mean by the number of rows."""
    loss = mse_loss(input, target, **rest)
    if rest.get("reduction", "mean") != "mean" or input.dim() < 2 or not loss.requires_grad:
        return loss
    return with_gradient_of(loss, loss * (input.numel() / len(input)))


@fault("cross_entropy")
def gradient_of_half_from_exp(input: Tensor, target: Tensor, **rest: Any) -> Tensor:
    """Compute the softmax of float16 gradients without subtracting the maximum."""
    if input.dtype is not torch.float16:
        return cross_entropy(input, target, **rest)
    return gradient_from_exp(input, target, **rest)
