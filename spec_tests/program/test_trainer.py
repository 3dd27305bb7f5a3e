"""P27-P29: a step, an evaluation, and a run compared with the course's own loop."""

from collections.abc import Iterable
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader
from torchvision.transforms import ToTensor

from reference.data.cifar10 import CIFAR10
from reference.models.course import Tudui
from reference.training.config import Config
from reference.training.engine import evaluate, train_step
from reference.training.runs import Run
from reference.training.trainer import SGD, Trainer


def test_step_is_gradient_descent() -> None:
    model = nn.Linear(1, 2, bias=False)
    nn.init.zeros_(model.weight)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    batch = torch.tensor([[2.0]]), torch.tensor([1])
    loss = train_step(model, nn.CrossEntropyLoss(), optimizer, batch)
    # Both classes have probability 1/2: the gradient is (1/2, -1/2) times the input 2.
    assert model.weight.tolist() == [[-0.5], [0.5]]
    assert loss.item() == pytest.approx(0.6931472, rel=1e-6, abs=0)
    assert not loss.requires_grad


def test_step_does_not_accumulate_gradients() -> None:
    model = nn.Linear(1, 2, bias=False)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    batch = torch.tensor([[2.0]]), torch.tensor([1])
    gradients = []
    for _ in range(2):
        train_step(model, nn.CrossEntropyLoss(), optimizer, batch)
        gradients.append(model.weight.grad.clone())
    assert torch.equal(*gradients)


def test_optimizer_equals_torchs() -> None:
    weights = torch.tensor([[1.0, -2.0], [0.25, 3.0]])
    ours, theirs = (nn.Parameter(weights.clone()) for _ in range(2))
    options = {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.01}
    optimizer, expected = SGD([ours], **options), torch.optim.SGD([theirs], **options)
    for _ in range(3):
        for weight, any_optimizer in ((ours, optimizer), (theirs, expected)):
            any_optimizer.zero_grad()
            weight.square().sum().backward()
            any_optimizer.step()
    assert torch.equal(ours, theirs)
    assert not torch.equal(ours, weights)
    assert ours.is_leaf
    torch.testing.assert_close(optimizer.state_dict(), expected.state_dict(), rtol=0, atol=0)
    expected.load_state_dict(optimizer.state_dict())
    optimizer.load_state_dict(expected.state_dict())
    assert optimizer.param_groups[0]["momentum"] == 0.9


class Echo(nn.Module):
    """A network that returns its input and records the modes it ran in."""

    def forward(self, logits: torch.Tensor) -> torch.Tensor:
        self.ran_in_training_mode = self.training
        self.ran_with_gradient = torch.is_grad_enabled()
        return logits


def batches_of(rows: list[list[float]], size: int) -> Iterable[tuple[torch.Tensor, torch.Tensor]]:
    logits, targets = torch.tensor(rows), torch.zeros(len(rows), dtype=torch.int64)
    return list(zip(logits.split(size), targets.split(size), strict=True))


def test_evaluation_adds_the_batches_means_and_counts_the_incomplete_one() -> None:
    right, wrong = [0.0, -100.0], [-100.0, 0.0]
    result = evaluate(Echo(), nn.CrossEntropyLoss(), batches_of([right, wrong, wrong], 2))
    assert (result.images, result.correct, result.batches) == (3, 1, 2)
    assert result.total_loss == 150.0  # 50, the mean of 0 and 100, and 100
    assert result.accuracy == pytest.approx(1 / 3, rel=1e-15, abs=0)


def test_evaluation_runs_in_evaluation_mode_without_gradient() -> None:
    model = Echo().train()
    evaluate(model, nn.CrossEntropyLoss(), batches_of([[1.0, 0.0]], 1))
    assert model.ran_in_training_mode is False
    assert model.ran_with_gradient is False


def test_losses_of_100_steps_equal_the_courses(small_cifar10: Path, tmp_path: Path) -> None:
    config = Config(data=str(small_cifar10), batch_size=32, seed=3, device="cpu")
    trainer = Trainer(Run.start(tmp_path / "run", config), lambda *_: None)
    torch.manual_seed(3)
    model, loss_fn = Tudui(), nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    course = DataLoader(CIFAR10(small_cifar10, transform=ToTensor()), batch_size=32)
    losses, expected = [], []
    while len(losses) < 100:
        batches = trainer.train_batches
        losses += [step.item() for step in map(trainer.take_step, batches, batches.sizes)]
        for images, targets in course:
            loss = loss_fn(model(images), targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            expected.append(loss.item())
    assert losses == pytest.approx(expected, abs=1e-5, rel=0)
    assert losses[-1] < losses[0] - 0.001


@pytest.mark.parametrize("memory_format", [torch.channels_last, torch.contiguous_format])
def test_run_equals_the_courses_loop(
    small_cifar10: Path, tmp_path: Path, memory_format: torch.memory_format
) -> None:
    """The course's loop: DataLoader, the order of the files, SGD, a test after each epoch."""
    transform = ToTensor()
    train_set = CIFAR10(small_cifar10, transform=transform)
    test_set = CIFAR10(small_cifar10, train=False, transform=transform)
    torch.manual_seed(3)
    model, loss_fn = Tudui(), nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    total_test_losses, accuracies = [], []
    for _ in range(2):
        model.train()
        for images, targets in DataLoader(train_set, batch_size=64):
            loss = loss_fn(model(images.contiguous(memory_format=memory_format)), targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        model.eval()
        total_loss, correct = 0.0, 0
        with torch.no_grad():
            for images, targets in DataLoader(test_set, batch_size=64):
                outputs = model(images.contiguous(memory_format=memory_format))
                total_loss += loss_fn(outputs, targets).item()
                correct += (outputs.argmax(1) == targets).sum().item()
        total_test_losses.append(total_loss)
        accuracies.append(correct / len(test_set))

    config = Config(data=str(small_cifar10), epochs=2, lr=0.01, seed=3, device="cpu")
    trainer = Trainer(Run.start(tmp_path / "run", config), lambda *_: None)
    trainer.fit()
    records = trainer.run.records
    assert [record["test_accuracy"] for record in records] == accuracies
    # In the resident loader's memory order (channels_last) every bit is the same. In the other one
    # the sums are added in another order: over 64 images of 32 x 32, a gradient near 1 differs by
    # about sqrt(65,536) x 6e-8, and a weight after 8 steps of 0.01 by 1e-6.
    same = memory_format is torch.channels_last
    limits = {"rtol": 0, "atol": 0} if same else {"rtol": 1e-5, "atol": 1e-6}
    losses = torch.tensor([record["test_loss"] for record in records])
    torch.testing.assert_close(losses, torch.tensor(total_test_losses), **limits)
    torch.testing.assert_close(trainer.model.state_dict(), model.state_dict(), **limits)
