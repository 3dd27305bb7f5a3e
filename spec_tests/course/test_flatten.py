"""Claims about torch.flatten and nn.Flatten (P21)."""

import pytest
import torch
from torch import nn


@pytest.mark.claim("flatten.defaults")
def test_defaults() -> None:
    inputs = torch.arange(8).reshape(2, 2, 2)
    assert torch.flatten(inputs).tolist() == [0, 1, 2, 3, 4, 5, 6, 7]
    by_name = torch.flatten(input=inputs, start_dim=0, end_dim=-1)
    assert by_name.tolist() == [0, 1, 2, 3, 4, 5, 6, 7]


@pytest.mark.claim("flatten.range-of-dims")
def test_range_of_dimensions() -> None:
    inputs = torch.zeros(2, 3, 4, 5)
    assert torch.flatten(inputs, start_dim=1, end_dim=2).shape == (2, 12, 5)


@pytest.mark.claim("flatten.one-row")
def test_result_is_one_row() -> None:
    assert torch.flatten(torch.tensor([[1, 2], [3, 4]])).tolist() == [1, 2, 3, 4]


@pytest.mark.claim("flatten.layer-printed")
def test_layer_keeps_the_batch() -> None:
    layer = nn.Flatten()
    assert str(layer) == "Flatten(start_dim=1, end_dim=-1)"
    assert layer(torch.zeros(64, 64, 4, 4)).shape == (64, 1024)
