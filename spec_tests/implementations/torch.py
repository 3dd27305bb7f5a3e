"""PyTorch, operator by operator."""

from types import SimpleNamespace
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from spec_tests.implementations import _tensors

DESCRIPTION = f"torch {torch.__version__}"
WHERE = SimpleNamespace(device="cpu")


def _conv2d(
    input: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor | None = None,
    *,
    padding_mode: str = "zeros",
    **geometry: Any,
) -> torch.Tensor:
    """Convolve; a padding mode is an option of torch's module only."""
    if padding_mode == "zeros":
        return functional.conv2d(input, weight, bias, **geometry)
    channels = weight.shape[1] * geometry.get("groups", 1)
    options = geometry | {"bias": False, "padding_mode": padding_mode, "device": "meta"}
    layer = nn.Conv2d(channels, len(weight), weight.shape[2:], **options)
    output = torch.func.functional_call(layer, {"weight": weight}, input)
    return output if bias is None else output + bias[:, None, None]


FUNCTIONS = {
    "adaptive_avg_pool2d": functional.adaptive_avg_pool2d,
    "avg_pool2d": functional.avg_pool2d,
    "batch_norm": functional.batch_norm,
    "conv2d": _conv2d,
    "cross_entropy": functional.cross_entropy,
    "dropout": functional.dropout,
    "flatten": torch.flatten,
    "l1_loss": functional.l1_loss,
    "linear": functional.linear,
    "max_pool2d": functional.max_pool2d,
    "mse_loss": functional.mse_loss,
    "relu": functional.relu,
    "sigmoid": torch.sigmoid,
}


def use(device: str) -> None:
    """Move the adapter to a device that torch can compute on."""
    try:
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError, ImportError) as error:
        there = ["cpu"]
        if torch.accelerator.is_available():
            kind = torch.accelerator.current_accelerator().type
            there += [f"{kind}:{i}" for i in range(torch.accelerator.device_count())]
        raise ValueError(f"no device {device!r} here, only {', '.join(there)}") from error
    WHERE.device = device


globals().update(_tensors.adapter(FUNCTIONS, torch.optim, WHERE))
