"""P17-P24: the reference's operators and torch's, at the shapes of the course's network."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn import functional as torch_functional

from benchmarks.conftest import parametrize_devices
from reference import functional

BATCH_SIZE = 16
SHAPES: dict[str, list[tuple[int, ...]]] = {
    "conv2d": [(BATCH_SIZE, 32, 16, 16), (32, 32, 5, 5), (32,)],
    "max_pool2d": [(BATCH_SIZE, 32, 32, 32)],
    "linear": [(BATCH_SIZE, 1024), (64, 1024), (64,)],
    "cross_entropy": [(BATCH_SIZE, 10), (BATCH_SIZE, 10)],  # the target: class probabilities
}
OPTIONS: dict[str, dict[str, int]] = {"conv2d": {"padding": 2}, "max_pool2d": {"kernel_size": 2}}


def find_operator(side: str, name: str) -> Callable[..., Tensor]:
    modules = {"torch": torch_functional, "reference": functional}
    function: Callable[..., Tensor] = getattr(modules[side], name)
    return function


@pytest.mark.parametrize("side", ["torch", "reference"])
@pytest.mark.parametrize("name", SHAPES)
@parametrize_devices
def test_operator(measure: Callable[..., None], device: str, name: str, side: str) -> None:
    torch.manual_seed(0)
    inputs = [torch.rand(shape, device=device) for shape in SHAPES[name]]
    options = OPTIONS.get(name, {})
    operator, torch_operator = find_operator(side, name), find_operator("torch", name)
    expected = torch_operator(*inputs, **options)
    # A sum of 1,024 products is off by about sqrt(1,024) = 32 roundings of 1.2e-7, in the
    # reference and in torch alike. TF32, torch's default for convolutions on CUDA, has 10 bits.
    rtol = 1e-3 if device == "cuda" else 1e-5
    actual = operator(*inputs, **options)
    torch.testing.assert_close(actual, expected, rtol=rtol, atol=1e-6)

    measure(
        lambda: operator(*inputs, **options),
        case=name,
        side=side,
        device=device,
        rounds=50,
        against=(lambda: torch_operator(*inputs, **options)) if side == "reference" else None,
    )
