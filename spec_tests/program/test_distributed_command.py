"""course train in several processes: the same log as in one, and none lost unnoticed."""

import itertools
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import torch
from torch import nn

from reference.cli import main
from reference.data import synthetic_cifar10
from reference.errors import InputError
from reference.models.course import Tudui
from reference.training import trainer
from spec_tests.program.test_runs import logged, weights
from spec_tests.support.multiprocess import PATIENCE, Ended, run_ranks

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot fork processes")

LOST = (
    "course: a process of this run was lost or stopped: course train --resume --out FOLDER goes "
    "on, with as many processes as you like\n"
)
RUN = ["--epochs=2", "--batch-size=48", "--shuffle", "--seed=2", "--device=cpu"]
# Sums of 48 x 32 x 32 products in another order: a gradient near 1 is off by about
# sqrt(49,152) x 6e-8, and a weight after 20 steps of 0.01 by 3e-6.
FLOAT32 = {"rtol": 1e-5, "atol": 3e-6}


def torchrun(world: int, *program: str | Path) -> subprocess.CompletedProcess[str]:
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    return subprocess.run(
        [*launcher, f"--nproc-per-node={world}", *program],
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


@pytest.fixture(scope="module")
def whole_run(small_cifar10: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run in one process that nothing interrupted."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    assert main(["train", *RUN, "--data", str(small_cifar10), "--out", str(folder)]) == 0
    return folder


def assert_same_run(folder: Path, other: Path) -> None:
    """The same epochs, with the same results in float32."""
    for record, expected in zip(logged(folder), logged(other), strict=True):
        assert record == pytest.approx(expected, rel=1e-5, abs=0)
    for epoch in (1, 2):
        torch.testing.assert_close(weights(folder, epoch), weights(other, epoch), **FLOAT32)


@pytest.mark.slow
def test_distributed_torchrun_trains_as_one_process_does(
    small_cifar10: Path, tmp_path: Path, whole_run: Path
) -> None:
    folder = tmp_path / "run"
    options = [*RUN, "--data", str(small_cifar10), "--out", str(folder), "--lang=en"]
    done = torchrun(2, "-m", "reference", "train", *options)
    assert done.returncode == 0, done.stderr
    assert_same_run(folder, whole_run)
    lines = done.stdout.splitlines()
    assert [line for line in lines if line.startswith("---")] == [
        "------- epoch 1 -------",
        "------- epoch 2 -------",
    ]
    assert lines.count("model saved") == 2
    assert len(list(folder.glob("events.out.tfevents.*"))) == 1
    config, expected = ((run / "config.json").read_text() for run in (folder, whole_run))
    assert config == expected


def lose_rank_0(argv: list[str]) -> int:
    """Train; the first process is killed before its eighth step, in the second epoch."""
    step, taken = trainer.train_step, []

    def train_step(*args: object) -> torch.Tensor:
        taken.append(args)
        if os.environ["RANK"] == "0" and len(taken) == 8:
            os.kill(os.getpid(), signal.SIGKILL)
        return step(*args)

    trainer.train_step = train_step
    return main(argv)


def test_distributed_run_that_lost_a_process_goes_on_with_other_numbers(
    small_cifar10: Path, tmp_path: Path, whole_run: Path
) -> None:
    folder = tmp_path / "run"
    start = ["train", *RUN, "--data", str(small_cifar10), "--out", str(folder)]
    killed, *others = run_ranks(3, tmp_path / "lost", lose_rank_0, start)
    assert (killed.code, killed.err) == (-signal.SIGKILL, "")
    assert sorted(end.err for end in others) == ["", LOST]
    assert [end.code for end in others] == [1, 1]
    assert not (folder / "checkpoints" / "epoch-002.pt").exists()

    ended = run_ranks(2, tmp_path / "ranks", main, ["train", "--resume", "--out", str(folder)])
    assert [(end.code, end.err) for end in ended] == [(0, ""), (0, "")]
    assert_same_run(folder, whole_run)
    assert main(["train", "--resume", "--epochs=3", "--out", str(folder)]) == 0


def train_with_dropout(argv: list[str]) -> int:
    """Train a network that draws random numbers in each step."""
    trainer.build = lambda *_, **__: nn.Sequential(nn.Dropout(), Tudui())
    return main(argv)


def test_distributed_run_resumed_with_as_many_processes_repeats_every_bit(
    small_cifar10: Path, tmp_path: Path
) -> None:
    runs = [tmp_path / "whole", tmp_path / "resumed"]
    start = ["train", *RUN, "--data", str(small_cifar10)]
    for number, argv in enumerate(
        [
            [*start, "--out", str(runs[0])],
            [*start, "--epochs=1", "--out", str(runs[1])],
            ["train", "--resume", "--epochs=2", "--out", str(runs[1])],
        ]
    ):
        ended = run_ranks(2, tmp_path / str(number), train_with_dropout, argv)
        assert [(end.code, end.err) for end in ended] == [(0, ""), (0, "")]
    torch.testing.assert_close(*(weights(run, 2) for run in runs), rtol=0, atol=0)
    assert logged(runs[0]) == logged(runs[1])


def draw_and_train(argv: list[str], folder: Path) -> int:
    os.chdir(folder)
    sizes = dict.fromkeys(synthetic_cifar10.IMAGES_PER_FILE, 20)
    synthetic_cifar10.write = partial(synthetic_cifar10.write, images_per_file=sizes)
    return main(argv)


def test_distributed_stand_in_is_drawn_once(tmp_path: Path) -> None:
    argv = ["train", "--epochs=1", "--device=cpu", "--out=run", "--json", "--precision=bf16"]
    first, *others = run_ranks(3, tmp_path / "ranks", draw_and_train, argv, tmp_path)
    assert first.code == 0
    assert json.loads(first.out)["epochs"][0]["images"] == 20
    assert others == [Ended(0, "", ""), Ended(0, "", "")]


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (["--speed", "9"], "unrecognized arguments: --speed 9"),
        (["--batch-size", "0"], "--batch-size 0: must be from 1 to"),
        (["--data", "{tmp}/none"], "none: no such folder"),
        (["--out", "{tmp}/ranks"], "ranks is not empty: choose another --out"),
        (["--lr", "1e30"], "try a smaller --lr"),
    ],
)
def test_distributed_bad_input_is_one_line(
    small_cifar10: Path, tmp_path: Path, options: list[str], line: str
) -> None:
    argv = ["train", *RUN, "--data", str(small_cifar10), "--out", str(tmp_path / "run")]
    argv += [option.format(tmp=tmp_path) for option in options]
    ended = run_ranks(2, tmp_path / "ranks", main, argv)
    printed = "".join(end.err for end in ended)
    assert line in printed
    assert printed.count("\n") == 1
    (code,) = (end.code for end in ended if end.err)
    assert code == (1 if "--lr" in options else 2)
    assert all(end.code for end in ended)


