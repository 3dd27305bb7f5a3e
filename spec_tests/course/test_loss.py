"""Claims about loss functions (P23)."""

import inspect
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from reference.data.cifar10 import CIFAR10
from reference.data.loaders import ResidentLoader
from reference.models.course import Tudui
from spec_tests.harness.shown_errors import ShowsError

INPUTS = torch.tensor([1, 2, 3], dtype=torch.float32)
TARGETS = torch.tensor([1, 2, 5], dtype=torch.float32)


@pytest.mark.claim("loss.reduction-choices")
@pytest.mark.shows("loss.reduction-choices")
def test_reduction_may_be_none(shows_error: ShowsError) -> None:
    assert nn.L1Loss(reduction="none")(INPUTS, TARGETS).tolist() == [0, 0, 2]
    assert nn.L1Loss(reduction="sum")(INPUTS, TARGETS).tolist() == 2
    with shows_error("loss.reduction-choices"):
        nn.L1Loss(reduction="average")(INPUTS, TARGETS)


@pytest.mark.claim("loss.default-reduction")
@pytest.mark.parametrize("loss", [nn.L1Loss, nn.MSELoss, nn.CrossEntropyLoss])
def test_default_reduction(loss: type[nn.Module]) -> None:
    assert inspect.signature(loss).parameters["reduction"].default == "mean"
    assert loss().reduction == "mean"


@pytest.mark.claim("loss.long-message", "loss.long-rejected")
@pytest.mark.shows("loss.long-message", "loss.long-rejected")
def test_l1_mean_rejects_integers(
    by_version: Callable[[str], object], shows_error: ShowsError
) -> None:
    today = r"^mean\(\): could not infer output dtype\. .* Got: Long$"
    with pytest.raises(RuntimeError, match=today) as caught:
        nn.L1Loss()(torch.tensor([1, 2, 3]), torch.tensor([1, 2, 5]))
    assert caught.typename == by_version("loss.long-message")
    if caught.typename == "NotImplementedError":  # the one from torch 2.15 on is listed
        with shows_error("loss.long-message"):
            nn.L1Loss()(torch.tensor([1, 2, 3]), torch.tensor([1, 2, 5]))
    with shows_error("loss.long-rejected"):
        nn.BCELoss()(torch.ones(3), torch.ones(3, dtype=torch.long))


@pytest.mark.claim("loss.float-only")
def test_l1_sum_takes_integers() -> None:
    inputs, targets = torch.tensor([1, 2, 3]), torch.tensor([1, 2, 5])
    assert nn.L1Loss(reduction="sum")(inputs, targets).tolist() == 2


@pytest.mark.claim("loss.float-only", "loss.class-targets")
@pytest.mark.shows("loss.float-only", "loss.class-targets")
def test_cross_entropy_rejects_float_classes(shows_error: ShowsError) -> None:
    targets = torch.tensor([1.0, 0.0])
    for name in ("loss.float-only", "loss.class-targets"):
        with shows_error(name):
            nn.CrossEntropyLoss()(torch.zeros(2, 3), targets)
    assert nn.CrossEntropyLoss()(torch.zeros(2, 3), targets.long()).ndim == 0
    column = targets.long().reshape(2, 1)
    with shows_error("loss.class-targets"):
        nn.CrossEntropyLoss()(torch.zeros(2, 3), column)
    assert nn.CrossEntropyLoss()(torch.zeros(2, 3), column.squeeze(1)).ndim == 0


@pytest.mark.claim("loss.same-first-dimension")
@pytest.mark.parametrize(("loss", "expected"), [(nn.L1Loss(), 3.0), (nn.MSELoss(), 29 / 3)])
def test_broadcasts_with_a_warning(loss: nn.Module, expected: float) -> None:
    with pytest.warns(UserWarning, match="different to the input size"):
        result = loss(INPUTS, torch.tensor([5.0]))
    torch.testing.assert_close(result, torch.tensor(expected), rtol=1e-6, atol=0)


@pytest.mark.claim("loss.same-first-dimension")
def test_rejects_mismatched_sizes() -> None:
    message = r"The size of tensor a \(3\) must match the size of tensor b \(2\)"
    with (
        pytest.warns(UserWarning, match="different to the input size"),
        pytest.raises(RuntimeError, match=message),
    ):
        nn.L1Loss()(INPUTS, torch.tensor([1.0, 2.0]))
    message = r"Expected input batch_size \(3\) to match target batch_size \(2\)"
    with pytest.raises(ValueError, match=message):
        nn.CrossEntropyLoss()(torch.zeros(3, 3), torch.tensor([1, 0]))


