"""A run's folder, its log, and how it goes on after it was killed."""

import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from reference.cli import main
from reference.errors import InputError, RunError
from reference.runs import Config, Run
from reference.training import Trainer


def train(folder: Path, data: Path, **options: object) -> Trainer:
    """Train in this process and return what was trained."""
    trainer = Trainer(Run.start(folder, Config(data=str(data), **options)), lambda *_: None)
    trainer.fit()
    return trainer


def weights(folder: Path, epoch: int) -> dict[str, torch.Tensor]:
    path = folder / "checkpoints" / f"epoch-{epoch:03}.pt"
    return torch.load(path, weights_only=True)["model"]


def logged(folder: Path) -> list[dict[str, object]]:
    """Return the lines of metrics.jsonl without the time that they took."""
    lines = (folder / "metrics.jsonl").read_text().splitlines()
    records = [json.loads(line) for line in lines]
    return [{k: v for k, v in record.items() if k != "seconds"} for record in records]


def test_run_folder_holds_what_the_design_says(small_cifar10: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    train(folder, small_cifar10, epochs=2, batch_size=2, device="cpu", seed=4)
    names = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
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
    assert [record["step"] for record in logged(folder)] == [100, 125, 200, 250]
    checkpoint = torch.load(folder / "checkpoints" / "epoch-002.pt", weights_only=True)
    assert checkpoint.keys() == {"model", "optimizer", "epoch", "step", "rng", "config"}
    assert (checkpoint["epoch"], checkpoint["step"]) == (2, 250)


def test_run_logs_to_tensorboard_what_it_prints(
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
def test_run_repeats_itself(small_cifar10: Path, tmp_path: Path, *, shuffle: bool) -> None:
    first, second = (
        train(tmp_path / name, small_cifar10, epochs=2, shuffle=shuffle, device="cpu")
        for name in "ab"
    )
    torch.testing.assert_close(first.model.state_dict(), second.model.state_dict(), rtol=0, atol=0)


def test_run_options_change_the_weights(small_cifar10: Path, tmp_path: Path) -> None:
    variants = [{}, {"seed": 1}, {"shuffle": True}, {"batch_size": 50}, {"lr": 0.02}]
    variants += [{"precision": "bf16"}, {"max_steps": 3}]
    seen = []
    for number, variant in enumerate(variants):
        options = {"epochs": 1, "device": "cpu", **variant}
        train(tmp_path / str(number), small_cifar10, **options)
        seen.append(weights(tmp_path / str(number), 1)["model.8.bias"])
    for number, bias in enumerate(seen):
        assert not any(torch.equal(bias, other) for other in seen[:number]), variants[number]


def test_run_ends_after_max_steps(small_cifar10: Path, tmp_path: Path) -> None:
    trainer = train(tmp_path / "run", small_cifar10, epochs=5, max_steps=6, device="cpu")
    assert [(r["epoch"], r["step"]) for r in trainer.run.records] == [(1, 4), (2, 6)]


def test_run_that_diverges_says_so(small_cifar10: Path, tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"the loss is (nan|inf) by step \d+: try a smaller --lr"):
        train(tmp_path / "run", small_cifar10, lr=1e6, epochs=3, device="cpu")


# What a run does at a moment, replaced by the end of its process.
KILL = "lambda *a, **k: os.kill(os.getpid(), signal.SIGKILL)"
MOMENTS = {
    "before the first step": f"training.train_step = {KILL}",
    "at step 6, in the second epoch": (
        "steps = itertools.count(1); step = training.train_step\n"
        f"training.train_step = lambda *a: ({KILL})() if next(steps) == 6 else step(*a)"
    ),
    "after a test, before its line is logged": f"runs.Run.record = {KILL}",
    "while the line is logged": (
        "def torn(run, record):\n"
        "    with run.metrics.open('a') as file: file.write(json.dumps(record)[:20])\n"
        f"    ({KILL})()\n"
        "runs.Run.record = torn"
    ),
    "while the first checkpoint is written": (
        f"torch.save = lambda content, path: (path.write_bytes(b'half'), ({KILL})())"
    ),
    "before the second checkpoint takes its place": (
        "pathlib_replace = pathlib.Path.replace\n"
        "pathlib.Path.replace = lambda part, path: (\n"
        f"    ({KILL})() if path.name == 'epoch-002.pt' else pathlib_replace(part, path))"
    ),
    "after the second checkpoint": (
        "save = runs.Run.save\n"
        "runs.Run.save = lambda run, epoch, state: (\n"
        f"    save(run, epoch, state), epoch == 2 and ({KILL})())"
    ),
}


WHOLE_RUN = ["--epochs=3", "--batch-size=50", "--shuffle", "--seed=2", "--device=cpu"]


@pytest.fixture(scope="module")
def whole_run(small_cifar10: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run that nothing interrupted."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    assert main(["train", *WHOLE_RUN, "--data", str(small_cifar10), "--out", str(folder)]) == 0
    return folder


@pytest.mark.parametrize("moment", MOMENTS)
def test_run_killed_and_resumed_ends_in_the_same_weights(
    small_cifar10: Path, tmp_path: Path, whole_run: Path, moment: str
) -> None:
    folder = tmp_path / "run"
    options = [*WHOLE_RUN, "--data", str(small_cifar10)]
    program = (
        "import itertools, json, os, pathlib, signal, sys, torch\n"
        "from reference import cli, runs, training\n"
        f"{MOMENTS[moment]}\n"
        "sys.exit(cli.main(sys.argv[1:]))"
    )
    command = [sys.executable, "-c", program, "train", *options, "--out", str(folder)]
    killed = subprocess.run(command, capture_output=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr

    assert main(["train", "--resume", "--out", str(folder)]) == 0
    for epoch in (1, 2, 3):
        torch.testing.assert_close(
            weights(folder, epoch), weights(whole_run, epoch), rtol=0, atol=0
        )
    assert logged(folder) == logged(whole_run)
    assert not list(folder.rglob("*.part"))
    tags = EventAccumulator(str(folder)).Reload()
    assert [event.step for event in tags.Scalars("test_loss")] == [0, 1, 2]


def test_run_can_be_prolonged(small_cifar10: Path, tmp_path: Path, whole_run: Path) -> None:
    folder = tmp_path / "run"
    options = [*WHOLE_RUN, "--epochs", "1", "--data", str(small_cifar10)]
    assert main(["train", *options, "--out", str(folder)]) == 0
    assert main(["train", "--resume", "--epochs", "3", "--out", str(folder)]) == 0
    torch.testing.assert_close(weights(folder, 3), weights(whole_run, 3), rtol=0, atol=0)
    assert json.loads((folder / "config.json").read_text())["options"]["epochs"] == 3


def test_run_resumed_with_another_option_is_refused(whole_run: Path) -> None:
    before = (whole_run / "config.json").read_bytes()
    with pytest.raises(InputError, match=r"--lr 0\.5: the run in .* was started with 0\.01"):
        Run.resume(whole_run, {"lr": 0.5})
    assert (whole_run / "config.json").read_bytes() == before


def test_run_resumed_from_damaged_options_is_refused(tmp_path: Path) -> None:
    for content in ("", "[]", '{"options": {}}', '{"options": {"data": "x", "colour": 1}}'):
        (tmp_path / "config.json").write_text(content)
        with pytest.raises(InputError, match=r"config\.json is damaged"):
            Run.resume(tmp_path, {})


def test_run_resumed_from_a_damaged_log_names_the_line(small_cifar10: Path, tmp_path: Path) -> None:
    trainer = train(tmp_path / "run", small_cifar10, epochs=2, device="cpu")
    text = trainer.run.metrics.read_text().replace('"epoch": 1', '"epoch"')
    trainer.run.metrics.write_text(text)
    resumed = Trainer(Run.resume(tmp_path / "run", {"epochs": 3}), lambda *_: None)
    with pytest.raises(InputError, match=r"metrics\.jsonl: line 1 is damaged"):
        resumed.fit()
    assert trainer.run.metrics.read_text() == text
