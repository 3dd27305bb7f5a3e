"""P17-P24: the definitions against torch's operators, at the shapes of the course's network."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn import functional as torch_functional

from benchmarks.conftest import each_device
from reference import functional
from reference.functional import losses

BATCH = 16
SHAPES = {
    "conv2d": [(BATCH, 32, 16, 16), (32, 32, 5, 5), (32,)],
    "max_pool2d": [(BATCH, 32, 32, 32)],
    "linear": [(BATCH, 1024), (64, 1024), (64,)],
    "cross_entropy": [(BATCH, 10), (BATCH, 10)],  # of probabilities
}
OPTIONS = {"conv2d": {"padding": 2}, "max_pool2d": {"kernel_size": 2}}


def operator(side: str, name: str) -> Callable[..., Tensor]:
    if side == "torch":
        return getattr(torch_functional, name)
    return getattr(functional if hasattr(functional, name) else losses, name)


@pytest.mark.parametrize("side", ["torch", "reference"])
@pytest.mark.parametrize("name", SHAPES)
@each_device
def test_operator(measure: Callable[..., None], device: str, name: str, side: str) -> None:
    torch.manual_seed(0)
    inputs = [torch.rand(shape, device=device) for shape in SHAPES[name]]
    options = OPTIONS.get(name, {})
    expected = operator("torch", name)(*inputs, **options)
    # Sums of up to 1,024 products: 32 units of float32's 1.2e-7, and as much for torch's own;
    # TF32, which torch takes on CUDA, has 10 bits.
    rtol = 1e-3 if device == "cuda" else 1e-5
    found = operator(side, name)(*inputs, **options)
    torch.testing.assert_close(found, expected, rtol=rtol, atol=1e-6)

    measure(
        lambda: operator(side, name)(*inputs, **options),
        case=name,
        side=side,
        device=device,
        rounds=50,
        against=(lambda: operator("torch", name)(*inputs, **options))
        if side == "reference"
        else None,
    )