@pytest.mark.claim("loss.mse-and-l1-formulas")
def test_mse_and_l1_are_means() -> None:
    inputs, targets = torch.tensor([1.0, 2.0, 3.0, 4.0]), torch.tensor([3.0, 2.0, 0.0, 5.0])
    assert nn.MSELoss()(inputs, targets).item() == 3.5  # (4 + 0 + 9 + 1) / 4
    assert nn.L1Loss()(inputs, targets).item() == 1.5  # (2 + 0 + 3 + 1) / 4


@pytest.mark.claim("loss.l1-outliers")
def test_l1_is_less_sensitive_to_an_outlier() -> None:
    inputs, targets = torch.zeros(10), torch.tensor([1.0] * 9 + [100.0])
    torch.testing.assert_close(nn.L1Loss()(inputs, targets), torch.tensor(10.9), rtol=1e-6, atol=0)
    torch.testing.assert_close(
        nn.MSELoss()(inputs, targets), torch.tensor(1000.9), rtol=1e-6, atol=0
    )


@pytest.mark.claim("loss.cross-entropy-shapes")
def test_cross_entropy_shapes() -> None:
    targets = torch.tensor([0, 1, 2, 0])
    loss = nn.CrossEntropyLoss()(torch.zeros(4, 3), targets)
    torch.testing.assert_close(loss, torch.tensor(1.0986123), rtol=1e-6, atol=0)  # ln 3
    with pytest.raises(ValueError, match=r"Expected input batch_size \(3\)"):
        nn.CrossEntropyLoss()(torch.zeros(3, 4), targets)


@pytest.mark.claim("loss.cross-entropy-output-shape")
def test_cross_entropy_output_is_one_number() -> None:
    logits, targets = torch.zeros(4, 3), torch.tensor([0, 1, 2, 0])
    assert nn.CrossEntropyLoss()(logits, targets).shape == ()
    assert nn.CrossEntropyLoss(reduction="sum")(logits, targets).shape == ()
    assert nn.CrossEntropyLoss(reduction="none")(logits, targets).shape == (4,)


@pytest.mark.claim("loss.cross-entropy-2d-only")
def test_cross_entropy_takes_one_sample() -> None:
    loss = nn.CrossEntropyLoss()(torch.tensor([0.1, 0.2, 0.3]), torch.tensor(1))
    assert str(loss) == "tensor(1.1019)"


@pytest.mark.claim("loss.cross-entropy-2d-only")
def test_cross_entropy_of_the_lessons_target(by_version: Callable[[str], object]) -> None:
    try:
        outcome = str(nn.CrossEntropyLoss()(torch.tensor([0.1, 0.2, 0.3]), torch.tensor([1])))
    except RuntimeError as error:
        outcome = str(error)
    assert outcome == by_version("loss.cross-entropy-2d-only")


@pytest.mark.claim("loss.reshape-adds-batch")
def test_reshape_adds_a_batch_dimension() -> None:
    x = torch.tensor([0.1, 0.2, 0.3])
    assert x.shape == (3,)
    assert torch.reshape(x, (1, 3)).shape == (1, 3)


@pytest.mark.claim("loss.classes-start-at-0")
@pytest.mark.shows("loss.classes-start-at-0")
def test_classes_start_at_0(shows_error: ShowsError) -> None:
    loss, logits = nn.CrossEntropyLoss(), torch.tensor([[50.0, 0.0, 0.0]])
    assert loss(logits, torch.tensor([0])).item() == 0
    with shows_error("loss.classes-start-at-0"):
        loss(logits, torch.tensor([3]))


@pytest.mark.claim("loss.classes-start-at-0")
def test_logits_need_no_normalization() -> None:
    shifted = torch.tensor([[5.1, 5.2, 5.3]])
    assert str(nn.CrossEntropyLoss()(shifted, torch.tensor([1]))) == "tensor(1.1019)"


@pytest.mark.claim("loss.example-shapes", "loss.without-optimizer")
def test_network_on_a_random_batch() -> None:
    torch.manual_seed(0)
    outputs, targets = Tudui()(torch.rand(64, 3, 32, 32)), torch.randint(10, (64,))
    assert str(outputs.shape) == "torch.Size([64, 10])"
    assert str(targets.shape) == "torch.Size([64])"
    assert 2.2 <= nn.CrossEntropyLoss()(outputs, targets) < 2.4


