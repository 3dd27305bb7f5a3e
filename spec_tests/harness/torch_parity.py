"""Compare the definitions of `reference.functional` with torch: values, gradients, errors."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from packaging.version import Version
from torch import Tensor
from torch.nn import functional

from reference import functional as reference

TORCH = SimpleNamespace(**vars(functional), flatten=torch.flatten)

# An output sums at most 100 products, a gradient at most 500, each below 10: the rounding of
# float64 (2.2e-16 for each term) stays below 10 * 500 * 2.2e-16 = 1.1e-12.
FLOAT64: dict[str, Any] = {"rtol": 1.1e-12, "atol": 1.1e-12}
EXACT = {"rtol": 0.0, "atol": 0.0}

Options = dict[str, Any]

# A function that calls an implementation with invalid arguments; the words that the message must
# contain; and, if older versions of torch do not raise the same error, the first that does.
Call = Callable[[Any], object]
Refused = tuple[Call, tuple[str, ...]] | tuple[Call, tuple[str, ...], str]


def draw(*shape: int, seed: int = 0) -> Tensor:
    """Return normally distributed float64 numbers, the same for the same seed."""
    return torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def ones(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.ones(shape, dtype=dtype)


def value_and_gradients(operator: Callable[..., Any], *tensors: Tensor) -> tuple[Tensor, ...]:
    """Return an operator's output, and the gradients of a weighted sum of it for each tensor."""
    leaves = [tensor.detach().clone().requires_grad_() for tensor in tensors]
    output = operator(*leaves)
    # Uneven weights: a gradient that went to the wrong element would not show in a plain sum.
    gradients = torch.autograd.grad(output, leaves, draw(*output.shape, seed=99))
    return (output.detach(), *gradients)


def assert_same(
    ours: Callable[..., Any], theirs: Callable[..., Any], *tensors: Tensor, **options: object
) -> None:
    """Compare the outputs and all gradients of two operators on the same tensors."""
    torch.testing.assert_close(
        value_and_gradients(lambda *leaves: ours(*leaves, **options), *tensors),
        value_and_gradients(lambda *leaves: theirs(*leaves, **options), *tensors),
        **FLOAT64,
    )


def since(version: str) -> pytest.MarkDecorator:
    """Return a mark for a test that must pass from a version of torch on, and fail before it."""
    older = Version(torch.__version__).release < Version(version).release
    return pytest.mark.xfail(older, reason=f"only since torch {version}")


def refused_params(refused: dict[str, Refused]) -> list[Any]:
    """Return the calls as pytest's parameters, marked if they need a newer version of torch."""
    return [
        pytest.param(call, words, id=name, marks=[since(version) for version in versions])
        for name, (call, words, *versions) in refused.items()
    ]


def assert_same_error(call: Call, words: tuple[str, ...]) -> None:
    """Assert that the reference raises the same exception as torch, with a message of `words`."""
    with pytest.raises((RuntimeError, ValueError, IndexError, TypeError)) as theirs:
        call(TORCH)
    with pytest.raises(theirs.type) as ours:
        call(reference)
    assert ours.type is theirs.type
    assert [word for word in words if word not in str(ours.value)] == []
