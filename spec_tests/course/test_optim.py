"""Claims about optimizers (P24)."""

import inspect
import math
import warnings
from pathlib import Path

import pytest
import torch
from torch import nn, optim
from torch.utils.data import DataLoader
from torchvision.transforms import ToTensor

from reference.data.cifar10 import CIFAR10
from reference.data.loaders import ResidentLoader
from reference.models.course import Tudui
from spec_tests.harness.shown_errors import ShowsError


def parameter(value: float) -> torch.Tensor:
    """Return a parameter that an optimizer can update."""
    return torch.tensor(value, requires_grad=True)


@pytest.mark.claim("optim.zero-grad-zeros")
def test_zero_grad_sets_grad_to_none() -> None:
    weight = parameter(1.0)
    optimizer = optim.SGD([weight], lr=0.1)
    (weight * 2).backward()
    optimizer.zero_grad(set_to_none=False)
    assert weight.grad.item() == 0
    optimizer.zero_grad()
    assert weight.grad is None


@pytest.mark.claim("optim.step-sgd")
def test_step_subtracts_lr_times_the_gradient() -> None:
    weight = parameter(1.0)
    (weight * 2).backward()
    optim.SGD([weight], lr=0.25).step()
    assert weight.item() == 0.5  # 1 - 0.25 * 2


@pytest.mark.claim("optim.sgd-momentum")
def test_sgd_with_momentum() -> None:
    model = nn.Linear(2, 1)
    optimizer = optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    (group,) = optimizer.param_groups
    assert (group["lr"], group["momentum"]) == (0.01, 0.9)
    assert [p.shape for p in group["params"]] == [(1, 2), (1,)]


@pytest.mark.claim("optim.adam-list")
def test_adam_takes_a_list() -> None:
    var1, var2 = parameter(1.0), parameter(2.0)
    optimizer = optim.Adam([var1, var2], lr=0.0001)
    (3 * var1 - 5 * var2).backward()
    optimizer.step()  # Adam's first step is lr against the gradient's sign
    torch.testing.assert_close(var1.item(), 0.9999, rtol=0, atol=2e-7)
    torch.testing.assert_close(var2.item(), 2.0001, rtol=0, atol=4e-7)


@pytest.mark.claim("optim.sgd-positional-lr")
def test_sgd_lr_by_position() -> None:
    optimizer = optim.SGD(nn.Linear(2, 1).parameters(), 0.01)
    assert optimizer.param_groups[0]["lr"] == 0.01


@pytest.mark.claim("optim.parameters-called")
@pytest.mark.shows("optim.parameters-called")
def test_rejects_the_uncalled_method(shows_error: ShowsError) -> None:
    with shows_error("optim.parameters-called"):
        optim.SGD(nn.Linear(2, 1).parameters, lr=0.01)


@pytest.mark.claim("optim.zero-grad-place")
@pytest.mark.parametrize("place", ["top", "before backward"])
def test_zero_grad_may_be_in_either_place(place: str) -> None:
    weight = parameter(1.0)
    optimizer = optim.SGD([weight], lr=0.25)
    for _ in range(3):
        if place == "top":
            optimizer.zero_grad()
        loss = weight * weight
        if place == "before backward":
            optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert weight.item() == 0.125  # each step halves it


@pytest.mark.claim("optim.without-zero-grad")
def test_gradients_accumulate_without_zero_grad() -> None:
    weight = parameter(1.0)
    optimizer = optim.SGD([weight], lr=0.25)
    for _ in range(2):
        (weight * weight).backward()
        optimizer.step()
    assert weight.item() == -0.25  # 0.5 - 0.25 * (2 + 1); with zero_grad it is 0.25


@pytest.mark.claim("optim.cleared-before-step")
def test_zero_grad_before_step_prevents_learning() -> None:
    weight = parameter(1.0)
    optimizer = optim.SGD([weight], lr=0.25)
    (weight * weight).backward()
    optimizer.zero_grad()
    optimizer.step()
    assert weight.item() == 1


@pytest.mark.claim("optim.own-parameters")
def test_optimizer_of_another_network() -> None:
    trained, other = parameter(1.0), parameter(1.0)
    optimizer = optim.SGD([other], lr=0.25)
    for _ in range(2):
        optimizer.zero_grad()
        (trained * trained).backward()
        optimizer.step()
    assert (trained.item(), other.item()) == (1, 1)


@pytest.mark.claim("optim.lr-argument")
@pytest.mark.parametrize(
    "optimizer", [optim.SGD, optim.Adam, optim.AdamW, optim.RMSprop, optim.Adagrad]
)
def test_every_optimizer_has_lr(optimizer: type[optim.Optimizer]) -> None:
    assert "lr" in inspect.signature(optimizer).parameters


