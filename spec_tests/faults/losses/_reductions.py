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
