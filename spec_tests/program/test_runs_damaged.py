"""A run's folder that was killed while it started, damaged, or tampered with."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from reference.cli import main
from reference.errors import InputError
from reference.files import atomic_write, read_regular
from reference.training.runs import Run
from reference.training.trainer import Trainer
from spec_tests.support.runs import read_metrics, read_weights, train

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def run(small_cifar10: Path, tmp_path: Path) -> Path:
    """The folder of a run of two epochs."""
    train(tmp_path / "run", small_cifar10, epochs=2, device="cpu")
    return tmp_path / "run"


def resume(folder: Path, epochs: int = 2) -> Trainer:
    trainer = Trainer(Run.resume(folder, {"epochs": epochs}), lambda *_: None)
    trainer.fit()
    return trainer


@pytest.mark.parametrize(
    "left",
    [
        [],
        ["checkpoints/"],
        ["checkpoints/", ".lock"],
        ["checkpoints/", ".lock", ".config.json.0123456789abcdef.part"],
        ["checkpoints/", "checkpoints/.epoch-001.pt.0123456789abcdef.part", ".lock"],
    ],
    ids=["folder", "checkpoints", "lock", "config-part", "checkpoint-part"],
)
@pytest.mark.parametrize("option", [[], ["--resume"]], ids=["start", "resume"])
def test_killed_while_it_started_counts_as_empty(
    small_cifar10: Path, tmp_path: Path, left: list[str], option: list[str]
) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    for name in left:
        path = folder / name
        path.mkdir() if name.endswith("/") else path.touch()
    options = ["--data", str(small_cifar10), "--epochs=1", "--device=cpu", "--out", str(folder)]
    assert main(["train", *options, *option]) == 0
    assert [record["epoch"] for record in read_metrics(folder)] == [1]
    assert list(folder.rglob("*.part")) == []


@pytest.mark.parametrize("name", ["notes.txt", "checkpoints/epoch-001.pt", "checkpoints/notes.txt"])
def test_folder_with_anything_else_is_not_empty(
    small_cifar10: Path, tmp_path: Path, capsys: Capture, name: str
) -> None:
    path = tmp_path / "run" / name
    path.parent.mkdir(parents=True)
    path.touch()
    options = ["train", "--data", str(small_cifar10), "--out", str(tmp_path / "run")]
    assert main(options) == 2
    assert "is not empty: choose another --out" in capsys.readouterr().err
    assert main([*options, "--resume"]) == 2
    assert "contains no run: leave out --resume" in capsys.readouterr().err


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[:60],
        lambda text: text.splitlines(keepends=True)[1],
        lambda text: text * 2,
        lambda text: text.replace('"test_accuracy"', '"accuracy"', 1),
        lambda text: text.replace('"step": 8', '"step": 7', 1),
        lambda text: text.replace('"step": 4', f'"step": {2**64}', 1),
        lambda text: text.replace('"step": 4', f'"step": {"9" * 5000}', 1),
        lambda text: text.replace('"images": 100', '"images": null', 1),
        lambda text: text.replace('"images": 100', '"images": true', 1),
        lambda text: text.replace('"test_loss": ', '"test_loss": 1e999, "x": ', 1),
        lambda text: text.replace('"epoch": 1', '"epoch": NaN', 1),
        lambda text: text.replace('"epoch": 1', '"epoch": "1"', 1),
        lambda text: "[" * 100_000 + "\n" + text,
        lambda _: "",
        lambda text: "null\n" + text,
    ],
    ids=[
        *("cut", "first-line", "twice", "key", "step", "int64", "digits", "null", "bool"),
        *("infinity", "nan", "string", "nested", "empty", "no-record"),
    ],
)
def test_log_shorter_than_its_checkpoint_is_refused(
    run: Path, damage: Callable[[str], str]
) -> None:
    log = run / "metrics.jsonl"
    log.write_text(damage(log.read_text()))
    before = log.read_bytes()
    with pytest.raises(InputError, match=r"metrics\.jsonl lacks lines of epoch [12], or they are"):
        resume(run, epochs=3)
    assert log.read_bytes() == before


def test_what_the_message_advises_restores_the_log(run: Path) -> None:
    whole, weights = read_metrics(run), read_weights(run, 2)
    log = run / "metrics.jsonl"
    log.write_text(log.read_text().splitlines(keepends=True)[0])
    with pytest.raises(InputError, match=r"delete the checkpoints from epoch-002\.pt on"):
        resume(run)
    (run / "checkpoints" / "epoch-002.pt").unlink()
    resume(run)
    assert read_metrics(run) == whole
    torch.testing.assert_close(read_weights(run, 2), weights, rtol=0, atol=0)


def change(path: Path, edit: Callable[[dict[str, Any]], object]) -> None:
    checkpoint = torch.load(path, weights_only=True)
    edit(checkpoint)
    torch.save(checkpoint, path)


@pytest.mark.parametrize(
    "edit",
    [
        lambda saved: saved.update(epoch=float("inf")),
        lambda saved: saved.update(epoch=10**30),
        lambda saved: saved.update(epoch=1),
        lambda saved: saved.update(epoch=True),
        lambda saved: saved.update(step=float("nan")),
        lambda saved: saved.update(step=saved["step"] + 1),
        lambda saved: saved.update(step=-1),
        lambda saved: saved["optimizer"]["param_groups"][0].pop("lr"),
        lambda saved: saved["optimizer"]["param_groups"][0].update(lr=float("nan")),
        lambda saved: saved["optimizer"]["param_groups"][0].update(lr="0.01"),
        lambda saved: saved["optimizer"]["param_groups"][0].update(momentum=0.9),
        lambda saved: saved["optimizer"]["param_groups"][0].update(params=[0]),
        lambda saved: saved["optimizer"].update(param_groups=[]),
        lambda saved: saved["rng"].update(cpu=torch.zeros(3, dtype=torch.uint8)),
        lambda saved: saved["config"].update(speed=9),
    ],
    ids=[
        *("epoch-inf", "epoch-huge", "epoch-other", "epoch-bool", "step-nan", "step-other"),
        *("step-negative", "no-lr", "lr-nan", "lr-text", "momentum", "params", "no-groups"),
        *("rng", "option"),
    ],
)
def test_numbers_of_another_run_are_refused(
    run: Path, edit: Callable[[dict[str, Any]], object]
) -> None:
    change(run / "checkpoints" / "epoch-002.pt", edit)
    with pytest.raises(InputError, match=r"epoch-002\.pt is not a checkpoint of this run: move"):
        resume(run, epochs=3)


def test_options_of_another_run_are_refused(run: Path) -> None:
    change(run / "checkpoints" / "epoch-002.pt", lambda saved: saved["config"].update(seed=5))
    line = r"epoch-002\.pt was saved with --seed 5, and config\.json says 0: it belongs to another"
    with pytest.raises(InputError, match=line):
        resume(run, epochs=3)


@pytest.mark.parametrize("name", ["config.json", "metrics.jsonl", "checkpoints/epoch-002.pt"])
def test_fifo_is_refused_at_once(run: Path, capsys: Capture, name: str) -> None:
    (run / name).unlink()
    os.mkfifo(run / name)
    assert main(["train", "--resume", "--out", str(run)]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_endless_file_is_refused(run: Path, capsys: Capture) -> None:
    (run / "config.json").unlink()
    (run / "config.json").symlink_to("/dev/zero")
    assert main(["train", "--resume", "--out", str(run)]) == 2
    assert "config.json is not a regular file" in capsys.readouterr().err


def test_large_file_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    with path.open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(InputError, match=r"config\.json has \d+ bytes, more than 1000"):
        read_regular(path, 1000)


def test_planted_links_are_not_followed(run: Path, tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_text("precious")
    for name in (".config.json.part", ".metrics.jsonl.part", "checkpoints/.epoch-003.pt.part"):
        (run / name).symlink_to(target)
    resume(run, epochs=3)
    assert target.read_text() == "precious"


def test_part_is_created_exclusively(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "target").write_text("precious")
    monkeypatch.setattr("os.urandom", lambda _: b"\x00")
    (tmp_path / ".a.00.part").symlink_to(tmp_path / "target")
    with pytest.raises(FileExistsError), atomic_write(tmp_path / "a"):
        pass
    assert (tmp_path / "target").read_text() == "precious"


def test_runs_of_the_same_second_get_separate_folders(
    small_cifar10: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("time.strftime", lambda _: "20260101-000000")
    folders = []
    for _ in range(3):
        options = ["--data", str(small_cifar10), "--epochs=1", "--max-steps=1", "--json"]
        assert main(["train", "--device=cpu", *options]) == 0
        folders.append(json.loads(capsys.readouterr().out)["run"])
    assert folders == [f"runs/20260101-000000{suffix}" for suffix in ("", "-2", "-3")]