def fail_on_rank_1(argv: list[str], failure: Callable[[], None]) -> int:
    """Train, and let rank 1 fail in the third step."""
    step, count = trainer.train_step, itertools.count(1)

    def train_step(*args: object) -> torch.Tensor:
        if os.environ["RANK"] == "1" and next(count) == 3:
            failure()
        return step(*args)

    trainer.train_step = train_step
    return main(argv)


def bad_input() -> None:
    raise InputError("what rank 1 alone sees")


def interrupt() -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background ignores it
    signal.raise_signal(signal.SIGINT)


def stop() -> None:
    signal.raise_signal(signal.SIGTERM)


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize(
    ("failure", "codes", "line"),
    [
        (bad_input, [1, 2], "course: what rank 1 alone sees\n"),
        (interrupt, [1, 130], "course: interrupted; course train --resume --out FOLDER goes on "),
        (stop, [1, 1], LOST),
        (die, [1, -9], LOST),
    ],
)
def test_distributed_process_that_fails_ends_the_others_with_one_line(
    small_cifar10: Path,
    tmp_path: Path,
    failure: Callable[[], None],
    codes: list[int],
    line: str,
) -> None:
    argv = ["train", *RUN, "--data", str(small_cifar10), "--out", str(tmp_path / "run")]
    ended = run_ranks(2, tmp_path / "ranks", fail_on_rank_1, argv, failure)
    printed = "".join(end.err for end in ended)
    assert printed.startswith(line)
    assert printed.count("\n") == 1
    assert [end.code for end in ended] == codes
