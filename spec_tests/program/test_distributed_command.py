"""`course train` in several processes: the same log as in one, and one line for each failure."""

import itertools
import json
import os
import re
import signal
import subprocess
import sys
import time
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
from reference.training import distributed, trainer
from spec_tests.support.multiprocess import TIMEOUT, Result, run_ranks
from spec_tests.support.runs import read_metrics, read_weights

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot fork processes")

LOST = (
    "course: a process of this run was lost or stopped: course train --resume --out FOLDER "
    "continues it, with any number of processes\n"
)
RUN = ["--epochs=2", "--batch-size=48", "--shuffle", "--seed=2", "--device=cpu"]
# Sums of 48 x 32 x 32 products in another order: a gradient near 1 differs by about
# sqrt(49,152) x 6e-8, and a weight after 20 steps of 0.01 by 3e-6.
FLOAT32 = {"rtol": 1e-5, "atol": 3e-6}


def torchrun(world: int, *program: str | Path) -> subprocess.CompletedProcess[str]:
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    return subprocess.run(
        [*launcher, f"--nproc-per-node={world}", *program],
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )


@pytest.fixture(scope="module")
def whole_run(small_cifar10: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run in one process that was not interrupted."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    assert main(["train", *RUN, "--data", str(small_cifar10), "--out", str(folder)]) == 0
    return folder


def assert_same_run(folder: Path, other: Path) -> None:
    """Assert that two runs have the same epochs, with equal results in float32."""
    for record, expected in zip(read_metrics(folder), read_metrics(other), strict=True):
        assert record == pytest.approx(expected, rel=1e-5, abs=0)
    for epoch in (1, 2):
        torch.testing.assert_close(
            read_weights(folder, epoch), read_weights(other, epoch), **FLOAT32
        )


@pytest.mark.slow
def test_torchrun_trains_as_one_process_does(
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
    """Train; rank 0 is killed before its eighth step, in the second epoch."""
    step, count = trainer.train_step, itertools.count(1)

    def train_step(*args: object) -> torch.Tensor:
        if os.environ["RANK"] == "0" and next(count) == 8:
            os.kill(os.getpid(), signal.SIGKILL)
        return step(*args)

    trainer.train_step = train_step
    return main(argv)


def test_run_that_lost_a_process_resumes_with_another_number_of_them(
    small_cifar10: Path, tmp_path: Path, whole_run: Path
) -> None:
    folder = tmp_path / "run"
    start = ["train", *RUN, "--data", str(small_cifar10), "--out", str(folder)]
    killed, *others = run_ranks(3, tmp_path / "lost", lose_rank_0, start)
    assert (killed.code, killed.err) == (-signal.SIGKILL, "")
    assert sorted(result.err for result in others) == ["", LOST]
    assert [result.code for result in others] == [1, 1]
    assert not (folder / "checkpoints" / "epoch-002.pt").exists()

    results = run_ranks(2, tmp_path / "ranks", main, ["train", "--resume", "--out", str(folder)])
    assert [(result.code, result.err) for result in results] == [(0, ""), (0, "")]
    assert_same_run(folder, whole_run)
    assert main(["train", "--resume", "--epochs=3", "--out", str(folder)]) == 0


def train_with_dropout(argv: list[str]) -> int:
    """Train a network that draws random numbers in each step."""
    trainer.build = lambda *_, **__: nn.Sequential(nn.Dropout(), Tudui())
    return main(argv)


def lose_rank_0_with_dropout(argv: list[str]) -> int:
    trainer.build = lambda *_, **__: nn.Sequential(nn.Dropout(), Tudui())
    return lose_rank_0(argv)


def test_run_resumed_with_as_many_processes_is_the_same_bit_for_bit(
    small_cifar10: Path, tmp_path: Path
) -> None:
    """With three processes: a sum of two numbers does not depend on their order."""
    runs = [tmp_path / "whole", tmp_path / "resumed"]
    start = ["train", *RUN, "--data", str(small_cifar10)]
    for number, (program, argv, code) in enumerate(
        [
            (train_with_dropout, [*start, "--out", str(runs[0])], 0),
            (lose_rank_0_with_dropout, [*start, "--out", str(runs[1])], -signal.SIGKILL),
            (train_with_dropout, ["train", "--resume", "--out", str(runs[1])], 0),
        ]
    ):
        first, *_ = run_ranks(3, tmp_path / str(number), program, argv)
        assert (first.code, first.err) == (code, "")
    torch.testing.assert_close(*(read_weights(run, 2) for run in runs), rtol=0, atol=0)
    assert read_metrics(runs[0]) == read_metrics(runs[1])


def draw_and_train(argv: list[str], folder: Path) -> int:
    os.chdir(folder)
    sizes = dict.fromkeys(synthetic_cifar10.IMAGES_PER_FILE, 20)
    synthetic_cifar10.ensure = partial(synthetic_cifar10.ensure, images_per_file=sizes)
    return main(argv)


def test_stand_in_is_drawn_once(tmp_path: Path) -> None:
    argv = ["train", "--epochs=1", "--device=cpu", "--out=run", "--json", "--precision=bf16"]
    first, *others = run_ranks(3, tmp_path / "ranks", draw_and_train, argv, tmp_path)
    assert first.code == 0
    assert json.loads(first.out)["epochs"][0]["images"] == 20
    assert others == [Result(0, "", ""), Result(0, "", "")]


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
def test_bad_input_is_one_line(
    small_cifar10: Path, tmp_path: Path, options: list[str], line: str
) -> None:
    argv = ["train", *RUN, "--data", str(small_cifar10), "--out", str(tmp_path / "run")]
    argv += [option.format(tmp=tmp_path) for option in options]
    results = run_ranks(2, tmp_path / "ranks", main, argv)
    printed = "".join(result.err for result in results)
    assert line in printed
    assert printed.count("\n") == 1
    (code,) = (result.code for result in results if result.err)
    assert code == (1 if "--lr" in options else 2)
    assert all(result.code for result in results)


def fail_on_rank_1(argv: list[str], failure: Callable[[], None]) -> int:
    """Train; `failure` is called on rank 1 before its third step."""
    step, count = trainer.train_step, itertools.count(1)

    def train_step(*args: object) -> torch.Tensor:
        if os.environ["RANK"] == "1" and next(count) == 3:
            failure()
        return step(*args)

    trainer.train_step = train_step
    return main(argv)


def bad_input() -> None:
    raise InputError("an error on rank 1 only")


def interrupt() -> None:
    # A shell starts background processes with SIGINT ignored: restore Python's handler.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.raise_signal(signal.SIGINT)


def stop() -> None:
    signal.raise_signal(signal.SIGTERM)


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize(
    ("failure", "codes", "line"),
    [
        (bad_input, [1, 2], "course: an error on rank 1 only\n"),
        (interrupt, [1, 130], "course: interrupted: course train --resume --out FOLDER continues "),
        (stop, [1, 1], LOST),
        (die, [1, -9], LOST),
    ],
)
def test_process_that_fails_ends_the_others_with_one_line(
    small_cifar10: Path,
    tmp_path: Path,
    failure: Callable[[], None],
    codes: list[int],
    line: str,
) -> None:
    argv = ["train", *RUN, "--data", str(small_cifar10), "--out", str(tmp_path / "run")]
    results = run_ranks(2, tmp_path / "ranks", fail_on_rank_1, argv, failure)
    printed = "".join(result.err for result in results)
    assert printed.startswith(line)
    assert printed.count("\n") == 1
    assert [result.code for result in results] == codes


def connect(variables: dict[str, str]) -> int:
    """Train; no other process can be reached."""
    os.environ |= variables
    distributed.CONNECT_SECONDS = 1
    return main(["train"])


@pytest.mark.parametrize(
    "variables",
    [
        {"RANK": "1", "MASTER_PORT": "1"},  # nothing listens there
        {"RANK": "1", "MASTER_PORT": "1", "TORCHELASTIC_USE_AGENT_STORE": "False"},
        {"RANK": "1", "MASTER_ADDR": "no-such-host.invalid"},
        {"RANK": "0", "TORCHELASTIC_USE_AGENT_STORE": "False"},  # it waits for rank 1
        {"RANK": "0"},
    ],
    ids=str,
)
def test_process_without_the_others_ends_in_one_line(
    tmp_path: Path, variables: dict[str, str]
) -> None:
    """Without the limit, torch waits for 30 minutes."""
    variables |= {"WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2", "LOCAL_RANK": variables["RANK"]}
    start = time.perf_counter()
    (result,) = run_ranks(1, tmp_path, connect, variables)
    assert time.perf_counter() - start < TIMEOUT / 2
    assert re.fullmatch(
        r"course: torchrun's processes cannot connect \(.+\): check its MASTER_ADDR and "
        r"MASTER_PORT, and that all its processes are started\n",
        result.err,
    )
    assert (result.code, result.out) == (1, "")
