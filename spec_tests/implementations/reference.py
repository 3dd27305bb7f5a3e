"""The definitions of `reference`."""

from reference import functional, optim
from spec_tests.implementations import Implementation
from spec_tests.implementations._tensors import TensorAdapter
from spec_tests.implementations.torch import TENSOR_FUNCTIONS

IMPLEMENTATION = Implementation(
    name="reference",
    functions=TensorAdapter(
        {name: getattr(functional, name) for name in TENSOR_FUNCTIONS}, optim
    ).functions(),
    description="reference",
    torch_messages=True,
)
