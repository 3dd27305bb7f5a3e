"""Numbers as less exact hardware has them."""

from collections.abc import Iterator

import torch
from torch import Tensor

HALF = (torch.float16, torch.bfloat16)


def to_tf32(values: Tensor) -> Tensor:
    """Round float32 to the 11 bits of TF32; return other dtypes unchanged."""
    if values.dtype != torch.float32:
        return values
    scaled = values * (2**13 + 1)  # Veltkamp's splitting
    rounded = scaled - (scaled - values)
    return torch.where(rounded.isfinite(), rounded, values)


def to_bfloat16(values: Tensor) -> Tensor:
    """Round float32 to bfloat16; return other dtypes unchanged."""
    return values.bfloat16().float() if values.dtype == torch.float32 else values


def through_float32(values: Tensor) -> Tensor:
    """Round float64 to float32; return other dtypes unchanged."""
    return values.float().double() if values.dtype == torch.float64 else values


def sums_in_dtype(left: Tensor, right: Tensor, lanes: int = 1) -> Tensor:
    """Return the matrix product (M, K) (K, N), each sum rounded to the dtype.

    The terms are added one by one to as many partial sums as there are lanes.
    """
    totals = [left.new_zeros(len(left), right.shape[1]) for _ in range(lanes)]
    for i, (column, row) in enumerate(_outer(left, right)):
        totals[i % lanes] = totals[i % lanes] + column[:, None] * row
    result = totals[0]
    for total in totals[1:]:
        result = result + total
    return result


def _outer(left: Tensor, right: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    return zip(left.unbind(1), right.unbind(0), strict=True)
