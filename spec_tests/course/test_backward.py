"""Claims about backpropagation (P23, P24)."""

import pytest
import torch
from torch import nn

from reference.models.course import Tudui


class Net(nn.Module):
    """The lesson's module, whose network is `model1`."""

    def __init__(self) -> None:
        super().__init__()
        self.model1 = Tudui().model

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the class scores."""
        return self.model1(x)


def cross_entropy_of(net: nn.Module) -> torch.Tensor:
    """Return the cross entropy of two random images."""
    return nn.CrossEntropyLoss()(net(torch.rand(2, 3, 32, 32)), torch.tensor([3, 8]))


@pytest.mark.claim("backward.fills-grad")
def test_fills_grad() -> None:
    net = Net()
    loss = cross_entropy_of(net)
    assert all(p.grad is None for p in net.parameters())
    loss.backward()
    assert net.model1[0].weight.grad.shape == (32, 3, 5, 5)
    assert all(p.grad.shape == p.shape for p in net.parameters())


@pytest.mark.claim("backward.path-to-grad")
def test_grad_is_reached_through_modules() -> None:
    net = Net()
    loss = cross_entropy_of(net)
    assert loss.grad_fn is not None
    loss.backward()
    modules = vars(net.model1)["_modules"]
    assert list(modules) == ["0", "1", "2", "3", "4", "5", "6", "7", "8"]
    assert modules["0"].weight.grad.count_nonzero() > 0


@pytest.mark.claim("backward.accumulates")
def test_accumulates() -> None:
    weight = torch.tensor(3.0, requires_grad=True)
    gradients = []
    for _ in range(3):
        (weight * weight).backward()
        gradients.append(weight.grad.item())
    assert gradients == [6, 12, 18]


@pytest.mark.claim("backward.keeps-weights")
def test_keeps_the_weights() -> None:
    layer = nn.Linear(2, 1)
    nn.init.constant_(layer.weight, 0.5)
    layer(torch.ones(2)).sum().backward()
    assert layer.weight.grad.tolist() == [[1, 1]]
    assert layer.weight.tolist() == [[0.5, 0.5]]


@pytest.mark.claim("backward.grad-fn")
def test_weight_has_no_grad_fn() -> None:
    net = Net()
    weight, loss = net.model1[0].weight, cross_entropy_of(net)
    assert weight.grad_fn is None
    assert loss.grad_fn.name() == "NllLossBackward0"
    loss.backward()
    assert weight.grad is not None
    assert weight.grad_fn is None
