"""Claims about evaluation: gradients, modes and accuracy (P28-P29)."""

import copy
import math
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.autograd.graph import saved_tensors_hooks

from reference.models.course import Tudui
from reference.training import trainer
from reference.training.config import Config
from reference.training.engine import evaluate, train_step
from reference.training.runs import Run
from spec_tests.harness.shown_errors import ShowsError

LOGITS = torch.tensor([[0.1, 0.3], [0.5, 0.2]])


class ModeRecorder(nn.Linear):
    """A layer that records its mode and whether gradients are enabled."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Record the modes and return the layer's output."""
        self.seen = self.training, torch.is_grad_enabled()
        return super().forward(images)


@pytest.mark.claim("eval.no-grad")
def test_no_grad_output_requires_no_grad() -> None:
    weight = torch.ones(2, requires_grad=True)
    with torch.no_grad():
        output = weight * 2
    assert output.requires_grad is False
    assert output.grad_fn is None
    assert (weight * 2).requires_grad is True


@pytest.mark.claim("eval.no-grad", "eval.modes")
def test_reference_evaluates_without_gradients_in_evaluation_mode() -> None:
    recorder = ModeRecorder(2, 2)
    evaluate(recorder, nn.CrossEntropyLoss(), [(LOGITS, torch.tensor([0, 0]))])
    assert recorder.seen == (False, False)


@pytest.mark.claim("eval.no-backward")
@pytest.mark.shows("eval.no-backward")
def test_backward_after_no_grad_fails(shows_error: ShowsError) -> None:
    weight = torch.ones(1, requires_grad=True)
    with torch.no_grad():
        loss = weight * 2
    with shows_error("eval.no-backward"):
        loss.backward()


@pytest.mark.claim("eval.no-grad-memory")
def test_no_grad_saves_no_tensors() -> None:
    saved: list[torch.Tensor] = []
    images = torch.ones(8, 3, 32, 32)
    with saved_tensors_hooks(saved.append, lambda tensor: tensor):
        with torch.no_grad():
            Tudui()(images)
        assert saved == []
        Tudui()(images)
    assert sum(tensor.numel() for tensor in saved) > 8 * 3 * 32 * 32


@pytest.mark.claim("eval.module-name")
@pytest.mark.shows("eval.module-name")
def test_module_has_a_capital_m(shows_error: ShowsError) -> None:
    with shows_error("eval.module-name"):
        _ = torch.nn.module
    assert callable(torch.nn.Module.train)
    assert callable(torch.nn.Module.eval)


@pytest.mark.claim("eval.modes")
def test_modes_apply_to_every_submodule() -> None:
    network = Tudui()
    assert [module.training for module in network.eval().modules()] == [False] * 11
    assert [module.training for module in network.train().modules()] == [True] * 11


@pytest.mark.claim("eval.modes")
def test_reference_trains_every_epoch_in_training_mode(
    small_cifar10: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    modes: list[bool] = []

    def recording_step(model: nn.Module, *args: object) -> torch.Tensor:
        modes.append(model.training)
        return train_step(model, *args)

    monkeypatch.setattr(trainer, "train_step", recording_step)
    config = Config(data=str(small_cifar10), epochs=2, batch_size=125, device="cpu")
    trainer.Trainer(Run.start(tmp_path, config), lambda *_: None).fit()
    assert modes == [True] * 4  # although each epoch ends in evaluation mode


@pytest.mark.claim("eval.mode-stays")
def test_mode_stays_until_the_other_is_set() -> None:
    network = nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.5))
    optimizer = torch.optim.SGD(network.parameters(), lr=0.01)
    network.eval()
    train_step(network, nn.CrossEntropyLoss(), optimizer, (LOGITS, torch.tensor([0, 0])))
    assert [module.training for module in network.modules()] == [False] * 3
    network.train()
    with torch.no_grad():
        network(LOGITS)
    assert [module.training for module in network.modules()] == [True] * 3


@pytest.mark.claim("eval.eval-is-train-false")
def test_eval_is_train_false() -> None:
    for network in (Tudui().eval(), Tudui().train(mode=False)):
        assert not any(module.training for module in network.modules())


@pytest.mark.claim("eval.affected-modules")
def test_mode_does_not_affect_the_course_network() -> None:
    network, images = Tudui(), torch.rand(4, 3, 32, 32)
    assert torch.equal(network.train()(images), network.eval()(images))


@pytest.mark.claim("eval.affected-modules")
@pytest.mark.parametrize("layer", [nn.Dropout(0.9), nn.BatchNorm2d(3)])
def test_mode_affects_dropout_and_batchnorm(layer: nn.Module) -> None:
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
    # mean 2, variance 1 (divisor n) or 2 (divisor n - 1)
    output = norm(torch.tensor([[1.0], [3.0]]))
    assert output.flatten().tolist() == pytest.approx([-1, 1], abs=1e-4)
    assert norm.running_mean.item() == pytest.approx(0.9 * 0 + 0.1 * 2)
    assert norm.running_var.item() == pytest.approx(0.9 * 1 + 0.1 * 2)


@pytest.mark.claim("eval.batchnorm-eval")
def test_batchnorm_in_evaluation() -> None:
    norm = nn.BatchNorm1d(1).eval()
    norm.running_mean.fill_(10)
    norm.running_var.fill_(4)
    output = norm(torch.tensor([[12.0], [14.0]]))
    # the values are (12 - 10) / 2 and (14 - 10) / 2
    assert output.flatten().tolist() == pytest.approx([1, 2], abs=1e-4)
    assert norm.running_mean.item() == 10


