"""Arrays as they look to code that ignores their strides."""

import torch
from torch import Tensor


def as_if_contiguous(values: Tensor) -> Tensor:
    """Return the elements in the order of the memory, ignoring the strides."""
    order = sorted(range(values.dim()), key=values.stride, reverse=True)
    return values.permute(order).reshape(values.shape)


def as_if_dense(values: Tensor) -> Tensor:
    """Return as many elements as there are, one after the other in memory."""
    strides = torch.empty(values.shape).stride()
    needed = values.numel() * values.element_size()
    fits = values.untyped_storage().nbytes() >= needed
    return values.as_strided(values.shape, strides) if fits else values
