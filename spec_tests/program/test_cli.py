"""The command line: what each command prints, and its exit codes."""

import io
import json
import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

from reference.app.messages import LINES, language
from reference.app.process import interruptible_imports
from reference.cli import main
from reference.data import synthetic_cifar10
from reference.models.course import Tudui
from spec_tests import paths

Capture = pytest.CaptureFixture[str]


def test_train_json_is_one_document(small_cifar10: Path, tmp_path: Path, capsys: Capture) -> None:
    options = ["--data", str(small_cifar10), "--epochs", "2", "--device", "cpu"]
    assert main(["train", *options, "--out", str(tmp_path / "run"), "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed.keys() == {"run", "device", "epochs"}
    assert (printed["run"], printed["device"]) == (str(tmp_path / "run"), "cpu")
    assert [epoch["epoch"] for epoch in printed["epochs"]] == [1, 2]
    assert printed["epochs"][0].keys() >= {
        "epoch",
        "train_loss",
        "test_loss",
        "test_accuracy",
        "images",
        "seconds",
    }


def test_train_prints_the_courses_chinese(
    small_cifar10: Path, tmp_path: Path, capsys: Capture
) -> None:
    options = ["--data", str(small_cifar10), "--epochs", "1", "--batch-size", "2"]
    options += ["--device", "cpu", "--lang", "zh", "--out", str(tmp_path / "run")]
    assert main(["train", *options]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:4] == [
        "训练数据集的长度为：250",
        "测试数据集的长度为：100",
        "训练设备：cpu",
        "-------第 1 轮训练开始-------",
    ]
    assert lines[4].startswith("训练次数：100, Loss: 2.")
    assert lines[5].startswith("整体测试集上的Loss: ")
    assert lines[6].startswith("整体测试集上的正确率: 0.")
    assert lines[7] == "模型已保存"


def test_languages_have_the_same_lines() -> None:
    assert LINES["zh"].keys() == LINES["en"].keys()
    for name in LINES["zh"]:
        assert LINES["zh"][name].count("{}") == LINES["en"][name].count("{}")


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "en_US.UTF-8"}, "en"),
        ({"LANG": "en_US.UTF-8", "LC_ALL": "zh_TW"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "LC_MESSAGES": "C"}, "en"),
    ],
)
def test_language_follows_the_locale(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], expected: str
) -> None:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert language() == expected


