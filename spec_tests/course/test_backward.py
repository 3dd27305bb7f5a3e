"""Claims about backpropagation (P23, P24)."""

import pytest
import torch
from torch import nn

from reference.models.course import Tudui
from spec_tests.harness.shown_errors import ShowsError


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


@pytest.mark.claim("backward.twice")
@pytest.mark.shows("backward.twice")
def test_second_backward_fails(shows_error: ShowsError) -> None:
    loss = cross_entropy_of(Net())
    loss.backward()
    with shows_error("backward.twice"):
        loss.backward()


@pytest.mark.claim("backward.scalar-only")
@pytest.mark.shows("backward.scalar-only")
def test_backward_of_several_losses_fails(shows_error: ShowsError) -> None:
    losses = nn.CrossEntropyLoss(reduction="none")(Net()(torch.rand(2, 3, 32, 32)), torch.arange(2))
    with shows_error("backward.scalar-only"):
        losses.backward()
    losses.mean().backward()


@pytest.mark.claim("backward.to-numpy")
@pytest.mark.shows("backward.to-numpy")
def test_array_of_a_tensor_with_gradients(shows_error: ShowsError) -> None:
    output = Net()(torch.rand(1, 3, 32, 32))
    with shows_error("backward.to-numpy"):
        output.numpy()
    assert output.detach().numpy().shape == (1, 10)


@pytest.mark.claim("backward.item-first")
@pytest.mark.shows("backward.item-first")
def test_number_has_no_backward(shows_error: ShowsError) -> None:
    with shows_error("backward.item-first"):
        cross_entropy_of(Net()).item().backward()


@pytest.mark.claim("backward.in-place")
@pytest.mark.shows("backward.in-place")
def test_changes_in_place(shows_error: ShowsError) -> None:
    weight = torch.ones(2, requires_grad=True)
    with shows_error("backward.in-place"):
        weight += 1
    output = torch.sigmoid(weight)
    output += 1
    with shows_error("backward.in-place"):
        output.sum().backward()
    (torch.sigmoid(weight) + 1).sum().backward()


@pytest.mark.claim("backward.parentheses")
@pytest.mark.shows("backward.parentheses")
def test_methods_need_parentheses(shows_error: ShowsError) -> None:
    weight = torch.tensor(1.0, requires_grad=True)
    loss = weight * 2
    assert callable(loss.backward)
    assert weight.grad is None
    running_loss = 0.0
    with shows_error("backward.parentheses"):
        running_loss += loss.item
    loss.backward()
    assert weight.grad == 2
