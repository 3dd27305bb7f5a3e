"""Bad input and interruptions: one line, the documented exit code, and nothing lost or written."""

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from reference.app.output import MAX_MESSAGE
from reference.checkpoints.files import load_checkpoint
from reference.cli import main
from reference.models.course import Tudui

Capture = pytest.CaptureFixture[str]


def write_damaged_copy(root: Path, data: Path) -> None:
    """Write a copy of the data with one damaged file."""
    folder = root / "damaged" / "cifar-10-batches-py"
    folder.mkdir(parents=True)
    for path in (data / folder.name).iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    (folder / "data_batch_2").write_bytes(b"damaged")


# Options of `course train`, and a part of the one line that it must print.
BAD_TRAINING = {
    "no such folder": (["--data", "{tmp}/none"], "none: no such folder"),
    "empty folder": (["--data", "{tmp}/empty"], "empty has no cifar-10-batches-py/"),
    "damaged batch": (["--data", "{tmp}/damaged"], "data_batch_2 is damaged"),
    "unwritable": (["--out", "{tmp}/file/run"], "file/run cannot be written: choose another"),
    "no epochs": (["--epochs", "0"], "--epochs 0: must be from 1 to"),
    "epochs in words": (["--epochs", "ten"], "--epochs: invalid int value: 'ten'"),
    "batch size": (["--batch-size", "-1"], "--batch-size -1: must be from 1 to"),
    "steps": (["--max-steps", "0"], "--max-steps 0: must be from 1 to"),
    "lr nan": (["--lr", "nan"], "--lr nan: must be a positive number"),
    "lr 0": (["--lr", "0"], "--lr 0.0: must be a positive number"),
    "seed": (["--seed", "-1"], "--seed -1: must be from 0"),
    "precision": (["--precision", "fp8"], "--precision fp8: must be fp32 or bf16"),
    "device": (["--device", "abacus"], "--device abacus: torch knows no such device"),
    "name": (["--out", "{tmp}/\udcff"], "choose a name that can be printed"),
    "a run already": (["--out", "{tmp}/full"], "full is not empty: choose another --out"),
    "no run": (["--resume"], "run contains no run: leave out --resume"),
    "option": (["--speed", "9"], "unrecognized arguments: --speed 9"),
}


@pytest.mark.parametrize("case", BAD_TRAINING)
def test_bad_training_input_is_one_line_and_writes_nothing(
    small_cifar10: Path, tmp_path: Path, capsys: Capture, case: str
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "config.json").write_text("{}")
    write_damaged_copy(tmp_path, small_cifar10)
    before = sorted(tmp_path.rglob("*"))
    options, line = BAD_TRAINING[case]
    good = ["--data", str(small_cifar10), "--out", str(tmp_path / "run"), "--device", "cpu"]
    code = exit_code(["train", *good, *(option.format(tmp=tmp_path) for option in options)])
    printed = capsys.readouterr().err
    assert code == 2
    assert line in printed
    assert printed.count("\n") == 1
    assert sorted(tmp_path.rglob("*")) == before


def exit_code(argv: list[str]) -> int:
    """Run the command line and return its exit code; argparse raises SystemExit."""
    try:
        return main(argv)
    except SystemExit as error:
        return error.code


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:5000])


def save_another_network(path: Path) -> None:
    torch.save(torch.nn.Linear(2, 2).state_dict(), path)


class Code:
    """An object whose pickle prints when it is loaded."""

    def __reduce__(self) -> tuple[Callable[..., None], tuple[str]]:
        return print, ("run!",)


def save_nan(path: Path) -> None:
    state = torch.load(path, weights_only=True)
    state["model.4.bias"][3] = torch.nan
    torch.save(state, path)


def save_code(path: Path) -> None:
    torch.save({"model": Code()}, path)


@pytest.mark.parametrize(
    ("damage", "line"),
    [
        (Path.unlink, "model.pth cannot be read: No such file"),
        (truncate, "model.pth is damaged or not a checkpoint"),
        (save_another_network, "model.pth does not fit the network Tudui: missing: model.0.bias"),
        (save_nan, "model.pth contains weights that are not finite (model.4.bias)"),
        (save_code, "model.pth asks to run code when it is loaded"),
    ],
)
def test_bad_checkpoint_is_one_line(
    checkpoint: Path, image: Path, capsys: Capture, damage: Callable[[Path], None], line: str
) -> None:
    damage(checkpoint)
    commands = [
        ["evaluate", str(checkpoint)],
        ["predict", str(image), "--checkpoint", str(checkpoint)],
    ]
    for command in commands:
        assert main([*command, "--device", "cpu"]) == 2
        printed = capsys.readouterr()
        assert printed.out == ""
        assert line in printed.err
        assert printed.err.count("\n") == 1


def test_bad_image_is_one_line(checkpoint: Path, tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "text.png").write_text("text")
    arguments = [str(tmp_path / "text.png"), "--checkpoint", str(checkpoint)]
    assert main(["predict", *arguments]) == 2
    assert "text.png is not an image" in capsys.readouterr().err


