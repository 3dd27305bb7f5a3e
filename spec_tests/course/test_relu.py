"""Claims about ReLU and non-linearity (P20)."""

import inspect

import pytest
import torch
from torch import nn


def example() -> torch.Tensor:
    """Return a new copy of the lesson's input, because inplace=True overwrites it."""
    return torch.reshape(torch.tensor([[1, -0.5], [-1, 3]]), (-1, 1, 2, 2))


class Unlinear(nn.Module):
    """The module of the lesson's listing."""

    def __init__(self) -> None:
        super().__init__()
        self.relu1 = nn.ReLU(inplace=False)
        self.sigmoid1 = nn.Sigmoid()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Compute both activations of the input and return the second, as the listing does."""
        self.relu1(x)
        return self.sigmoid1(x)


@pytest.mark.claim("relu.example-shape")
def test_example_shape() -> None:
    assert str(example().shape) == "torch.Size([1, 1, 2, 2])"


@pytest.mark.claim("relu.sample-returns-sigmoid")
def test_sample_prints_the_sigmoid() -> None:
    printed = """\
tensor([[[[0.7311, 0.3775],
          [0.2689, 0.9526]]]])"""
    assert str(Unlinear()(example())) == printed


@pytest.mark.claim("relu.inplace-default")
def test_keeps_its_input_by_default() -> None:
    assert inspect.signature(nn.ReLU).parameters["inplace"].default is False
    inputs = example()
    assert nn.ReLU()(inputs).tolist() == [[[[1, 0], [0, 3]]]]
    assert inputs.tolist() == [[[[1, -0.5], [-1, 3]]]]


@pytest.mark.claim("relu.inplace-overwrites")
def test_inplace_overwrites_its_input() -> None:
    inputs = example()
    output = nn.ReLU(inplace=True)(inputs)
    assert inputs.tolist() == [[[[1, 0], [0, 3]]]]
    assert output is inputs


@pytest.mark.claim("relu.integers")
def test_takes_integers() -> None:
    output = nn.ReLU()(torch.arange(-5, 20).reshape(1, 1, 5, 5))
    assert output.dtype == torch.int64
    assert output.tolist() == [
        [
            [
                [0, 0, 0, 0, 0],
                [0, 1, 2, 3, 4],
                [5, 6, 7, 8, 9],
                [10, 11, 12, 13, 14],
                [15, 16, 17, 18, 19],
            ]
        ]
    ]


@pytest.mark.claim("relu.nonlinear")
@pytest.mark.parametrize("layer", [nn.ReLU(), nn.Sigmoid()])
def test_activations_are_not_linear(layer: nn.Module) -> None:
    a, b = torch.tensor(2.0), torch.tensor(-1.0)
    assert layer(a + b) != layer(a) + layer(b)
