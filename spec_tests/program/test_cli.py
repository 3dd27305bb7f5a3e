"""The command line: what it prints, its exit codes, and one line for each bad input."""

import io
import json
from functools import partial
from pathlib import Path

import pytest
import torch

from reference.app.messages import LINES, language
from reference.cli import main
from reference.data import synthetic_cifar10

Capture = pytest.CaptureFixture[str]


def test_cli_train_json_is_one_document(
    small_cifar10: Path, tmp_path: Path, capsys: Capture
) -> None:
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


def test_cli_train_speaks_the_courses_chinese(
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


def test_cli_languages_have_the_same_lines() -> None:
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
def test_cli_language_follows_the_locale(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], expected: str
) -> None:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert language() == expected


def test_cli_evaluate_repeats_the_runs_own_numbers(
    small_cifar10: Path, tmp_path: Path, capsys: Capture
) -> None:
    data = ["--data", str(small_cifar10), "--device", "cpu", "--json"]
    options = ["--epochs", "1", "--batch-size", "30", "--out", str(tmp_path / "run")]
    assert main(["train", *data, *options]) == 0
    (epoch,) = json.loads(capsys.readouterr().out)["epochs"]
    assert main(["evaluate", str(tmp_path / "run/checkpoints/epoch-001.pt"), *data]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["total_loss"] == epoch["test_loss"]
    assert found["accuracy"] == epoch["test_accuracy"] == found["correct"] / 100
    assert (found["images"], found["batches"]) == (100, 4)


def test_cli_predict_answers_for_each_image(checkpoint: Path, image: Path, capsys: Capture) -> None:
    assert main(["predict", str(image), str(image), "--checkpoint", str(checkpoint)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert main(["predict", str(image), "--checkpoint", str(checkpoint), "--json"]) == 0
    (answer,) = json.loads(capsys.readouterr().out)
    assert answer["image"] == str(image)
    assert lines[0] == f"{image}: {answer['class']} ({answer['probability']:.3f})"


def test_cli_checkpoint_with_damaged_options_is_one_line(
    checkpoint: Path, image: Path, capsys: Capture
) -> None:
    for config in ({"batch_size": "many", "data": ""}, {"colour": 1}, [1]):
        state = torch.load(checkpoint, weights_only=True)
        torch.save({"model": state, "config": config}, checkpoint.with_name("damaged.pt"))
        options = ["--checkpoint", str(checkpoint.with_name("damaged.pt")), "--device", "cpu"]
        assert main(["predict", str(image), *options]) == 2
        assert "damaged.pt" in capsys.readouterr().err


def test_cli_speaks_chinese_to_a_terminal_without_it(
    small_cifar10: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr("sys.stdout", stream)
    options = ["--data", str(small_cifar10), "--out", str(tmp_path / "run"), "--device", "cpu"]
    assert main(["train", *options, "--epochs", "1", "--lang", "zh"]) == 0
    stream.seek(0)
    assert "250" in stream.readline()


def test_cli_doctor_json(capsys: Capture) -> None:
    assert main(["doctor", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["ok"] is True
    assert torch.device(printed["device"]).type
    assert {"check": "torch", "ok": True, "detail": torch.__version__, "cure": ""} in printed[
        "findings"
    ]


def test_cli_data_draws_the_stand_in(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_little = partial(synthetic_cifar10.write, images_per_file={"data_batch_1": 10})
    monkeypatch.setattr(synthetic_cifar10, "write", write_little)
    assert main(["data", str(tmp_path / "new")]) == 0
    assert (tmp_path / "new/cifar-10-batches-py/data_batch_1").is_file()
    assert str(tmp_path / "new") in capsys.readouterr().out


def test_cli_draws_the_stand_in_on_first_use_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, checkpoint: Path, capsys: Capture
) -> None:
    sizes = {f"data_batch_{n}": 10 for n in range(1, 6)} | {"test_batch": 20}
    write_little = partial(synthetic_cifar10.write, images_per_file=sizes)
    monkeypatch.setattr(synthetic_cifar10, "write", write_little)
    monkeypatch.chdir(tmp_path)
    drawn = []
    for _ in range(2):
        assert main(["evaluate", str(checkpoint), "--device", "cpu", "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["images"] == 20
        drawn.append(Path("data/stand-in/cifar-10-batches-py/test_batch").stat().st_mtime_ns)
    assert drawn[0] == drawn[1]
