"""`course check`: which files, what it prints, how it fixes and what it refuses."""

import errno
import json
import os
from pathlib import Path
from typing import Any

import pytest

from reference.checker import sources
from reference.checker.engine import Checker
from reference.cli import main

MISTAKE = (
    "from torchvision import transforms\n\nresize = transforms.Resize(512, 512)\nprint(resize)\n"
)
FIXED = MISTAKE.replace("512, 512", "(512, 512)")
CLEAN = "import torch\n\nprint(torch.ones(2))\n"
RULE = "size-as-two-numbers"


def write(path: Path, text: str = MISTAKE) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def check_json(capsys: pytest.CaptureFixture[str], *args: str) -> tuple[int, dict[str, Any]]:
    code = main(["check", "--json", *args])
    return code, json.loads(capsys.readouterr().out)


def test_a_finding_says_all_that_json_promises(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path / "resize.py")
    code, result = check_json(capsys, "--lang", "en", str(path))
    assert code == 1
    assert result["files"] == 1
    (finding,) = result["findings"]
    assert "a pair" in finding.pop("message")
    assert finding == {
        "path": str(path),
        "line": 3,
        "column": 10,
        "rule": RULE,
        "claims": ["dataset.resize-two-ints", "transforms.crop-two-numbers"],
        "severity": "error",
        "write": "transforms.Resize((512, 512))",
        "fixable": True,
    }


def test_the_text_has_the_code_and_the_lesson(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path / "resize.py")
    assert main(["check", "--lang", "zh", str(path)]) == 1
    out = capsys.readouterr().out
    assert f"{path}:3:10: 错误: {RULE}" in out
    assert "  > 3 | resize = transforms.Resize(512, 512)\n" in out
    assert "P7" in out
    assert out.endswith(
        "检查了 1 个文件：1 个错误，0 个警告，0 条建议。其中 1 处可以用 --fix 自动修改，"
        "用 --diff 可以先看改动。\n"
    )


def test_clean_code_exits_with_0(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--lang", "en", str(write(tmp_path / "clean.py", CLEAN))]) == 0
    assert capsys.readouterr().out == "Checked 1 file: nothing found.\n"


def test_a_folder_without_installed_and_hidden_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "src" / "a.py")
    write(tmp_path / ".git" / "b.py")
    write(tmp_path / "env" / "lib" / "c.py")
    write(tmp_path / "env" / "pyvenv.cfg", "")
    write(tmp_path / "lib" / "site-packages" / "d.py")
    write(tmp_path / "notes.txt")
    _, result = check_json(capsys, str(tmp_path))
    assert result["files"] == 1
    assert [Path(finding["path"]).name for finding in result["findings"]] == ["a.py"]


def test_many_files_are_checked_in_the_order_of_their_names(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = [str(write(tmp_path / f"{n % 5}" / f"{n:02}.py")) for n in range(60)]
    _, result = check_json(capsys, str(tmp_path))
    assert [finding["path"] for finding in result["findings"]] == sorted(paths)


@pytest.mark.parametrize(
    ("torch", "severity"), [("2.5", "advice"), ("2.6", "error"), ("2.6.0+cu118", "error")]
)
def test_findings_depend_on_the_version_of_torch(
    torch: str, severity: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path / "load.py", 'import torch\n\nnet = torch.load("a.pth")\nnet.eval()\n')
    _, result = check_json(capsys, "--torch", torch, str(path))
    assert [finding["severity"] for finding in result["findings"]] == [severity]


def test_fix_rewrites_the_file_and_prints_how(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path / "resize.py")
    path.chmod(0o640)
    assert main(["check", "--lang", "en", "--fix", str(path)]) == 0
    assert path.read_text(encoding="utf-8") == FIXED
    assert path.stat().st_mode & 0o777 == 0o640
    out = capsys.readouterr().out
    assert "-resize = transforms.Resize(512, 512)\n+resize = transforms.Resize((512, 512))\n" in out
    assert list(tmp_path.iterdir()) == [path]


def test_diff_changes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path / "resize.py")
    assert main(["check", "--diff", str(path)]) == 1
    assert path.read_text(encoding="utf-8") == MISTAKE
    assert "+resize = transforms.Resize((512, 512))\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("encoding", "newline"), [("utf-8", "\r\n"), ("utf-8-sig", "\n"), ("gbk", "\n")]
)
def test_fix_keeps_encoding_and_line_ends(encoding: str, newline: str, tmp_path: Path) -> None:
    cookie = f"# coding: {encoding}\n" if encoding == "gbk" else ""
    text = f"{cookie}# 缩放图片\n"
    path = tmp_path / "resize.py"
    path.write_bytes((text + MISTAKE).replace("\n", newline).encode(encoding))
    assert main(["check", "--fix", str(path)]) == 0
    assert path.read_bytes() == (text + FIXED).replace("\n", newline).encode(encoding)


