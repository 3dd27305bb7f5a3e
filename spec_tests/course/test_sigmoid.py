"""Claims about the sigmoid (P20)."""

import pytest
import torch
from torch import nn


@pytest.mark.claim("sigmoid.range")
def test_output_is_between_0_and_1() -> None:
    inputs = torch.arange(-10.0, 11.0)
    output = nn.Sigmoid()(inputs)
    assert output.min() > 0
    assert output.max() < 1
    assert torch.all(output.diff() > 0)


@pytest.mark.claim("sigmoid.saturates")
def test_saturates_in_float32() -> None:
    assert nn.Sigmoid()(torch.tensor([20.0, -104.0])).tolist() == [1.0, 0.0]


@pytest.mark.claim("sigmoid.pixel-range")
def test_pixel_values() -> None:
    pixels = torch.tensor([0.0, 0.5, 1.0])
    torch.testing.assert_close(
        nn.Sigmoid()(pixels), torch.tensor([0.5, 0.622459, 0.731059]), rtol=0, atol=5e-7
    )
