"""A run's folder and log, and the options that determine its weights."""

import json
import re
from pathlib import Path

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from reference.cli import main
from reference.data.cifar10 import CIFAR10
from reference.errors import RunError
from spec_tests.support.runs import read_metrics, read_weights, train


def test_folder_contains_the_documented_files(small_cifar10: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    train(folder, small_cifar10, epochs=2, batch_size=2, device="cpu", seed=4)
    names = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    names.remove(".lock")
    events = {name for name in names if name.startswith("events.out.tfevents.")}
    assert len(events) == 1
    assert names - events == {
        "config.json",
        "metrics.jsonl",
        "checkpoints/epoch-001.pt",
        "checkpoints/epoch-002.pt",
    }
    config = json.loads((folder / "config.json").read_text())
    assert config["options"]["seed"] == 4
    assert config["versions"]["torch"] == torch.__version__
    assert [record["step"] for record in read_metrics(folder)] == [100, 125, 200, 250]
    checkpoint = torch.load(folder / "checkpoints" / "epoch-002.pt", weights_only=True)
    assert checkpoint.keys() == {"model", "optimizer", "epoch", "step", "rng", "config"}
    assert (checkpoint["epoch"], checkpoint["step"]) == (2, 250)


def test_logs_to_tensorboard_what_it_prints(
    small_cifar10: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "run"
    options = ["--data", small_cifar10, "--epochs", 2, "--batch-size", 2, "--lang", "en"]
    assert main(["train", *map(str, options), "--device", "cpu", "--out", str(folder)]) == 0
    printed = capsys.readouterr().out
    board = EventAccumulator(str(folder)).Reload()
    scalars = {tag: board.Scalars(tag) for tag in board.Tags()["scalars"]}
    assert [event.step for event in scalars["train_loss"]] == [100, 200]
    assert [event.step for event in scalars["test_loss"]] == [0, 1]
    lines = {
        "train_loss": r"step \d+, loss: (.*)",
        "test_loss": r"loss over the test images: (.*)",
        "test_accuracy": r"accuracy over the test images: (.*)",
    }
    for tag, line in lines.items():
        values = [float(value) for value in re.findall(line, printed)]
        as_float32 = torch.tensor(values).tolist()
        assert [event.value for event in scalars[tag]] == as_float32, tag
    assert board.Tags()["images"] == ["input"]
    assert board.Tags()["graph"] is True


@pytest.mark.parametrize("shuffle", [False, True])
def test_same_seed_gives_the_same_weights(
    small_cifar10: Path, tmp_path: Path, *, shuffle: bool
) -> None:
    first, second = (
        train(tmp_path / name, small_cifar10, epochs=2, shuffle=shuffle, device="cpu")
        for name in "ab"
    )
    torch.testing.assert_close(first.model.state_dict(), second.model.state_dict(), rtol=0, atol=0)


@pytest.mark.parametrize("shuffle", [False, True])
def test_shuffle_takes_the_images_in_a_new_order_each_epoch(
    small_cifar10: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, shuffle: bool
) -> None:
    seen = []

    def record_targets(*args: object) -> torch.Tensor:
        seen.append(args[3][1].tolist())
        return torch.tensor(0.0)

    monkeypatch.setattr("reference.training.trainer.train_step", record_targets)
    train(tmp_path / "run", small_cifar10, epochs=2, batch_size=250, shuffle=shuffle, device="cpu")
    in_file_order = CIFAR10(small_cifar10).targets
    first, second = seen
    assert (first == in_file_order) is not shuffle
    assert (second == first) is not shuffle
    assert sorted(first) == sorted(second) == sorted(in_file_order)


def test_options_change_the_weights(small_cifar10: Path, tmp_path: Path) -> None:
    variants = [{}, {"seed": 1}, {"shuffle": True}, {"batch_size": 50}, {"lr": 0.02}]
    variants += [{"precision": "bf16"}, {"max_steps": 3}]
    seen = []
    for number, variant in enumerate(variants):
        options = {"epochs": 1, "device": "cpu", **variant}
        train(tmp_path / str(number), small_cifar10, **options)
        seen.append(read_weights(tmp_path / str(number), 1)["model.8.bias"])
    for number, bias in enumerate(seen):
        assert not any(torch.equal(bias, other) for other in seen[:number]), variants[number]


def test_ends_after_max_steps(small_cifar10: Path, tmp_path: Path) -> None:
    trainer = train(tmp_path / "run", small_cifar10, epochs=5, max_steps=6, device="cpu")
    assert [(r["epoch"], r["step"]) for r in trainer.run.records] == [(1, 4), (2, 6)]


def test_diverged_run_is_an_error(small_cifar10: Path, tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"the loss is (nan|inf) by step \d+: try a smaller --lr"):
        train(tmp_path / "run", small_cifar10, lr=1e6, epochs=3, device="cpu")