@pytest.mark.data
@pytest.mark.claim("loss.without-optimizer")
def test_every_batch_without_an_optimizer(real_data: Path) -> None:
    torch.manual_seed(0)
    net, loss = Tudui(), nn.CrossEntropyLoss()
    with torch.no_grad():
        losses = [
            loss(net(images), labels).item()
            for images, labels in ResidentLoader(CIFAR10(real_data, train=False), 64)
        ]
    assert len(losses) == 157
    assert 2.2 <= min(losses) < max(losses) < 2.4


@pytest.mark.claim("loss.purpose")
@pytest.mark.parametrize(
    ("loss_fn", "target", "far", "near"),
    [
        (nn.L1Loss(), [[3.0, 0.0]], [[7.0, 0.0]], [[4.0, 0.0]]),
        (nn.MSELoss(), [[3.0, 0.0]], [[7.0, 0.0]], [[4.0, 0.0]]),
        (nn.CrossEntropyLoss(), [0], [[0.0, 4.0]], [[4.0, 0.0]]),
    ],
)
def test_measures_the_gap_and_starts_backward(
    loss_fn: nn.Module, target: list, far: list, near: list
) -> None:
    outputs = [torch.tensor(output, requires_grad=True) for output in (far, near)]
    losses = [loss_fn(output, torch.tensor(target)) for output in outputs]
    assert losses[0] > losses[1] > 0
    for loss, output in zip(losses, outputs, strict=True):
        loss.backward()
        assert output.grad[0, 0] != 0


@pytest.mark.filterwarnings("error:Using a target size")
@pytest.mark.shows("loss.same-first-dimension")
def test_messages_of_mismatched_sizes(shows_error: ShowsError) -> None:
    with shows_error("loss.same-first-dimension"):
        nn.MSELoss()(INPUTS, TARGETS[:1])
    with shows_error("loss.same-first-dimension"):
        nn.CrossEntropyLoss()(torch.zeros(3, 3), torch.tensor([1, 0]))


@pytest.mark.claim("loss.instance-first")
@pytest.mark.shows("loss.instance-first")
def test_class_takes_no_tensors(shows_error: ShowsError) -> None:
    for loss in (nn.CrossEntropyLoss, nn.L1Loss, nn.MSELoss):
        with shows_error("loss.instance-first"):
            loss(INPUTS, TARGETS)
    assert nn.L1Loss()(INPUTS, TARGETS) > 0


@pytest.mark.claim("loss.softmax-inside")
def test_cross_entropy_after_softmax() -> None:
    targets = torch.arange(10)
    perfect = torch.eye(10)  # the probabilities of outputs without any doubt
    loss_fn = nn.CrossEntropyLoss()
    assert loss_fn(100 * perfect, targets).item() == 0
    # -log(e / (e + 9)): softmax of a 1 and nine zeros
    torch.testing.assert_close(loss_fn(perfect, targets).item(), 1.4612, rtol=0, atol=5e-5)


@pytest.mark.claim("loss.outputs-first")
@pytest.mark.shows("loss.outputs-first")
def test_targets_are_second(shows_error: ShowsError) -> None:
    outputs, targets = torch.zeros(4, 10), torch.tensor([3, 8, 8, 0])
    with pytest.raises(RuntimeError) as caught:
        nn.CrossEntropyLoss()(targets, outputs)
    if caught.typename == "NotImplementedError":  # the subclass that later versions raise is listed
        with shows_error("loss.outputs-first"):
            nn.CrossEntropyLoss()(targets, outputs)
    assert nn.CrossEntropyLoss()(outputs, targets) > 0


@pytest.mark.claim("loss.softmax-dim")
@pytest.mark.shows("loss.softmax-dim")
def test_softmax_over_the_classes(shows_error: ShowsError) -> None:
    outputs = torch.zeros(2, 4)
    with warnings.catch_warnings(action="error"), shows_error("loss.softmax-dim"):
        nn.Softmax()(outputs)
    assert nn.Softmax(dim=1)(outputs).tolist() == [[0.25] * 4] * 2


@pytest.mark.claim("loss.size-average")
@pytest.mark.shows("loss.size-average")
def test_reduction_replaces_two_arguments(shows_error: ShowsError) -> None:
    with warnings.catch_warnings(action="error"), shows_error("loss.size-average"):
        nn.MSELoss(size_average=False)
    assert nn.MSELoss(reduction="sum")(INPUTS, TARGETS) == 4
