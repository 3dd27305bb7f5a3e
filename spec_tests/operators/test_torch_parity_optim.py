"""The update rules of `reference.optim` against torch.optim, 20 steps in float64."""

from collections.abc import Iterator
from copy import deepcopy
from itertools import product
from typing import Any

import pytest
import torch
from torch import Tensor

from reference import optim as reference

# 20 steps of at most ten operations on numbers below 10: 200 * 2.2e-16 * 10 = 4.4e-13.
FLOAT64 = {"rtol": 4.4e-13, "atol": 4.4e-13}
EXACT = {"rtol": 0.0, "atol": 0.0}

Options = dict[str, Any]


def sgd_options() -> Iterator[Options]:
    """Yield every combination of SGD's options that torch allows."""
    for momentum, dampening, weight_decay, nesterov, maximize in product(
        (0, 0.9), (0, 0.3), (0, 0.1), (False, True), (False, True)
    ):
        if not nesterov or (momentum and not dampening):
            yield {
                "lr": 0.05,
                "momentum": momentum,
                "dampening": dampening,
                "weight_decay": weight_decay,
                "nesterov": nesterov,
                "maximize": maximize,
            }


def adam_options() -> Iterator[Options]:
    """Yield every combination of Adam's options, with values other than its defaults."""
    for betas, eps, weight_decay, amsgrad, maximize in product(
        ((0.9, 0.999), (0.5, 0.7), (0.0, 0.0)), (1e-8, 0.1), (0, 0.1), (False, True), (False, True)
    ):
        yield {
            "lr": 0.05,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "amsgrad": amsgrad,
            "maximize": maximize,
        }


CASES = [("SGD", options) for options in sgd_options()]
CASES += [("Adam", options) for options in adam_options()]


def name(value: object) -> str:
    if isinstance(value, dict):
        return ",".join(f"{key}={option}" for key, option in value.items() if key != "lr")
    return str(value)


def parameters() -> list[Tensor]:
    return [torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64).requires_grad_() for _ in range(2)]


def loss_of(params: list[Tensor], step: int) -> Tensor:
    """Return a quadratic loss that moves with the step; every second step has both parameters."""
    quadratic = ((params[0] - step * 0.1) ** 2 * torch.tensor([3.0, 1.0, 0.1])).sum()
    return quadratic + (params[1].cos().sum() if step % 2 else 0)


def optimize(optimizer: torch.optim.Optimizer, params: list[Tensor], steps: range) -> list[Tensor]:
    """Run an optimizer, and return the parameters after each step."""
    trajectory = []
    for step in steps:
        optimizer.zero_grad()
        loss_of(params, step).backward()
        optimizer.step()
        trajectory.append(torch.cat(params).detach())
    return trajectory


@pytest.mark.parametrize(("rule", "options"), CASES, ids=name)
def test_twenty_steps(rule: str, options: Options) -> None:
    ours, theirs = parameters(), parameters()
    trajectory = optimize(getattr(reference, rule)(ours, **options), ours, range(20))
    expected = optimize(getattr(torch.optim, rule)(theirs, **options), theirs, range(20))
    torch.testing.assert_close(trajectory, expected, **FLOAT64)


@pytest.mark.parametrize("rule", ["SGD", "Adam"])
def test_defaults(rule: str) -> None:
    ours = getattr(reference, rule)(parameters()).defaults
    assert ours.items() <= getattr(torch.optim, rule)(parameters()).defaults.items()


@pytest.mark.parametrize("rule", ["SGD", "Adam"])
def test_groups_have_separate_options(rule: str) -> None:
    trajectories = []
    for module in (reference, torch.optim):
        params = parameters()
        groups = [{"params": params[:1]}, {"params": params[1:], "lr": 0.5, "weight_decay": 0.2}]
        trajectories.append(optimize(getattr(module, rule)(groups, lr=0.01), params, range(5)))
    torch.testing.assert_close(*trajectories, **FLOAT64)


STATEFUL = [
    ("SGD", {"momentum": 0.9, "dampening": 0.3}),
    ("Adam", {"amsgrad": True}),
    ("Adam", {"betas": (0.5, 0.7)}),
]


@pytest.mark.parametrize(("rule", "options"), STATEFUL, ids=name)
def test_state_dict_resumes(rule: str, options: Options) -> None:
    params = parameters()
    optimizer = getattr(reference, rule)(params, lr=0.05, **options)
    optimize(optimizer, params, range(5))
    resumed = [parameter.detach().clone().requires_grad_() for parameter in params]
    other = getattr(reference, rule)(resumed, lr=1.0)
    other.load_state_dict(deepcopy(optimizer.state_dict()))
    expected = optimize(optimizer, params, range(5, 10))
    torch.testing.assert_close(optimize(other, resumed, range(5, 10)), expected, **EXACT)


