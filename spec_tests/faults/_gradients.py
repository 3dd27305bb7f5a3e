"""What the faults of gradients share."""

import torch
from torch import Tensor


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