def test_evaluate_repeats_the_numbers_of_the_run(
    small_cifar10: Path, tmp_path: Path, capsys: Capture
) -> None:
    data = ["--data", str(small_cifar10), "--device", "cpu", "--json"]
    options = ["--epochs", "1", "--batch-size", "30", "--out", str(tmp_path / "run")]
    assert main(["train", *data, *options]) == 0
    (epoch,) = json.loads(capsys.readouterr().out)["epochs"]
    assert main(["evaluate", str(tmp_path / "run/checkpoints/epoch-001.pt"), *data]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["total_loss"] == epoch["test_loss"]
    assert result["accuracy"] == epoch["test_accuracy"] == result["correct"] / 100
    assert (result["images"], result["batches"]) == (100, 4)


def test_predict_answers_for_each_image(checkpoint: Path, image: Path, capsys: Capture) -> None:
    assert main(["predict", str(image), str(image), "--checkpoint", str(checkpoint)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert main(["predict", str(image), "--checkpoint", str(checkpoint), "--json"]) == 0
    (answer,) = json.loads(capsys.readouterr().out)
    assert answer["image"] == str(image)
    assert lines[0] == f"{image}: {answer['class']} ({answer['probability']:.3f})"


def test_checkpoint_with_damaged_options_is_one_line(
    checkpoint: Path, image: Path, capsys: Capture
) -> None:
    for config in ({"batch_size": "many", "data": ""}, {"colour": 1}, [1]):
        state = torch.load(checkpoint, weights_only=True)
        torch.save({"model": state, "config": config}, checkpoint.with_name("damaged.pt"))
        options = ["--checkpoint", str(checkpoint.with_name("damaged.pt")), "--device", "cpu"]
        assert main(["predict", str(image), *options]) == 2
        assert "damaged.pt" in capsys.readouterr().err


@pytest.mark.parametrize("old", [{"eager": True}, {"eager": False}, {}])
def test_checkpoint_that_stores_eager_can_be_used(
    checkpoint: Path, image: Path, capsys: Capture, old: dict[str, bool]
) -> None:
    state = torch.load(checkpoint, weights_only=True)
    torch.save({"model": state, "config": {"data": "", **old}}, checkpoint)
    assert main(["predict", str(image), "--checkpoint", str(checkpoint), "--device", "cpu"]) == 0
    assert capsys.readouterr().err == ""


def test_help_shows_the_defaults_of_the_options(capsys: Capture) -> None:
    with pytest.raises(SystemExit):
        main(["train", "--help"])
    words = " ".join(capsys.readouterr().out.split())
    assert "--batch-size N images per step, over all processes (default: 64)" in words
    assert (
        "--weights FILE the initial weights of vgg16; none for random ones (default: none)" in words
    )
    assert "--no-cuda-graph on CUDA, do not replay the step as a CUDA graph --max-steps" in words


def test_chinese_is_escaped_on_an_ascii_terminal(
    small_cifar10: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr("sys.stdout", stream)
    options = ["--data", str(small_cifar10), "--out", str(tmp_path / "run"), "--device", "cpu"]
    assert main(["train", *options, "--epochs", "1", "--lang", "zh"]) == 0
    stream.seek(0)
    assert "250" in stream.readline()


def test_doctor_json(capsys: Capture) -> None:
    assert main(["doctor", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["ok"] is True
    assert torch.device(printed["device"]).type
    assert {"check": "torch", "ok": True, "detail": torch.__version__, "cure": ""} in printed[
        "findings"
    ]


def test_data_draws_the_stand_in(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_little = partial(synthetic_cifar10.write, images_per_file={"data_batch_1": 10})
    monkeypatch.setattr(synthetic_cifar10, "write", write_little)
    assert main(["data", str(tmp_path / "new")]) == 0
    assert (tmp_path / "new/cifar-10-batches-py/data_batch_1").is_file()
    assert str(tmp_path / "new") in capsys.readouterr().out


def test_stand_in_is_drawn_on_first_use_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, checkpoint: Path, capsys: Capture
) -> None:
    sizes = {f"data_batch_{n}": 10 for n in range(1, 6)} | {"test_batch": 20}
    ensure_little = partial(synthetic_cifar10.ensure, images_per_file=sizes)
    monkeypatch.setattr(synthetic_cifar10, "ensure", ensure_little)
    monkeypatch.chdir(tmp_path)
    times = []
    for _ in range(2):
        assert main(["evaluate", str(checkpoint), "--device", "cpu", "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["images"] == 20
        times.append(Path("data/stand-in/cifar-10-batches-py/test_batch").stat().st_mtime_ns)
    assert times[0] == times[1]


def run_course(*args: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run the program in a process of its own."""
    command = [sys.executable, "-m", "reference", *args]
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    environment = dict(os.environ, PYTHONPATH=str(paths.ROOT)) | options.pop("env", {})
    return subprocess.run(
        command, env=environment, text=True, encoding="latin-1", check=False, timeout=60, **options
    )


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_json_is_valid_in_every_encoding(encoding: str, tmp_path: Path) -> None:
    (script := tmp_path / "é😀.py").write_text("from torch import (\n", encoding="utf-8")
    done = run_course("check", "--json", str(script), env={"PYTHONIOENCODING": encoding})
    document = json.loads(done.stdout.encode("latin-1").decode(encoding))
    assert document["findings"][0]["path"] == str(script)


@pytest.mark.parametrize("argument", ["a\nb\x1b[31m", "x" * 100_000])
def test_wrong_usage_is_one_short_line(argument: str, capsys: Capture) -> None:
    with pytest.raises(SystemExit) as exited:
        main(["train", argument])
    line = capsys.readouterr().err
    assert exited.value.code == 2
    assert len(line) < 1100
    assert line.removesuffix("\n").isprintable()


def test_answers_cannot_control_the_terminal(small_cifar10: Path, capsys: Capture) -> None:
    folder = small_cifar10.parent / "a\x1b[31m\rb"
    folder.symlink_to(small_cifar10)
    weights = small_cifar10.parent / "weights.pt"
    torch.save(Tudui().state_dict(), weights)
    assert main(["evaluate", str(weights), "--data", str(folder)]) == 0
    out, err = capsys.readouterr()
    assert "a\\x1b[31m\\rb" in out
    assert "\x1b" not in out + err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, a device of Linux")
@pytest.mark.parametrize("args", [["--help"], ["models"], ["models", "--json"]], ids="-".join)
def test_standard_output_on_a_full_disk(args: list[str]) -> None:
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        done = run_course(*args, stdout=full)
    assert done.returncode == 2
    assert done.stderr == (
        "course: standard output cannot be written (No space left on device): redirect it "
        "elsewhere\n"
    )


@pytest.mark.skipif(os.name == "nt", reason="Windows deletes no folder that is in use")
def test_a_current_folder_that_was_deleted(tmp_path: Path) -> None:
    (folder := tmp_path / "gone").mkdir()
    done = run_course("models", cwd=folder, preexec_fn=folder.rmdir)
    assert done.returncode == 2
    assert done.stderr == ("course: the current folder no longer exists: change to another one\n")


def test_an_import_that_fails_is_one_line(tmp_path: Path) -> None:
    done = run_course("models", "tudui", cwd=tmp_path, env={"TORCH_LOGS": "nonsense"})
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "unset environment variables such as TORCH_*" in done.stderr


def test_an_interrupt_during_an_import_ends_the_program(tmp_path: Path) -> None:
    module = "import os, signal\ntry:\n os.kill(os.getpid(), signal.SIGINT)\nfinally:\n print(1)\n"
    (tmp_path / "interrupted.py").write_text(module, encoding="utf-8")
    program = (
        "import signal\n"
        "from reference.app.process import interruptible_imports\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # ignored in the background
        "with interruptible_imports():\n    import interrupted\n"
    )
    environment = dict(os.environ, PYTHONPATH=f"{paths.ROOT}{os.pathsep}{tmp_path}")
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"course: interrupted\n")


def test_an_interrupt_elsewhere_is_an_exception() -> None:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in the background
    try:
        with pytest.raises(KeyboardInterrupt), interruptible_imports():
            os.kill(os.getpid(), signal.SIGINT)
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)
