"""A run that was killed at any moment, or is extended, gets the same weights bit for bit."""

import itertools
import json
import multiprocessing
import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from reference.cli import main
from reference.data import synthetic_cifar10
from reference.errors import InputError
from reference.training import trainer as training
from reference.training.config import Config
from reference.training.runs import Run
from reference.training.trainer import Trainer
from spec_tests.support.runs import read_metrics, read_weights, train

WHOLE_RUN = ["--epochs=3", "--batch-size=50", "--shuffle", "--seed=2", "--device=cpu"]


@pytest.fixture(scope="module")
def whole_run(small_cifar10: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run that was not interrupted."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    assert main(["train", *WHOLE_RUN, "--data", str(small_cifar10), "--out", str(folder)]) == 0
    return folder


def die(*_args: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def before_the_first_step() -> None:
    training.train_step = die


def in_the_second_epoch() -> None:
    count, step = itertools.count(1), training.train_step
    training.train_step = lambda *args: die() if next(count) == 6 else step(*args)


def before_a_test_is_logged() -> None:
    Run.record = die


def while_a_test_is_logged() -> None:
    def half(run: Run, record: dict[str, Any]) -> None:
        run.metrics.write_text(json.dumps(record)[:20])
        die()

    Run.record = half


def while_the_first_checkpoint_is_written() -> None:
    def half(_content: object, path: Path) -> None:
        path.write_bytes(b"PK half a checkpoint")
        die()

    torch.save = half


def before_the_second_checkpoint_takes_its_place() -> None:
    replace = Path.replace
    Path.replace = lambda part, path: die() if path.name == "epoch-002.pt" else replace(part, path)


def after_the_second_checkpoint() -> None:
    save = Run.save
    Run.save = lambda run, epoch, state: (save(run, epoch, state), die() if epoch == 2 else None)


MOMENTS = [
    before_the_first_step,
    in_the_second_epoch,
    before_a_test_is_logged,
    while_a_test_is_logged,
    while_the_first_checkpoint_is_written,
    before_the_second_checkpoint_takes_its_place,
    after_the_second_checkpoint,
]


def train_until(moment: Callable[[], None], argv: list[str]) -> None:
    """Run the command line in a process that `moment` will kill."""
    moment()
    main(argv)


@pytest.fixture(scope="module")
def processes() -> multiprocessing.context.BaseContext:
    """A multiprocessing context whose new processes start with the modules already imported."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["reference.training.trainer", "torch._dynamo", __name__])
    return context


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_run_resumes_to_the_same_weights(
    processes: multiprocessing.context.BaseContext,
    small_cifar10: Path,
    tmp_path: Path,
    whole_run: Path,
    moment: Callable[[], None],
) -> None:
    folder = tmp_path / "run"
    argv = ["train", *WHOLE_RUN, "--data", str(small_cifar10), "--out", str(folder)]
    process = processes.Process(target=train_until, args=(moment, argv))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL

    assert main(["train", "--resume", "--out", str(folder)]) == 0
    for epoch in (1, 2, 3):
        saved, whole = read_weights(folder, epoch), read_weights(whole_run, epoch)
        torch.testing.assert_close(saved, whole, rtol=0, atol=0)
    assert read_metrics(folder) == read_metrics(whole_run)
    assert not list(folder.rglob("*.part"))
    board = EventAccumulator(str(folder)).Reload()
    assert [event.step for event in board.Scalars("test_loss")] == [0, 1, 2]


def test_run_can_be_extended(small_cifar10: Path, tmp_path: Path, whole_run: Path) -> None:
    folder = tmp_path / "run"
    options = [*WHOLE_RUN, "--epochs", "1", "--data", str(small_cifar10)]
    assert main(["train", *options, "--out", str(folder)]) == 0
    assert main(["train", "--resume", "--epochs", "3", "--out", str(folder)]) == 0
    torch.testing.assert_close(read_weights(folder, 3), read_weights(whole_run, 3), rtol=0, atol=0)
    assert json.loads((folder / "config.json").read_text())["options"]["epochs"] == 3


def test_resumes_from_the_newest_checkpoint(small_cifar10: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    train(folder, small_cifar10, epochs=2, device="cpu")
    lines = []
    trainer = Trainer(Run.resume(folder, {"epochs": 3}), lambda *line: lines.append(line))
    trainer.fit()
    assert ("resumed", 2) in lines
    assert [line for line in lines if line[0] == "epoch"] == [("epoch", 3)]


def test_loads_all_the_state_in_the_checkpoint(small_cifar10: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    train(folder, small_cifar10, epochs=1, device="cpu")
    path = folder / "checkpoints" / "epoch-001.pt"
    checkpoint = torch.load(path, weights_only=True)
    checkpoint["optimizer"]["param_groups"][0]["lr"] = 0.125
    checkpoint["rng"]["cpu"] = torch.Generator().manual_seed(99).get_state()
    torch.save(checkpoint, path)
    resumed = Trainer(Run.resume(folder, {}), lambda *_: None)
    resumed.fit()
    assert resumed.optimizer.param_groups[0]["lr"] == 0.125
    assert torch.equal(torch.get_rng_state(), checkpoint["rng"]["cpu"])
    assert (resumed.epoch, resumed.step) == (1, 4)


def test_another_option_is_refused(whole_run: Path) -> None:
    before = (whole_run / "config.json").read_bytes()
    with pytest.raises(InputError, match=r"--lr 0\.5: the run in .* was started with 0\.01"):
        Run.resume(whole_run, {"lr": 0.5})
    assert (whole_run / "config.json").read_bytes() == before


@pytest.mark.parametrize("eager", [True, False])
def test_run_that_stores_eager_is_resumed(
    small_cifar10: Path, tmp_path: Path, *, eager: bool
) -> None:
    run = train(tmp_path / "run", small_cifar10, epochs=1, device="cpu").run
    config = run.folder / "config.json"
    content = json.loads(config.read_text())
    del content["options"]["cuda_graph"]
    content["options"]["eager"] = eager
    config.write_text(json.dumps(content))
    checkpoint = torch.load(run.checkpoints / "epoch-001.pt", weights_only=True)
    checkpoint["config"] = content["options"]
    torch.save(checkpoint, run.checkpoints / "epoch-001.pt")
    assert main(["train", "--resume", "--epochs", "2", "--out", str(run.folder)]) == 0
    options = json.loads(config.read_text())["options"]
    assert options["cuda_graph"] is not eager
    assert "eager" not in options


def test_damaged_options_are_refused(tmp_path: Path) -> None:
    contents = ["", "[]", '{"options": {}}', '{"options": {"data": "x", "colour": 1}}']
    contents += ['{"options": ["data"]}', '{"options": {"data": "x", "eager": "yes"}}']
    contents += ['{"options": {"data": "x", "model": "vgg16-all-edits"}}']
    for content in contents:
        (tmp_path / "config.json").write_text(content)
        with pytest.raises(InputError, match=r"config\.json cannot be used"):
            Run.resume(tmp_path, {})


def test_damaged_log_is_refused_with_its_epoch(small_cifar10: Path, tmp_path: Path) -> None:
    trainer = train(tmp_path / "run", small_cifar10, epochs=2, device="cpu")
    text = trainer.run.metrics.read_text().replace('"epoch": 1', '"epoch"')
    trainer.run.metrics.write_text(text)
    resumed = Trainer(Run.resume(tmp_path / "run", {"epochs": 3}), lambda *_: None)
    with pytest.raises(InputError, match=r"metrics\.jsonl lacks lines of epoch 1, or they are"):
        resumed.fit()
    assert trainer.run.metrics.read_text() == text


def test_run_in_use_by_another_process_is_refused(small_cifar10: Path, tmp_path: Path) -> None:
    first, second = (
        Run.start(tmp_path / "run", Config(data=str(small_cifar10), epochs=1)) for _ in range(2)
    )
    with first.open():
        with pytest.raises(InputError, match="another process is using this run"), second.open():
            pass
        assert (tmp_path / "run" / "config.json").is_file()
    with pytest.raises(InputError, match="now contains another run"), second.open():
        pass


def test_data_may_move_but_not_change(small_cifar10: Path, tmp_path: Path) -> None:
    folder, moved = tmp_path / "run", tmp_path / "moved"
    train(folder, small_cifar10, epochs=1, device="cpu")
    shutil.copytree(small_cifar10, moved)
    assert main(["train", "--resume", "--out", str(folder), "--data", str(moved)]) == 0
    synthetic_cifar10.write(tmp_path / "other", seed=1)
    resumed = Run.resume(folder, {"data": str(tmp_path / "other")})
    with pytest.raises(InputError, match="other contains other images than those the run in"):
        Trainer(resumed, lambda *_: None)


@pytest.mark.parametrize("name", ["epoch-best.pt", "epoch-01.pt", "epoch-abc.pt", "epoch-2.pt.bak"])
def test_files_of_other_names_are_not_checkpoints(
    small_cifar10: Path, tmp_path: Path, name: str
) -> None:
    trainer = train(tmp_path / "run", small_cifar10, epochs=1, device="cpu")
    (trainer.run.checkpoints / name).write_bytes(b"foreign")
    assert trainer.run.last_checkpoint() == trainer.run.checkpoints / "epoch-001.pt"


@pytest.mark.parametrize("part", ["model", "optimizer", "rng", "epoch", "step"])
def test_damaged_checkpoint_is_refused_with_what_to_do(
    small_cifar10: Path, tmp_path: Path, part: str
) -> None:
    folder = tmp_path / "run"
    train(folder, small_cifar10, epochs=1, device="cpu")
    path = folder / "checkpoints" / "epoch-001.pt"
    torch.save(torch.load(path, weights_only=True) | {part: {}}, path)
    before = (folder / "config.json").read_bytes(), (folder / "metrics.jsonl").read_bytes()
    resumed = Trainer(Run.resume(folder, {"epochs": 2}), lambda *_: None)
    with pytest.raises(
        InputError, match=r"epoch-001\.pt is not a checkpoint of this run.*move it away"
    ):
        resumed.fit()
    assert before == (
        (folder / "config.json").read_bytes(),
        (folder / "metrics.jsonl").read_bytes(),
    )
