"""`course explain`, and the claims that it searches."""

import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from reference import claims
from reference.cli import main

Capture = pytest.CaptureFixture[str]
QUESTION = "map_location cpu 加载 gpu 模型"


def test_claims_have_texts_in_both_languages() -> None:
    claim = claims.load()["saveload.whole-model"]
    assert claim.lesson == "P26"
    assert claim.text("en").startswith("UnpicklingError: Weights only load failed")
    assert claim.text("zh").startswith("报 UnpicklingError")
    assert "weights_only=False" in claim.write
    holds = claims.load()["saveload.state-dict-restores"]
    assert (holds.text("en"), holds.text("zh")) == (holds.says, holds.zh)
    assert claims.lesson_titles()["P26"] == {"en": "Saving and loading", "zh": "模型的保存与读取"}


def test_claims_are_read_in_20_ms() -> None:
    def seconds() -> float:
        claims.load.cache_clear()
        start = time.process_time()
        claims.load()
        return time.process_time() - start

    assert min(seconds() for _ in range(5)) < 0.02


@pytest.fixture
def stdin(monkeypatch: pytest.MonkeyPatch) -> Callable[[bytes], None]:
    """Return a function that sets the content of standard input."""

    def write(content: bytes) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))

    return write


def test_answer_has_cause_code_and_lesson(capsys: Capture) -> None:
    assert main(["explain", QUESTION, "--lang", "en"]) == 0
    first = capsys.readouterr().out.split("\n\n")[0]
    claim = claims.load()["saveload.map-location"]
    assert first.startswith(claim.text("en"))
    assert first.endswith("\nLesson P26, Saving and loading (saveload.map-location)")
    assert main(["explain", QUESTION, "--lang", "zh"]) == 0
    answer = capsys.readouterr().out
    assert answer.startswith(claim.text("zh"))
    assert "\n课程 P26：模型的保存与读取（saveload.map-location）\n" in answer


def test_code_to_write_is_indented(capsys: Capture) -> None:
    assert main(["explain", "vgg16(pretrained=True)", "--lang", "en"]) == 0
    assert "\nWrite:\n    import torchvision\n" in capsys.readouterr().out


def test_json_has_at_most_three_answers(capsys: Capture) -> None:
    assert main(["explain", QUESTION, "--json", "--lang", "zh"]) == 0
    answers = json.loads(capsys.readouterr().out)["answers"]
    claim = claims.load()["saveload.map-location"]
    assert answers[0] == {
        "claim": claim.id,
        "lesson": "P26",
        "cause": claim.text("zh"),
        "write": claim.write,
    }
    assert len(answers) == 3


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (["--lang", "en"], "No statement of the course is about this."),
        (["--lang", "zh"], "课程里没有与此相关的内容。"),
        (["--json"], '{"answers": []}'),
    ],
)
def test_nothing_found_is_one_line(options: list[str], line: str, capsys: Capture) -> None:
    assert main(["explain", "how to boil eggs", *options]) == 1
    assert capsys.readouterr().out == f"{line}\n"


@pytest.mark.parametrize("arguments", [[], ["-"]])
def test_text_comes_from_standard_input(
    arguments: list[str], stdin: Callable[[bytes], None], capsys: Capture
) -> None:
    stdin(QUESTION.encode())
    assert main(["explain", *arguments, "--json"]) == 0
    assert "saveload.map-location" in capsys.readouterr().out


def test_text_may_be_several_arguments(capsys: Capture) -> None:
    assert main(["explain", *QUESTION.split(), "--json"]) == 0
    assert "saveload.map-location" in capsys.readouterr().out


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
def test_text_comes_from_a_file(tmp_path: Path, encoding: str, capsys: Capture) -> None:
    path = tmp_path / "log.txt"
    path.write_text("最大池化怎么取整", encoding=encoding)
    assert main(["explain", str(path), "--json"]) == 0
    assert '"maxpool.' in capsys.readouterr().out


def test_folder_may_be_named_like_a_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("pin_memory").mkdir()
    assert main(["explain", "pin_memory", "--json"]) == 0
    assert "dataloader.pin-memory" in capsys.readouterr().out


def test_very_long_argument_is_a_text(capsys: Capture) -> None:
    assert main(["explain", f"{'/a' * 5000} {QUESTION}", "--json"]) == 0
    assert main(["explain", "/a" * 5000]) == 1
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("name", "content", "line"),
    [
        ("a.log", b"", "nothing to explain: give a message, a traceback, or a file with one"),
        ("a.log", b" \n", "nothing to explain: give a message, a traceback, or a file with one"),
        ("a.log", b"Py\0thon", "a.log is not a text: give a traceback or a message"),
        ("a.log", b"a" * 1_000_001, "a.log has over 1000000 bytes: give only the traceback"),
        ("a.py", b"import torch", "a.py is a script: course check reads it, course run runs it"),
    ],
    ids=["empty", "blank", "binary", "huge", "script"],
)
def test_unusable_file_is_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Capture,
    *,
    name: str,
    content: bytes,
    line: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(name).write_bytes(content)
    assert main(["explain", name]) == 2
    assert capsys.readouterr().err == f"course: {line}\n"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no FIFOs")
def test_fifo_is_refused(tmp_path: Path, capsys: Capture) -> None:
    os.mkfifo(tmp_path / "fifo")
    assert main(["explain", str(tmp_path / "fifo")]) == 2
    assert capsys.readouterr().err.endswith("fifo is not a regular file: give a file\n")


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"\x81", b"\xd6\xd0\xff", b"\xef\xbb\xbf"])
def test_damaged_text_ends_without_a_traceback(
    tmp_path: Path, content: bytes, capsys: Capture
) -> None:
    path = tmp_path / "log.txt"
    path.write_bytes(content + b" x")
    assert main(["explain", str(path)]) == 1
    assert capsys.readouterr().err == ""


def test_huge_standard_input_is_refused(stdin: Callable[[bytes], None], capsys: Capture) -> None:
    stdin(b"a" * 1_000_001)
    assert main(["explain"]) == 2
    assert "standard input has over 1000000 bytes" in capsys.readouterr().err


def test_explain_imports_nothing_heavy() -> None:
    code = "from reference.cli import main; main(['explain', 'pin_memory']); import sys; "
    code += "print(sorted({'torch', 'numpy', 'PIL', 'libcst', 'tomllib'} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert done.stdout.splitlines()[-1] == b"[]"
