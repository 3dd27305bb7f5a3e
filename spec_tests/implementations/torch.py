"""PyTorch."""

from typing import Any

import torch
from torch import nn
from torch.nn import functional

from spec_tests.implementations import Implementation, Operator
from spec_tests.implementations._tensors import TensorAdapter


def _conv2d(
    input: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor | None = None,
    *,
    padding_mode: str = "zeros",
    **geometry: Any,
) -> torch.Tensor:
    """Convolve; only torch's module has a padding mode."""
    if padding_mode == "zeros":
        return functional.conv2d(input, weight, bias, **geometry)
    channels = weight.shape[1] * geometry.get("groups", 1)
    options = geometry | {"bias": False, "padding_mode": padding_mode, "device": "meta"}
    height, width = weight.shape[2:]
    layer = nn.Conv2d(channels, len(weight), (height, width), **options)
    output = torch.func.functional_call(layer, {"weight": weight}, input)
    return output if bias is None else output + bias[:, None, None]


TENSOR_FUNCTIONS: dict[str, Operator] = {
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

_ADAPTER = TensorAdapter(TENSOR_FUNCTIONS, torch.optim)

IMPLEMENTATION = Implementation(
    name="torch",
    functions=_ADAPTER.functions(),
    description=f"torch {torch.__version__}",
    use=_ADAPTER.use,
    torch_messages=True,
)