def test_fix_writes_through_a_link(tmp_path: Path) -> None:
    path = write(tmp_path / "resize.py")
    (link := tmp_path / "link.py").symlink_to(path)
    main(["check", "--fix", str(link)])
    assert link.is_symlink()
    assert path.read_text(encoding="utf-8") == FIXED


@pytest.mark.parametrize(
    "comment",
    ["# course: ignore", f"# course: ignore[{RULE}]", f"# course: ignore[x, {RULE}]  # y"],
)
def test_a_comment_silences_a_line(
    comment: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = MISTAKE.replace("512)", f"512)  {comment}")
    assert check_json(capsys, str(write(tmp_path / "resize.py", code)))[1]["findings"] == []


@pytest.mark.parametrize(
    "comment", ["# course: ignore[other-rule]", "# course: ignored", "# ignore"]
)
def test_other_comments_silence_nothing(
    comment: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = MISTAKE.replace("512)", f"512)  {comment}")
    assert len(check_json(capsys, str(write(tmp_path / "resize.py", code)))[1]["findings"]) == 1


@pytest.mark.parametrize(("option", "count"), [("--select", 1), ("--ignore", 0)])
def test_rules_can_be_selected(
    option: str, count: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path / "resize.py")
    assert len(check_json(capsys, option, RULE, str(path))[1]["findings"]) == count


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (
            ["missing.py"],
            "course: missing.py does not exist: give a script, a notebook or a folder",
        ),
        (["empty"], "course: empty contains no .py and no .ipynb files: give others"),
        (["--torch", "9" * 5000, "a.py"], "give a version such as 2.6"),
        (["--torch", "new", "a.py"], "course: --torch new: give a version such as 2.6"),
        (["--select", "size-as-two", "a.py"], f"'size-as-two' is not a rule: did you mean {RULE}?"),
        (["--ignore", "zzz", "a.py"], "'zzz' is not a rule: use a name that a finding shows"),
    ],
)
def test_wrong_usage_is_one_line(
    args: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "a.py")
    (tmp_path / "empty").mkdir()
    assert main(["check", *args]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert message in err


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("bad.ipynb", "{", "is not a notebook: save it again in Jupyter"),
        ("list.ipynb", "[]", "is not a notebook: save it again in Jupyter"),
        ("huge.py", "#" * 200_001, "has 200001 bytes of code, more than 200000: check a part"),
    ],
)
def test_a_file_that_cannot_be_checked_hides_no_finding(
    name: str, content: str, reason: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / name, content)
    write(tmp_path / "z.py")
    code, result = check_json(capsys, "--lang", "en", str(tmp_path))
    assert (code, result["files"]) == (1, 2)
    unchecked, mistake = result["findings"]
    assert (unchecked["path"], unchecked["rule"]) == (str(tmp_path / name), "not-checked")
    assert reason in unchecked["message"]
    assert (mistake["path"], mistake["rule"]) == (str(tmp_path / "z.py"), RULE)


def test_a_file_without_permission_is_a_finding(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, _: int) -> bytes:  # not chmod: root may read everything
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(sources, "read_regular", refuse)
    assert main(["check", "--lang", "en", str(write(tmp_path / "a.py"))]) == 1
    assert "This file was not checked: Permission denied.\n" in capsys.readouterr().out


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs FIFOs")
def test_a_pipe_is_not_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    os.mkfifo(tmp_path / "pipe")
    code, result = check_json(capsys, "--lang", "en", str(tmp_path / "pipe"))
    assert code == 1
    assert "is not a regular file: give a file" in result["findings"][0]["message"]


def test_code_that_is_nested_too_deeply_is_reported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path / "deep.py", "x = " + "-" * 5000 + "1\n")
    code, result = check_json(capsys, str(path))
    assert code == 1
    assert [finding["rule"] for finding in result["findings"]] == ["not-checked"]


def test_nothing_is_run_or_imported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path / "model.py", "raise SystemExit('ran')\n")
    write(tmp_path / "train.py", "from model import *\nopen('ran', 'w')\n")
    check_json(capsys, str(tmp_path))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.py", "train.py"]


@pytest.mark.parametrize("separator", ["\u2028", "\x0c", "\x1c", "\x85"])
def test_only_ends_of_lines_are_counted(
    separator: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = f"# a{separator}b\n" + MISTAKE.replace("512)", "512)  # course: ignore")
    assert check_json(capsys, str(write(tmp_path / "resize.py", code)))[1]["findings"] == []
    path = write(tmp_path / "resize.py", f"# a{separator}b\n{MISTAKE}")
    main(["check", str(path)])
    assert "> 4 | resize = transforms.Resize(512, 512)" in capsys.readouterr().out


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs FIFOs")
def test_a_folder_with_what_is_no_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path / "resize.py")
    (tmp_path / "gone.py").symlink_to("nothing")
    os.mkfifo(tmp_path / "pipe.py")
    assert check_json(capsys, str(tmp_path))[1]["files"] == 1


def test_interrupt_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Checker, "check", interrupt)
    assert main(["check", str(write(tmp_path / "a.py"))]) == 130
    assert capsys.readouterr() == ("", "course: interrupted\n")