@pytest.mark.claim("eval.batchnorm-global")
def test_batchnorm_keeps_a_moving_average() -> None:
    moving, mean_of_all = nn.BatchNorm1d(1), nn.BatchNorm1d(1, momentum=None)
    for batch in (torch.tensor([[9.0], [11.0]]), torch.tensor([[19.0], [21.0]])):
        moving(batch)
        mean_of_all(batch)
    assert moving.running_mean.item() == pytest.approx(0.9 * (0.1 * 10) + 0.1 * 20)  # 2.9
    assert mean_of_all.running_mean.item() == pytest.approx((10 + 20) / 2)


@pytest.mark.claim("eval.argmax-direction")
def test_argmax_along_columns_and_rows() -> None:
    scores = torch.tensor([[1, 5, 2], [4, 3, 6]])
    assert scores.argmax(0).tolist() == [1, 0, 1]
    assert scores.argmax(1).tolist() == [1, 2]


@pytest.mark.claim("eval.hits")
def test_argmax_matches_are_counted() -> None:
    targets = torch.tensor([0, 0])
    predicted = LOGITS.argmax(1)
    assert predicted.tolist() == [1, 0]
    correct = predicted == targets
    assert correct.dtype == torch.bool
    assert correct.tolist() == [False, True]
    assert correct.sum().item() == 1
    assert Tudui()(torch.ones(64, 3, 32, 32)).argmax(1).shape == (64,)


@pytest.mark.claim("eval.hits")
def test_reference_counts_the_correct_images() -> None:
    batches = [(LOGITS, torch.tensor([0, 0])), (LOGITS[:1], torch.tensor([1]))]
    result = evaluate(nn.Identity(), nn.CrossEntropyLoss(), batches)
    assert (result.correct, result.images) == (2, 3)
    assert result.accuracy == 2 / 3


@pytest.mark.claim("eval.argmax-probability")
def test_argmax_of_logits_and_of_probabilities_agree() -> None:
    logits = torch.tensor([[-3.0, 2.0, 0.5], [9.0, 8.0, -1.0]])
    assert logits.sum(1).tolist() == [-0.5, 16]  # not probabilities, which sum to 1
    assert logits.softmax(1).sum(1).tolist() == pytest.approx([1, 1])
    assert logits.argmax(1).tolist() == logits.softmax(1).argmax(1).tolist() == [1, 0]


@pytest.mark.claim("eval.argmax-dim")
@pytest.mark.shows("eval.argmax-dim")
def test_argmax_takes_dim(shows_error: ShowsError) -> None:
    with shows_error("eval.argmax-dim"):
        LOGITS.argmax(direction=1)
    assert LOGITS.argmax(dim=1).tolist() == [1, 0]


@pytest.mark.claim("eval.no-tuning")
def test_evaluation_does_not_change_the_network() -> None:
    network = nn.Sequential(nn.BatchNorm1d(2), nn.Dropout(), nn.Linear(2, 2))
    before = copy.deepcopy(network.state_dict())
    evaluate(network, nn.CrossEntropyLoss(), [(LOGITS, torch.tensor([0, 0]))])
    torch.testing.assert_close(network.state_dict(), before, rtol=0, atol=0)
    assert all(parameter.grad is None for parameter in network.parameters())
    with torch.no_grad():
        network.train()(LOGITS)
    assert not torch.equal(network[0].running_mean, before["0.running_mean"])


@pytest.mark.claim("eval.accuracy-above-one")
def test_count_is_not_an_accuracy() -> None:
    batches = [(LOGITS, LOGITS.argmax(1))] * 3
    hits = sum((outputs.argmax(1) == targets).sum().item() for outputs, targets in batches)
    assert hits / len(batches) == len(LOGITS)
    assert hits / (len(batches) * len(LOGITS)) == 1


@pytest.mark.claim("eval.compare-tensors")
@pytest.mark.shows("eval.compare-tensors")
def test_comparison_with_a_list_is_a_bool(shows_error: ShowsError) -> None:
    with shows_error("eval.compare-tensors"):
        (LOGITS.argmax(1) == [0, 0]).sum()
    assert (LOGITS.argmax(1) == LOGITS.argmax(1)).sum() == len(LOGITS)


@pytest.mark.claim("eval.argmax-of-one")
@pytest.mark.shows("eval.argmax-of-one")
def test_argmax_of_a_single_output(shows_error: ShowsError) -> None:
    with shows_error("eval.argmax-of-one"):
        LOGITS[0].argmax(1)
    assert LOGITS[0].argmax(0) == LOGITS[:1].argmax(1)


@pytest.mark.claim("eval.no-grad-parentheses")
@pytest.mark.shows("eval.no-grad-parentheses")
def test_no_grad_needs_parentheses(shows_error: ShowsError) -> None:
    with shows_error("eval.no-grad-parentheses"), torch.no_grad:
        pass


@pytest.mark.claim("eval.batch-of-one")
@pytest.mark.shows("eval.batch-of-one")
def test_batch_norm_of_one_value(shows_error: ShowsError) -> None:
    layer = nn.BatchNorm1d(2)
    with shows_error("eval.batch-of-one"):
        layer(torch.ones(1, 2))
    assert layer.eval()(torch.ones(1, 2)).shape == (1, 2)


@pytest.mark.claim("eval.accuracy-of-guessing")
def test_guessing_among_ten_classes() -> None:
    targets = torch.arange(10).repeat(100)
    outputs = torch.zeros(1000, 10)
    assert nn.functional.cross_entropy(outputs, targets).item() == pytest.approx(math.log(10))
    assert math.log(10) == pytest.approx(2.303, abs=5e-4)
    assert (outputs.argmax(1) == targets).float().mean().item() == pytest.approx(0.1)
