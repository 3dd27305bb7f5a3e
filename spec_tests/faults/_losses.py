"""What the faults of the losses share."""

import torch
from torch import Tensor


def reduced(losses: Tensor, reduction: str = "mean") -> Tensor:
    """Return the losses for 'none', otherwise their sum or their mean."""
    if reduction not in {"none", "mean", "sum"}:
        raise ValueError(f"{reduction} is not a valid value for reduction")
    if reduction == "none":
        return losses
    return losses.sum() if reduction == "sum" else losses.mean()


class _GradientOf(torch.autograd.Function):
    """The first argument, with the gradient of the second."""

    @staticmethod
    def forward(_context: object, value: Tensor, _other: Tensor) -> Tensor:
        return value.clone()

    @staticmethod
    def backward(_context: object, *grad_outputs: Tensor) -> tuple[None, Tensor]:
        return None, grad_outputs[0]


def with_gradient_of(value: Tensor, other: Tensor) -> Tensor:
    """Return `value`, whose gradient is that of `other`, a tensor of the same shape."""
    return _GradientOf.apply(value.detach(), other) if other.requires_grad else value  # type: ignore[no-untyped-call]


def in_memory_order(tensor: Tensor) -> Tensor:
    """Return the elements in the order in which they lie in memory, from the first one on."""
    if tensor.is_contiguous():
        return tensor
    strides = torch.empty(tensor.shape, device="meta").stride()
    return tensor.as_strided(tensor.shape, strides)


def accumulated(values: Tensor) -> Tensor:
    """Return the sum of the values, rounded to their dtype after each addition."""
    total = values.new_zeros(())
    for value in values.flatten():
        total = total + value
    return total