@pytest.mark.parametrize("back", [False, True], ids=["from torch", "to torch"])
@pytest.mark.parametrize(("rule", "options"), STATEFUL, ids=name)
def test_state_dict_interchanges_with_torch(rule: str, options: Options, *, back: bool) -> None:
    first, second = (reference, torch.optim) if back else (torch.optim, reference)
    params = parameters()
    optimizer = getattr(first, rule)(params, lr=0.05, **options)
    optimize(optimizer, params, range(5))
    resumed = [parameter.detach().clone().requires_grad_() for parameter in params]
    other = getattr(second, rule)(resumed)
    other.load_state_dict(deepcopy(optimizer.state_dict()))
    expected = optimize(optimizer, params, range(5, 10))
    torch.testing.assert_close(optimize(other, resumed, range(5, 10)), expected, **FLOAT64)


def test_closure_runs_with_gradients_and_its_loss_is_returned() -> None:
    params = parameters()
    optimizer = reference.SGD(params, lr=0.1)

    def closure() -> float:
        optimizer.zero_grad()
        loss = params[0].square().sum()
        loss.backward()
        return loss.item()

    assert optimizer.step(closure) == 5.25
    torch.testing.assert_close(params[0].tolist(), [0.8, -1.6, 0.4], **FLOAT64)
    assert optimizer.step() is None


def test_parameter_without_a_gradient_is_not_updated() -> None:
    params = parameters()
    optimizer = reference.Adam(params, weight_decay=0.1)
    params[0].sum().backward()
    optimizer.step()
    assert params[1].tolist() == [1.0, -2.0, 0.5]
    assert params[1] not in optimizer.state


def test_gradient_is_not_changed() -> None:
    for rule, options in (
        (reference.SGD, {"momentum": 0.9}),
        (reference.SGD, {"weight_decay": 0.5, "maximize": True}),
        (reference.Adam, {"weight_decay": 0.5, "maximize": True}),
    ):
        params = parameters()
        optimizer = rule(params, lr=0.1, **options)
        params[0].sum().backward()
        optimizer.step()
        optimizer.step()
        assert params[0].grad is not None
        assert params[0].grad.tolist() == [1.0, 1.0, 1.0]


def test_sgd_without_weight_decay_moves_an_infinite_parameter_by_its_gradient_only() -> None:
    parameter = torch.tensor([torch.inf], requires_grad=True)
    parameter.grad = torch.ones(1)
    reference.SGD([parameter], lr=0.1, momentum=0.9).step()
    assert parameter.tolist() == [torch.inf]


@pytest.mark.parametrize(
    ("rule", "options", "message"),
    [
        ("SGD", {"lr": -1}, "lr must be at least 0, got lr=-1"),
        ("SGD", {"momentum": -0.5}, "momentum must be .* momentum=-0.5"),
        ("SGD", {"weight_decay": -0.5}, "weight_decay must be .* weight_decay=-0.5"),
        ("SGD", {"nesterov": True}, "nesterov=True needs .* momentum=0, dampening=0"),
        (
            "SGD",
            {"nesterov": True, "momentum": 0.9, "dampening": 0.1},
            "nesterov=True needs .* momentum=0.9, dampening=0.1",
        ),
        ("Adam", {"lr": -1}, "lr must be at least 0, got lr=-1"),
        ("Adam", {"betas": (1.0, 0.9)}, r"betas must be .* betas=\(1.0, 0.9\)"),
        ("Adam", {"betas": (0.9, -0.1)}, r"betas must be .* betas=\(0.9, -0.1\)"),
        ("Adam", {"eps": -1e-8}, "eps must be .* eps=-1e-08"),
        ("Adam", {"weight_decay": -0.5}, "weight_decay must be .* weight_decay=-0.5"),
    ],
    ids=name,
)
def test_options_out_of_range(rule: str, options: Options, message: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - torch's message does not matter
        getattr(torch.optim, rule)(parameters(), **options)
    with pytest.raises(ValueError, match=message):
        getattr(reference, rule)(parameters(), **options)


@pytest.mark.parametrize("rule", ["SGD", "Adam"])
def test_empty_and_missing_parameters_are_refused(rule: str) -> None:
    with pytest.raises(ValueError, match="empty parameter list"):
        getattr(reference, rule)([])
    with pytest.raises(TypeError, match=r"an iterable of .*Tensor"):
        getattr(reference, rule)(torch.ones(2))
