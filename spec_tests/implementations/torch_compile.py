"""PyTorch, with each operator compiled."""

from collections.abc import Callable
from typing import Any

import torch

from spec_tests.implementations import _tensors
from spec_tests.implementations.torch import FUNCTIONS, WHERE, use

__all__ = ["DESCRIPTION", "LIBRARY_ERRORS", "use"]

DESCRIPTION = f"torch.compile of torch {torch.__version__}"
LIBRARY_ERRORS = (RuntimeError,)  # the compiler wraps what it meets while it traces


def _compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile afresh at each call: after a few shapes torch would fall back to eager mode."""

    def call(**arguments: Any) -> torch.Tensor | tuple[torch.Tensor, ...]:
        torch.compiler.reset()
        return torch.compile(function)(**arguments)

    return call


globals().update(
    _tensors.adapter({name: _compiled(f) for name, f in FUNCTIONS.items()}, torch.optim, WHERE)
)
