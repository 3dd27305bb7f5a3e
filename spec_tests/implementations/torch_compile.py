"""PyTorch, with each operator compiled."""

from typing import Any

import torch

from spec_tests.implementations import Implementation, Operator
from spec_tests.implementations._tensors import TensorAdapter
from spec_tests.implementations.torch import TENSOR_FUNCTIONS


def _compiled(function: Operator) -> Operator:
    """Compile at each call: after a few shapes torch would fall back to eager mode."""

    def call(**arguments: Any) -> torch.Tensor | tuple[torch.Tensor, ...]:
        torch.compiler.reset()
        return torch.compile(function)(**arguments)

    return call


_ADAPTER = TensorAdapter({n: _compiled(f) for n, f in TENSOR_FUNCTIONS.items()}, torch.optim)

IMPLEMENTATION = Implementation(
    name="torch.compile",
    functions=_ADAPTER.functions(),
    description=f"torch.compile of torch {torch.__version__}",
    library_errors=(RuntimeError,),  # the compiler wraps the errors it meets while it traces
    use=_ADAPTER.use,
)
