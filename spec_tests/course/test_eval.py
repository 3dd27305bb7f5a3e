"""P28-P29: evaluation without gradients, its mode, and its counting."""

import copy
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.autograd.graph import saved_tensors_hooks

from reference.models.course import Tudui
from reference.training import trainer
from reference.training.engine import evaluate, train_step
from reference.training.runs import Config, Run

LOGITS = torch.tensor([[0.1, 0.3], [0.5, 0.2]])


class Spy(nn.Linear):
    """A layer that notes its mode and whether gradients are recorded."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Note, and compute."""
        self.seen = self.training, torch.is_grad_enabled()
        return super().forward(images)


@pytest.mark.claim("eval.no-grad")
def test_no_grad() -> None:
    weight = torch.ones(2, requires_grad=True)
    with torch.no_grad():
        output = weight * 2
    assert output.requires_grad is False
    assert output.grad_fn is None
    assert (weight * 2).requires_grad is True


@pytest.mark.claim("eval.no-grad", "eval.modes")
def test_reference_evaluates_without_gradients_in_evaluation_mode() -> None:
    spy = Spy(2, 2)
    evaluate(spy, nn.CrossEntropyLoss(), [(LOGITS, torch.tensor([0, 0]))])
    assert spy.seen == (False, False)


@pytest.mark.claim("eval.no-backward")
def test_backward_after_no_grad() -> None:
    weight = torch.ones(1, requires_grad=True)
    with torch.no_grad():
        loss = weight * 2
    with pytest.raises(RuntimeError, match="does not require grad and does not have a grad_fn"):
        loss.backward()


@pytest.mark.claim("eval.no-grad-memory")
def test_no_grad_keeps_nothing() -> None:
    kept: list[torch.Tensor] = []
    images = torch.ones(8, 3, 32, 32)
    with saved_tensors_hooks(kept.append, lambda tensor: tensor):
        with torch.no_grad():
            Tudui()(images)
        assert kept == []
        Tudui()(images)
    assert sum(tensor.numel() for tensor in kept) > 8 * 3 * 32 * 32


@pytest.mark.claim("eval.module-name")
def test_module_has_a_capital_m() -> None:
    with pytest.raises(AttributeError, match=r"module 'torch\.nn' has no attribute 'module'"):
        _ = torch.nn.module
    assert callable(torch.nn.Module.train)
    assert callable(torch.nn.Module.eval)


@pytest.mark.claim("eval.modes")
def test_modes_reach_every_part() -> None:
    network = Tudui()
    assert [part.training for part in network.eval().modules()] == [False] * 11
    assert [part.training for part in network.train().modules()] == [True] * 11


@pytest.mark.claim("eval.modes")
def test_reference_trains_every_epoch_in_training_mode(
    small_cifar10: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    modes: list[bool] = []

    def noting_step(model: nn.Module, *args: object) -> torch.Tensor:
        modes.append(model.training)
        return train_step(model, *args)

    monkeypatch.setattr(trainer, "train_step", noting_step)
    config = Config(data=str(small_cifar10), epochs=2, batch_size=125, device="cpu")
    trainer.Trainer(Run.start(tmp_path, config), lambda *_: None).fit()
    assert modes == [True] * 4  # although each epoch ends in evaluation mode


@pytest.mark.claim("eval.mode-stays")
def test_mode_stays_until_the_other_is_set() -> None:
    network = nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.5))
    optimizer = torch.optim.SGD(network.parameters(), lr=0.01)
    network.eval()
    train_step(network, nn.CrossEntropyLoss(), optimizer, (LOGITS, torch.tensor([0, 0])))
    assert [part.training for part in network.modules()] == [False] * 3
    network.train()
    with torch.no_grad():
        network(LOGITS)
    assert [part.training for part in network.modules()] == [True] * 3


@pytest.mark.claim("eval.eval-is-train-false")
def test_eval_is_train_false() -> None:
    for network in (Tudui().eval(), Tudui().train(mode=False)):
        assert not any(part.training for part in network.modules())


@pytest.mark.claim("eval.affected-modules")
def test_mode_does_not_matter_to_the_course_network() -> None:
    network, images = Tudui(), torch.rand(4, 3, 32, 32)
    assert torch.equal(network.train()(images), network.eval()(images))


@pytest.mark.claim("eval.affected-modules")
@pytest.mark.parametrize("layer", [nn.Dropout(0.9), nn.BatchNorm2d(3)])
def test_mode_matters_to_some_layers(layer: nn.Module) -> None:
    images = torch.rand(4, 3, 32, 32)
    assert not torch.equal(layer.train()(images), layer.eval()(images))


