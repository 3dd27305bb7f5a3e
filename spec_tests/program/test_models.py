"""P16-P22: the small modules, and the CIFAR-10 network in two forms."""

import torch
from torch import nn

from reference.models.course import (
    AddOne,
    Convolution,
    MaxPool,
    OneLinear,
    Rectifier,
    Squash,
    Tudui,
    TuduiByLayer,
)


def test_module_that_adds_one() -> None:
    assert AddOne()(torch.tensor([[1, -1]])).tolist() == [[2, 0]]


def test_module_of_one_convolution() -> None:
    module = Convolution()
    nn.init.ones_(module.conv1.weight)
    nn.init.zeros_(module.conv1.bias)
    features = module(torch.ones(2, 3, 5, 6))
    assert features.shape == (2, 6, 3, 4)
    torch.testing.assert_close(features, torch.full((2, 6, 3, 4), 27.0), rtol=1e-6, atol=0)


def test_module_of_one_max_pool() -> None:
    images = torch.arange(25.0).reshape(1, 1, 5, 5)
    assert MaxPool()(images).tolist() == [[[[12]]]]
    assert MaxPool(ceil_mode=True)(images).tolist() == [[[[12, 14], [22, 24]]]]


def test_module_of_one_activation() -> None:
    values = torch.tensor([[1.0, -0.5], [-1.0, 3.0]])
    assert Rectifier()(values).tolist() == [[1, 0], [0, 3]]
    squashed = torch.tensor([[0.7310586, 0.3775407], [0.2689414, 0.9525741]])
    torch.testing.assert_close(Squash()(values), squashed, rtol=1e-6, atol=0)
    assert values.tolist() == [[1, -0.5], [-1, 3]]


def test_module_of_one_linear_layer_takes_a_flattened_batch() -> None:
    assert OneLinear()(torch.ones(1, 1, 1, 196_608)).shape == (1, 1, 1, 10)


def test_sequential_and_layer_by_layer_are_the_same_network() -> None:
    networks = []
    for network in (Tudui, TuduiByLayer):
        torch.manual_seed(0)
        networks.append(network())
    sequential, by_layer = networks
    for ours, theirs in zip(sequential.parameters(), by_layer.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=0)
    images = torch.rand(2, 3, 32, 32)
    torch.testing.assert_close(sequential(images), by_layer(images), rtol=0, atol=0)


def test_sequential_state_fits_the_network_layer_by_layer() -> None:
    sequential, by_layer = Tudui(), TuduiByLayer()
    names = dict(zip(sequential.state_dict(), by_layer.state_dict(), strict=True))
    assert names["model.4.bias"] == "conv3.bias"
    assert names["model.8.weight"] == "linear2.weight"
    by_layer.load_state_dict({names[key]: value for key, value in sequential.state_dict().items()})
    images = torch.rand(2, 3, 32, 32)
    torch.testing.assert_close(sequential(images), by_layer(images), rtol=0, atol=0)
