"""Argument checks that several operators share."""

from torch import Tensor


def check_planes(operator: str, input: Tensor) -> None:
    """Raise a RuntimeError that names the operator unless input is (N, C, H, W) or (C, H, W)."""
    if input.ndim not in (3, 4):
        raise RuntimeError(
            f"{operator}: input must be (N, C, H, W) or (C, H, W), got input "
            f"{tuple(input.shape)}: reshape it, for one image to (1, C, H, W)"
        )


def check_not_empty(operator: str, input: Tensor, axes: int) -> None:
    """Raise a RuntimeError that names the operator if one of input's last axes has length 0."""
    if 0 in input.shape[-axes:]:
        raise RuntimeError(
            f"{operator}: the last {axes} axes of input must not be empty, got input "
            f"{tuple(input.shape)}: only a batch may have length 0"
        )


def check_dtypes(input: Tensor, **tensors: Tensor | None) -> None:
    """Raise a RuntimeError that names the first tensor whose dtype differs from the input's."""
    for name, tensor in tensors.items():
        if tensor is not None and tensor.dtype != input.dtype:
            raise RuntimeError(
                f"{name} must have input's dtype {input.dtype}, got {tensor.dtype}: convert one "
                "of them with .to(dtype)"
            )
