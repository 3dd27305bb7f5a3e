"""Claims about the training run: what it prints and what it measures (P27-P29)."""

import io
import math
import runpy
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from torch.utils.tensorboard import SummaryWriter

from reference.app.messages import LINES
from reference.data.cifar10 import CIFAR10
from reference.data.loaders import ResidentLoader, epoch_sampler
from reference.models.course import Tudui
from reference.training.config import Config
from reference.training.engine import evaluate, train_step
from spec_tests.harness.shown_errors import ShowsError
from spec_tests.support.runs import ShortRun, one_thread, train_two_epochs


@pytest.fixture(scope="module")
def small_run(small_cifar10: Path, tmp_path_factory: pytest.TempPathFactory) -> ShortRun:
    """Return a run of 125 steps per epoch, with two training images per step."""
    with one_thread():
        return train_two_epochs(tmp_path_factory.mktemp("small"), small_cifar10, batch_size=2)


@pytest.fixture(scope="module")
def real_run(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> ShortRun:
    """Return a run with the course's options on the real CIFAR-10."""
    return train_two_epochs(tmp_path_factory.mktemp("real"), real_data)


def labelled_images(count: int) -> TensorDataset:
    """Return one-hot images and their labels, which nn.Identity classifies correctly."""
    labels = torch.arange(count) % 10
    return TensorDataset(torch.eye(10)[labels], labels)


@pytest.mark.claim("train.size-lines")
def test_size_lines(small_run: ShortRun) -> None:
    out = io.StringIO()
    print("训练数据集：", len(labelled_images(50_000)), file=out)
    assert out.getvalue() == "训练数据集： 50000\n"
    assert small_run.lines[:2] == [("train_size", 250), ("test_size", 100)]
    assert LINES["zh"]["train_size"].format(10) == "训练数据集的长度为：10"
    assert LINES["zh"]["test_size"].format(10) == "测试数据集的长度为：10"


@pytest.mark.claim("train.epoch-line")
def test_epoch_line(small_run: ShortRun) -> None:
    assert LINES["zh"]["epoch"].format(3) == "-------第 3 轮训练开始-------"
    assert [line for line in small_run.lines if line[0] == "epoch"] == [("epoch", 1), ("epoch", 2)]


@pytest.mark.claim("train.step-line", "train.test-lines")
@pytest.mark.parametrize(
    ("name", "value", "line"),
    [
        ("step", (100, 2.25), "训练次数：100, Loss: 2.25"),
        ("test_loss", (314.5,), "整体测试集上的Loss: 314.5"),
        ("test_accuracy", (0.2875,), "整体测试集上的正确率: 0.2875"),
        ("saved", (), "模型已保存"),
    ],
)
def test_lines_of_each_epoch(
    small_run: ShortRun, name: str, value: tuple[float, ...], line: str
) -> None:
    assert LINES["zh"][name].format(*value) == line
    assert [tuple(map(type, printed[1:])) for printed in small_run.lines if printed[0] == name] == [
        tuple(map(type, value))
    ] * 2


@pytest.mark.claim("train.step-counter")
def test_steps_are_counted_across_epochs(small_run: ShortRun) -> None:
    assert [epoch["step"] for epoch in small_run.epochs] == [125, 250]
    log = EventAccumulator(str(small_run.folder)).Reload()
    assert [scalar.step for scalar in log.Scalars("train_loss")] == [100, 200]
    second_epoch = small_run.lines[small_run.lines.index(("epoch", 2)) :]
    assert [line[1] for line in second_epoch if line[0] == "step"] == [200]  # of steps 126 to 250


@pytest.mark.claim("train.not-shuffled")
def test_images_are_not_shuffled(small_cifar10: Path) -> None:
    order = epoch_sampler(CIFAR10(small_cifar10), shuffle=Config(data="").shuffle)
    for epoch in range(2):
        order.set_epoch(epoch)
        assert list(order) == list(range(250))


@pytest.mark.claim("train.learning-rate", "train.epochs")
def test_defaults() -> None:
    config = Config(data="")
    assert config.lr == 0.01
    assert config.epochs == 10
    assert config.batch_size == 64


@pytest.mark.claim("train.log-every-100")
def test_a_line_every_100_steps(small_run: ShortRun) -> None:
    names = [line[0] for line in small_run.lines[3:]]
    end = ["test_loss", "test_accuracy", "saved"]
    assert names == ["epoch", "step", *end, "epoch", "step", *end]
    assert [line[1] for line in small_run.lines if line[0] == "step"] == [100, 200]


@pytest.mark.slow
@pytest.mark.data
@pytest.mark.claim("train.log-every-100", "train.steps", "train.whole-test-set")
def test_lines_of_the_first_real_epoch(real_run: ShortRun) -> None:
    first_epoch = real_run.lines[: real_run.lines.index(("saved",))]
    assert [line[1] for line in first_epoch if line[0] == "step"] == [
        100, 200, 300, 400, 500, 600, 700,
    ]  # fmt: skip
    assert [epoch["step"] for epoch in real_run.epochs] == [782, 1564]
    assert [epoch["images"] for epoch in real_run.epochs] == [10_000, 10_000]


@pytest.mark.slow
@pytest.mark.data
@pytest.mark.claim("train.learns")
def test_accuracy_rises_on_the_real_images(real_run: ShortRun) -> None:
    first, second = real_run.epochs
    assert second["test_accuracy"] > first["test_accuracy"] > 0.25
    assert second["test_loss"] < first["test_loss"] < 320


@pytest.mark.claim("train.learns")
def test_steps_lower_the_loss(small_cifar10: Path) -> None:
    torch.manual_seed(0)
    model = Tudui()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    batch = next(iter(ResidentLoader(CIFAR10(small_cifar10), 16)))
    with one_thread():
        losses = [train_step(model, nn.CrossEntropyLoss(), optimizer, batch) for _ in range(20)]
    assert losses[0] == pytest.approx(math.log(10), abs=0.1)  # ten classes, equally likely
    assert losses[-1] < losses[0]


@pytest.mark.claim("train.steps")
def test_steps_of_an_epoch() -> None:
    assert len(DataLoader(labelled_images(50_000), 64)) == 782
    assert len(DataLoader(labelled_images(50_000), 64, drop_last=True)) == 781
    data = SimpleNamespace(data=np.zeros((50_000, 1, 1, 3), np.uint8), targets=[0] * 50_000)
    batches = ResidentLoader(data, 64)
    assert len(batches) == 782
    assert [len(labels) for _, labels in batches] == [64] * 781 + [16]


@pytest.mark.claim("train.accuracy-denominator", "train.drop-last-test")
def test_perfect_network_with_the_wrong_denominator() -> None:
    batches = DataLoader(labelled_images(10_000), 64, drop_last=True)
    result = evaluate(nn.Identity(), nn.CrossEntropyLoss(), batches)
    assert (result.batches, result.images, result.correct) == (156, 9984, 9984)
    assert result.correct / 50_000 == 0.19968
    assert result.accuracy == 1.0


@pytest.mark.claim("train.accuracy-denominator", "train.whole-test-set", "train.drop-last-test")
def test_whole_test_set() -> None:
    always_class_0 = nn.Linear(10, 10)
    nn.init.zeros_(always_class_0.weight)
    nn.init.zeros_(always_class_0.bias)
    result = evaluate(
        always_class_0, nn.CrossEntropyLoss(), DataLoader(labelled_images(10_000), 64)
    )
    assert (result.batches, result.images, result.correct) == (157, 10_000, 1000)
    assert result.accuracy == 0.1


@pytest.mark.claim("train.item")
@pytest.mark.parametrize(
    ("one", "number"),
    [
        (torch.tensor(3), 3),
        (torch.tensor([[2.5]]), 2.5),
        (np.array([7]), 7),
        (np.array(0.5), 0.5),
    ],
)
def test_item(one: torch.Tensor | np.ndarray, number: float) -> None:
    assert one.item() == number
    assert type(one.item()) is type(number)


@pytest.mark.claim("train.item-one-element")
@pytest.mark.shows("train.item-one-element")
def test_item_of_two_elements(shows_error: ShowsError) -> None:
    with shows_error("train.item-one-element"):
        torch.tensor([1, 2]).item()
    with shows_error("train.item-one-element"):
        np.array([1, 2]).item()
    with shows_error("train.item-one-element"):
        float(torch.tensor([1, 2]))


@pytest.mark.claim("train.total-loss-float", "train.total-loss")
def test_total_loss_is_the_sum_of_the_batch_means() -> None:
    unsure, sure = torch.zeros(2, 10), 100 * torch.eye(10)[:1]
    batches = [(unsure, torch.tensor([0, 1])), (sure, torch.tensor([0]))]
    result = evaluate(nn.Identity(), nn.CrossEntropyLoss(), batches)
    assert type(result.total_loss) is float
    # ln 10 + 0: neither 4.60517, the sum over the three images, nor 1.53506, their mean
    assert result.total_loss == pytest.approx(2.302585, abs=1e-5)
    assert result.batches == 2


@pytest.mark.claim("train.total-loss-float")
def test_adding_up_losses_with_and_without_item() -> None:
    loss = nn.MSELoss()(torch.ones(2, requires_grad=True), torch.zeros(2))
    assert type(0 + loss.item()) is float
    assert (0 + loss).requires_grad


@pytest.mark.claim("train.accuracy-prints-plain")
def test_tensor_without_dimensions_prints_as_a_number() -> None:
    total_accuracy = (torch.tensor([3, 5]) == torch.tensor([3, 4])).sum()
    assert f"{total_accuracy / 2}" == "0.5"
    assert str(total_accuracy / 2) == "tensor(0.5000)"


@pytest.mark.claim("train.test-listing")
@pytest.mark.parametrize(
    ("line", "name", "fix"),
    [
        (
            "writer.add_scalar('test_loss', total_test_loss, total_test_step); writer.close()",
            "writer",
            "from torch.utils.tensorboard import SummaryWriter; writer = SummaryWriter('logs')\n",
        ),
        ("os.path.join('model', f'model_{i}.pth')", "os", "import os\n"),
    ],
)
def test_names_missing_from_the_test_listing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, name: str, fix: str
) -> None:
    monkeypatch.chdir(tmp_path)
    before = "import torch\ni = total_test_step = total_test_loss = 0\n"
    Path("train.py").write_text(before + line, encoding="utf-8")
    with pytest.raises(NameError, match=f"name '{name}' is not defined"):
        runpy.run_path("train.py")
    Path("train.py").write_text(before + fix + line, encoding="utf-8")
    assert name in runpy.run_path("train.py")