def test_run_that_fails_exits_with_1(small_cifar10: Path, tmp_path: Path, capsys: Capture) -> None:
    options = ["--data", str(small_cifar10), "--out", str(tmp_path / "run"), "--device", "cpu"]
    assert main(["train", *options, "--lr", "1e6", "--epochs", "3"]) == 1
    assert "try a smaller --lr" in capsys.readouterr().err


def test_resume_needs_the_folder(capsys: Capture) -> None:
    assert main(["train", "--resume"]) == 2
    assert capsys.readouterr().err == "course: --resume: give the run's folder with --out\n"


def test_empty_path_is_refused(capsys: Capture) -> None:
    assert exit_code(["train", "--data", ""]) == 2
    assert "--data: the path is empty" in capsys.readouterr().err


def test_diverged_network_is_not_saved(small_cifar10: Path, tmp_path: Path) -> None:
    options = ["--data", str(small_cifar10), "--out", str(tmp_path / "run"), "--device", "cpu"]
    assert main(["train", *options, "--lr", "1e30", "--max-steps", "1"]) == 1
    assert list((tmp_path / "run" / "checkpoints").iterdir()) == []


def test_stand_in_is_not_drawn_for_an_unknown_device(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["train", "--device", "nosuch"]) == 2
    assert list(tmp_path.iterdir()) == []


def test_closed_pipe_ends_without_a_message(checkpoint: Path, image: Path) -> None:
    program = "from reference.cli import main; import sys; sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", program, "predict", image, "--checkpoint", checkpoint]
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, text=True, check=False)
    os.close(write)
    assert (done.returncode, done.stderr) == (1, "")


def test_interruption_is_one_line(
    monkeypatch: pytest.MonkeyPatch, small_cifar10: Path, tmp_path: Path, capsys: Capture
) -> None:
    def interrupt(*_args: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("reference.training.trainer.train_step", interrupt)
    options = ["--data", str(small_cifar10), "--out", str(tmp_path / "run"), "--device", "cpu"]
    assert main(["train", *options]) == 130
    assert capsys.readouterr().err == (
        "course: interrupted: course train --resume --out FOLDER continues a run\n"
    )


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        MemoryError("std::bad_alloc"),
        RuntimeError("[enforce fail] DefaultCPUAllocator: not enough memory: you tried\n to"),
        RuntimeError("can't start new thread"),
        OSError(errno.ENOMEM, os.strerror(errno.ENOMEM)),
        ImportError("libtorch_cpu.so: failed to map segment from shared object"),
    ],
    ids=["python", "bad-alloc", "allocator", "thread", "errno", "loader"],
)
def test_out_of_memory_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: Capture, error: Exception
) -> None:
    def fail(_args: object) -> None:
        raise error

    monkeypatch.setattr("reference.app.commands.models", fail)
    assert main(["models"]) == 1
    printed = capsys.readouterr().err
    assert printed.startswith("course: out of memory (")
    assert printed.count("\n") == 1


def test_other_errors_of_the_program_are_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_args: object) -> None:
        raise RuntimeError("a defect")

    monkeypatch.setattr("reference.app.commands.models", fail)
    with pytest.raises(RuntimeError, match="a defect"):
        main(["models"])


def test_texts_from_a_file_are_escaped_and_cut(tmp_path: Path, capsys: Capture) -> None:
    path = tmp_path / "other.pth"
    torch.save({"\x1b[31m" + "k" * 5000: torch.zeros(1)}, path)
    assert main(["evaluate", str(path), "--device", "cpu"]) == 2
    line = capsys.readouterr().err
    assert line.rstrip("\n").isprintable()
    assert len(line) < 1100
    assert line.endswith(" … " + line[-MAX_MESSAGE // 2 - 1 :])


@pytest.mark.parametrize("option", [[], ["--json"]], ids=["text", "json"])
def test_loss_beyond_all_numbers_is_refused(
    tmp_path: Path, small_cifar10: Path, capsys: Capture, option: list[str]
) -> None:
    weights = {name: value * 1e30 for name, value in Tudui().state_dict().items()}
    torch.save(weights, tmp_path / "huge.pth")
    options = ["--data", str(small_cifar10), "--device", "cpu", *option]
    assert main(["evaluate", str(tmp_path / "huge.pth"), *options]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "its weights are too large" in printed.err


def test_format_without_checksums_is_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for zipped in (True, False):
        path = tmp_path / f"{zipped}.pth"
        torch.save(Tudui().state_dict(), path, _use_new_zipfile_serialization=zipped)
        load_checkpoint(path)
    (message,) = caplog.messages
    assert message.startswith(f"{tmp_path / 'False.pth'} is in the format of torch before 1.6, ")
    assert "no checksums" in message


def test_notice_of_missing_checksums_is_one_line(
    tmp_path: Path, small_cifar10: Path, capsys: Capture
) -> None:
    path = tmp_path / "old.pth"
    torch.save(Tudui().state_dict(), path, _use_new_zipfile_serialization=False)
    for _ in range(2):
        options = ["--data", str(small_cifar10), "--device", "cpu"]
        assert main(["evaluate", str(path), *options]) == 0
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith(f"course: {path} is in the format of torch before 1.6")