@pytest.mark.claim("eval.dropout-train")
def test_dropout_in_training() -> None:
    torch.manual_seed(0)
    values = nn.Dropout(0.3)(torch.ones(10_000))
    # The share of zeros has a standard deviation of sqrt(0.3 * 0.7 / 10000) = 0.0046.
    assert (values == 0).float().mean().item() == pytest.approx(0.3, abs=0.03)
    assert values[values != 0].unique().tolist() == pytest.approx([1 / 0.7])


@pytest.mark.claim("eval.dropout-eval")
def test_dropout_in_evaluation() -> None:
    values = torch.rand(1000)
    assert torch.equal(nn.Dropout(0.3).eval()(values), values)


@pytest.mark.claim("eval.batchnorm-train")
def test_batchnorm_in_training() -> None:
    norm = nn.BatchNorm1d(1)
    output = norm(torch.tensor([[1.0], [3.0]]))  # mean 2, variance 1 (over n), 2 (over n - 1)
    assert output.flatten().tolist() == pytest.approx([-1, 1], abs=1e-4)
    assert norm.running_mean.item() == pytest.approx(0.9 * 0 + 0.1 * 2)
    assert norm.running_var.item() == pytest.approx(0.9 * 1 + 0.1 * 2)


@pytest.mark.claim("eval.batchnorm-eval")
def test_batchnorm_in_evaluation() -> None:
    norm = nn.BatchNorm1d(1).eval()
    norm.running_mean.fill_(10)
    norm.running_var.fill_(4)
    output = norm(torch.tensor([[12.0], [14.0]]))
    assert output.flatten().tolist() == pytest.approx(
        [1, 2], abs=1e-4
    )  # (12 - 10) / 2, (14 - 10) / 2
    assert norm.running_mean.item() == 10


@pytest.mark.claim("eval.batchnorm-global")
def test_batchnorm_weighs_new_batches_most() -> None:
    moving, mean_of_all = nn.BatchNorm1d(1), nn.BatchNorm1d(1, momentum=None)
    for batch in (torch.tensor([[9.0], [11.0]]), torch.tensor([[19.0], [21.0]])):
        moving(batch)
        mean_of_all(batch)
    assert moving.running_mean.item() == pytest.approx(0.9 * (0.1 * 10) + 0.1 * 20)  # 2.9
    assert mean_of_all.running_mean.item() == pytest.approx((10 + 20) / 2)


@pytest.mark.claim("eval.argmax-direction")
def test_argmax_direction() -> None:
    scores = torch.tensor([[1, 5, 2], [4, 3, 6]])
    assert scores.argmax(0).tolist() == [1, 0, 1]
    assert scores.argmax(1).tolist() == [1, 2]


@pytest.mark.claim("eval.hits")
def test_hits() -> None:
    targets = torch.tensor([0, 0])
    chosen = LOGITS.argmax(1)
    assert chosen.tolist() == [1, 0]
    right = chosen == targets
    assert right.dtype == torch.bool
    assert right.tolist() == [False, True]
    assert right.sum().item() == 1
    assert Tudui()(torch.ones(64, 3, 32, 32)).argmax(1).shape == (64,)


@pytest.mark.claim("eval.hits")
def test_reference_counts_the_hits() -> None:
    batches = [(LOGITS, torch.tensor([0, 0])), (LOGITS[:1], torch.tensor([1]))]
    found = evaluate(nn.Identity(), nn.CrossEntropyLoss(), batches)
    assert (found.correct, found.images) == (2, 3)
    assert found.accuracy == 2 / 3


@pytest.mark.claim("eval.argmax-probability")
def test_argmax_of_logits_is_that_of_probabilities() -> None:
    logits = torch.tensor([[-3.0, 2.0, 0.5], [9.0, 8.0, -1.0]])
    assert logits.sum(1).tolist() == [-0.5, 16]  # no probabilities: those sum to 1
    assert logits.softmax(1).sum(1).tolist() == pytest.approx([1, 1])
    assert logits.argmax(1).tolist() == logits.softmax(1).argmax(1).tolist() == [1, 0]


@pytest.mark.claim("eval.argmax-dim")
def test_argmax_takes_dim() -> None:
    with pytest.raises(TypeError, match="unexpected keyword argument 'direction'"):
        LOGITS.argmax(direction=1)
    assert LOGITS.argmax(dim=1).tolist() == [1, 0]


@pytest.mark.claim("eval.no-tuning")
def test_evaluation_leaves_the_network_as_it_was() -> None:
    network = nn.Sequential(nn.BatchNorm1d(2), nn.Dropout(), nn.Linear(2, 2))
    before = copy.deepcopy(network.state_dict())
    evaluate(network, nn.CrossEntropyLoss(), [(LOGITS, torch.tensor([0, 0]))])
    torch.testing.assert_close(network.state_dict(), before, rtol=0, atol=0)
    assert all(parameter.grad is None for parameter in network.parameters())
    with torch.no_grad():
        network.train()(LOGITS)
    assert not torch.equal(network[0].running_mean, before["0.running_mean"])