@pytest.mark.claim("train.test-counter", "train.test-steps")
def test_evaluations_are_logged_by_epoch(small_run: ShortRun) -> None:
    log = EventAccumulator(str(small_run.folder)).Reload()
    assert [scalar.step for scalar in log.Scalars("test_loss")] == [0, 1]
    assert [scalar.step for scalar in log.Scalars("test_accuracy")] == [0, 1]


@pytest.mark.claim("train.star-import")
def test_star_import(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "course_model.py").write_text("import torch\nfrom torch import nn\n")
    (tmp_path / "train.py").write_text("from course_model import *\n")
    monkeypatch.syspath_prepend(tmp_path)
    names = runpy.run_path(str(tmp_path / "train.py"))
    assert names["torch"] is torch
    assert names["nn"] is nn


@pytest.mark.claim("train.time")
def test_time_difference() -> None:
    start = time.time()
    time.sleep(0.05)
    end = time.time()
    assert 0.05 <= end - start < 5
    assert abs(start - end) == end - start


@pytest.mark.claim("train.time")
def test_epochs_are_timed(small_run: ShortRun) -> None:
    first, second = (epoch["seconds"] for epoch in small_run.epochs)
    assert min(first, second) > 0
    assert first + second <= small_run.seconds


@pytest.mark.claim("train.drop-last-train")
def test_drop_last_never_trains_on_the_last_images() -> None:
    loader = DataLoader(range(50_000), 64, drop_last=True)
    epochs = [torch.cat(list(loader)).tolist() for _ in range(2)]
    assert epochs == [list(range(49_984))] * 2
    shuffled = DataLoader(range(80), 64, drop_last=True, shuffle=True)
    assert len({i for _ in range(100) for batch in shuffled for i in batch.tolist()}) == 80


@pytest.mark.claim("train.one-tag-one-curve")
def test_values_under_one_tag_are_one_curve(tmp_path: Path) -> None:
    with SummaryWriter(str(tmp_path)) as writer:
        for step in (100, 200):
            writer.add_scalar("loss", 2.25, step)
        writer.add_scalar("loss", 311.0, 0)
    log = EventAccumulator(str(tmp_path)).Reload()
    assert log.Tags()["scalars"] == ["loss"]
    points = {(event.step, event.value) for event in log.Scalars("loss")}
    assert points == {(100, 2.25), (200, 2.25), (0, 311.0)}
