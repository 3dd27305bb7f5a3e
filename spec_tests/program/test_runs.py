"""A run's folder and log, and the options that determine its weights."""

import contextlib
import json
import os
import platform
import re
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import torchvision
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from reference.cli import main
from reference.data.cifar10 import CIFAR10
from reference.errors import InputError, RunError
from reference.training import metrics_log
from reference.training.config import Config
from reference.training.runs import Run
from reference.training.trainer import Trainer
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
    assert config["versions"] == {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "torchvision": torchvision.__version__.partition("+")[0],
    }
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


@pytest.fixture
def run(small_cifar10: Path, tmp_path: Path) -> Path:
    """The folder of a run of two epochs."""
    train(tmp_path / "run", small_cifar10, epochs=2, device="cpu")
    return tmp_path / "run"


def resume(folder: Path, epochs: int) -> None:
    Trainer(Run.resume(folder, {"epochs": epochs}), lambda *_: None).fit()


@pytest.mark.parametrize("removed", [[1, 2, 3], [2, 3]], ids=str)
@pytest.mark.parametrize("damaged", [False, True])
def test_log_without_the_checkpoints_is_kept(
    small_cifar10: Path, tmp_path: Path, removed: list[int], *, damaged: bool
) -> None:
    """The checkpoints may be on a disk that is not mounted now."""
    run = tmp_path / "run"
    train(run, small_cifar10, epochs=3, batch_size=2, device="cpu")
    log, whole = run / "metrics.jsonl", read_metrics(run)
    newest = removed[0] - 1
    for epoch in removed:
        (run / "checkpoints" / f"epoch-{epoch:03}.pt").unlink()
    lines = log.read_text().splitlines(keepends=True)
    kept = lines[: 2 * newest]  # 125 steps are an epoch: it has two lines
    if damaged:
        lines[len(kept)] = lines[len(kept)][:9] + "\n"
        log.write_text("".join(lines))
    before = log.read_bytes()
    with pytest.raises(InputError, match=rf"after epoch {removed[0]}, but .*: put the checkpoints"):
        resume(run, epochs=3)
    assert log.read_bytes() == before
    log.write_text("".join(kept))  # as the message advises
    resume(run, epochs=3)
    assert read_metrics(run) == whole


def test_checkpoints_that_cannot_be_listed_are_kept(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    for name in ("os.listdir", "os.scandir"):  # of different versions of pathlib
        list_folder = getattr(os, name.removeprefix("os."))

        def refuse(path: Path, list_folder: Callable[..., object] = list_folder) -> object:
            if str(path).rstrip("/").endswith("checkpoints"):
                raise PermissionError(13, "Permission denied", str(path))
            return list_folder(path)

        monkeypatch.setattr(name, refuse)
    with pytest.raises(InputError, match=r"checkpoints cannot be listed \(Permission denied\)"):
        resume(run, epochs=2)
    monkeypatch.undo()
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(
    "content",
    [
        lambda size: b"\n" * size,
        lambda size: b"[" * size,
        bytes,
        lambda size: b'{"step": 1, "epoch": 1, "train_loss": 1.0}\n' * (size // 43),
        lambda size: b"".join(
            b'{"step": %d00, "epoch": 1, "train_loss": 1.0}\n' % number
            for number in range(1, size // 43)
        ),
    ],
    ids=["empty-lines", "one-line", "sparse", "repeated", "growing"],
)
def test_huge_log_is_not_read_whole(
    run: Path, tmp_path: Path, content: Callable[[int], bytes]
) -> None:
    log, whole = tmp_path / "huge.jsonl", content(2**23)
    tracemalloc.start()
    for start, checkpoint in ((b"", (0, 0)), ((run / "metrics.jsonl").read_bytes(), (2, 8))):
        log.write_bytes(start + whole)
        tracemalloc.reset_peak()
        with contextlib.suppress(InputError):
            assert len(metrics_log.read(log, *checkpoint, epoch_steps=4)) == checkpoint[0]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**20


@pytest.mark.parametrize("resumed", [False, True])
def test_files_of_the_user_are_kept(run: Path, tmp_path: Path, *, resumed: bool) -> None:
    folder = run if resumed else tmp_path / "new"
    files = {
        folder / name: name
        for name in (
            *(".movie.mkv.part", ".config.json.0123.part", ".0123456789abcdef.part"),
            *("a.0123456789abcdef.part", ".a.0123456789ABCDEF.part", "checkpoints/.mine.part"),
        )
    }
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (folder / ".folder.0123456789abcdef.part").mkdir()
    if resumed:
        resume(run, epochs=3)
    else:
        with pytest.raises(InputError, match="is not empty"):
            Run.start(folder, Config(data=""))
    assert {path: path.read_text() for path in files} == files
    assert (folder / ".folder.0123456789abcdef.part").is_dir()


def test_file_in_the_place_of_the_lock_is_kept(run: Path, tmp_path: Path) -> None:
    for folder in (run, tmp_path / "new"):
        folder.mkdir(exist_ok=True)
        (folder / ".lock").write_text("mine")
    with pytest.raises(InputError, match=r"\.lock is in the way.*: move it away"):
        resume(run, epochs=3)
    with pytest.raises(InputError, match="is not empty"):
        Run.start(tmp_path / "new", Config(data=""))
    assert [(folder / ".lock").read_text() for folder in (run, tmp_path / "new")] == ["mine"] * 2


def test_runs_of_the_same_second_share_nothing(small_cifar10: Path, tmp_path: Path) -> None:
    """The second run starts when the first has saved a checkpoint."""
    config = Config(data=str(small_cifar10), device="cpu", epochs=1, max_steps=1)
    first, second = (Run.start(tmp_path / "run", config, unique=True) for _ in range(2))
    lines: list[str] = []
    for run in (first, second):
        Trainer(run, lambda line, *_: lines.append(line)).fit()
    assert (first.folder.name, second.folder.name) == ("run", "run-2")
    assert (second.checkpoints / "epoch-001.pt").is_file()
    assert lines.count("epoch") == 2
    assert "resumed" not in lines