@pytest.mark.claim("optim.loss-falls", "optim.less-than-without")
def test_loss_falls_on_a_random_batch() -> None:
    torch.manual_seed(0)
    images, labels = torch.rand(16, 3, 32, 32), torch.randint(10, (16,))
    net, loss_fn = Tudui(), nn.CrossEntropyLoss()
    optimizer = optim.SGD(net.parameters(), lr=0.01)
    losses = []
    for _ in range(5):
        loss = loss_fn(net(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < losses[0]
    assert sum(losses) < 5 * losses[0]  # what five passes without an optimizer add up to


@pytest.mark.slow
@pytest.mark.data
@pytest.mark.claim("optim.loss-falls", "optim.less-than-without")
def test_summed_loss_falls_over_two_epochs(real_data: Path) -> None:
    torch.manual_seed(0)
    batches, net, loss_fn = (
        ResidentLoader(CIFAR10(real_data, train=False), 64),
        Tudui(),
        nn.CrossEntropyLoss(),
    )
    with torch.no_grad():
        sums = [sum(loss_fn(net(images), labels).item() for images, labels in batches)]
    optimizer = optim.SGD(net.parameters(), lr=0.01)
    for _ in range(2):
        sum_loss = 0.0
        for images, labels in batches:
            loss = loss_fn(net(images), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            sum_loss += loss.item()
        sums.append(sum_loss)
    without, first, second = sums
    assert without > first > second


@pytest.mark.claim("optim.sum-loss-is-tensor")
def test_summed_loss_is_a_tensor() -> None:
    weight = parameter(1.5)
    sum_loss = 0
    for _ in range(2):
        sum_loss += weight * 2
    assert str(sum_loss) == "tensor(6., grad_fn=<AddBackward0>)"
    assert sum_loss.grad_fn.next_functions[1][0].name() == "MulBackward0"
    assert repr(sum_loss.item()) == "6.0"


@pytest.mark.claim("optim.fstring-prints-number")
def test_summed_loss_in_an_f_string() -> None:
    sum_loss = parameter(1.5) * 2 + parameter(0.25)
    assert f"epoch0, sum loss = {sum_loss}" == "epoch0, sum loss = 3.25"


@pytest.mark.claim("optim.no-cuda-method")
@pytest.mark.shows("optim.no-cuda-method")
def test_optimizers_have_no_cuda_method(shows_error: ShowsError) -> None:
    for optimizer_class in (optim.SGD, optim.Adam):
        with shows_error("optim.no-cuda-method"):
            optimizer_class([parameter(1.0)], lr=0.01).cuda()


@pytest.mark.claim("optim.loop")
def test_loop_of_the_lesson() -> None:
    model, loss_fn = nn.Linear(1, 1, bias=False), nn.MSELoss()
    nn.init.zeros_(model.weight)
    dataset = [(torch.ones(1), torch.ones(1))] * 2
    optimizer = optim.SGD(model.parameters(), lr=0.25, momentum=0.5)
    for inputs, target in dataset:
        optimizer.zero_grad()
        output = model(inputs)
        loss = loss_fn(output, target)
        loss.backward()
        optimizer.step()
    assert model.weight.tolist() == [[1]]  # gradients -2 and -1, velocities -2 and -2


@pytest.mark.claim("optim.second-optimizer")
def test_second_assignment_replaces_the_first() -> None:
    def changes_weight(optimizer: optim.Optimizer) -> bool:
        before = model.weight.clone()
        for input, target in [(torch.ones(4, 2), torch.ones(4, 1))]:
            optimizer.zero_grad()
            nn.MSELoss()(model(input), target).backward()
            optimizer.step()
        return not torch.equal(before, model.weight)

    model = nn.Linear(2, 1)
    optimizer = optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    assert changes_weight(optimizer)
    optimizer = optim.Adam([parameter(1.0), parameter(2.0)], lr=0.0001)
    assert not changes_weight(optimizer)


@pytest.mark.claim("optim.loop-over-dataset")
@pytest.mark.shows("optim.loop-over-dataset")
def test_loop_over_a_dataset_lacks_the_batch_dimension(
    small_cifar10: Path, shows_error: ShowsError
) -> None:
    dataset, model, loss_fn = (
        CIFAR10(small_cifar10, transform=ToTensor()),
        Tudui(),
        nn.CrossEntropyLoss(),
    )
    image, target = next(iter(dataset))
    with pytest.raises(RuntimeError, match=r"shapes cannot be multiplied \(64x16 and 1024x64\)"):
        model(image)
    with shows_error("optim.loop-over-dataset"):
        loss_fn(torch.zeros(1, 10), target)
    images, targets = next(iter(DataLoader(dataset, batch_size=64)))
    assert loss_fn(model(images), targets).shape == ()


@pytest.mark.claim("optim.no-parameters", "optim.network-passed")
@pytest.mark.shows("optim.no-parameters", "optim.network-passed")
def test_what_an_optimizer_takes(shows_error: ShowsError) -> None:
    class Plain(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = [nn.Linear(2, 1)]

    with shows_error("optim.no-parameters"):
        optim.SGD(Plain().parameters(), lr=0.01)
    for network in (Tudui(), parameter(1.0), [Tudui()]):
        with shows_error("optim.network-passed"):
            optim.SGD(network, lr=0.01)


@pytest.mark.claim("optim.scheduler-order")
@pytest.mark.shows("optim.scheduler-order")
def test_scheduler_comes_after_the_optimizer(shows_error: ShowsError) -> None:
    optimizer = optim.SGD([parameter(1.0)], lr=1.0)
    scheduler = optim.lr_scheduler.StepLR(optimizer, step_size=1)
    with warnings.catch_warnings(action="error"), shows_error("optim.scheduler-order"):
        scheduler.step()
    optimizer.step()
    scheduler.step()
    assert optimizer.param_groups[0]["lr"] < 1


@pytest.mark.claim("optim.loss-nan")
@pytest.mark.parametrize(("lr", "finite"), [(0.01, True), (1e20, False)])
def test_learning_rate_that_is_too_large(lr: float, finite: bool) -> None:  # noqa: FBT001
    layer = nn.Linear(2, 1)
    optimizer = torch.optim.SGD(layer.parameters(), lr=lr)
    inputs = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    losses = []
    for _ in range(5):
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(layer(inputs), torch.tensor([[1.0], [2.0]]))
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert math.isfinite(losses[-1]) == finite
    assert math.isnan(losses[-1]) != finite
