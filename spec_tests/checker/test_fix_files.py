"""`course check --fix` loses nothing, and `--diff` is a patch."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from reference.checker.engine import Checker
from reference.checker.sources import Source
from reference.cli import main

MISTAKE = (
    "from torchvision import transforms\n\nresize = transforms.Resize(512, 512)\nprint(resize)\n"
)
FIXED = MISTAKE.replace("512, 512", "(512, 512)")
CLEAN = "import torch\n\nprint(torch.ones(2))\n"


@pytest.mark.parametrize(
    "content",
    [bytes(range(256)), b"\x89PNG\r\n\x1a\n\xff\xfe\x81", b"# coding: rot13\nimport torch\n"],
    ids=["binary", "picture", "rot13"],
)
def test_fix_leaves_what_is_no_script(content: bytes, tmp_path: Path) -> None:
    (path := tmp_path / "a.py").write_bytes(content)
    assert main(["check", "--fix", str(path)]) == 1
    assert path.read_bytes() == content


@pytest.mark.skipif(not shutil.which("git"), reason="needs git")
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("end", ["\n", ""])
def test_diff_is_a_patch(
    end: str,
    newline: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    monkeypatch.chdir(tmp_path)
    code, fixed = (
        "\n".join(text.splitlines()[:3]).replace("\n", newline) + end.replace("\n", newline)
        for text in (MISTAKE, FIXED)
    )
    path = Path("resize.py")
    path.write_bytes(code.encode())
    main(["check", "--diff", str(path)])
    diff = capfdbinary.readouterr().out
    subprocess.run(["git", "apply", "-p0", "-"], input=diff, check=True)  # noqa: S607
    assert path.read_bytes() == fixed.encode()


def test_fix_of_a_file_that_changes_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (path := tmp_path / "resize.py").write_text(MISTAKE, encoding="utf-8")
    fix = Checker.fix

    def slow_fix(*arguments: Any) -> Source:
        path.write_text(CLEAN, encoding="utf-8")
        return fix(*arguments)

    monkeypatch.setattr(Checker, "fix", slow_fix)
    assert main(["check", "--fix", str(path)]) == 2
    assert path.read_text(encoding="utf-8") == CLEAN
    assert "changed while it was corrected" in capsys.readouterr().err


def test_fix_refuses_a_read_only_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (path := tmp_path / "resize.py").write_text(MISTAKE, encoding="utf-8")
    path.chmod(0o444)
    assert main(["check", "--fix", str(path)]) == 2
    assert path.read_text(encoding="utf-8") == MISTAKE
    assert "is read-only" in capsys.readouterr().err


def test_fix_writes_nothing_if_a_file_cannot_be_read(tmp_path: Path) -> None:
    path, other = tmp_path / "resize.py", tmp_path / "a.ipynb"
    path.write_text(MISTAKE, encoding="utf-8")
    other.write_text("{", encoding="utf-8")
    assert main(["check", "--fix", str(path), str(other)]) == 2
    assert path.read_text(encoding="utf-8") == MISTAKE
