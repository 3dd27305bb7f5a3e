"""Self-tests: how adapters are found and imported."""

import re
import sys
from pathlib import Path

import pytest

from spec_tests.harness.adapters import load

RELU = "def relu(input):\n    return input.clip(0)\n"


def _adapter(folder: Path, text: str = RELU) -> Path:
    path = folder / "my-adapter.py"  # no name of a module
    path.write_text(text, encoding="utf-8")
    return path


def _refusal(name: str | Path) -> str:
    with pytest.raises(pytest.UsageError) as caught:
        load(str(name))
    return str(caught.value)


def test_unknown_implementation_is_a_usage_error() -> None:
    assert re.fullmatch(
        r"--impl nosuch\.adapter: No module named 'nosuch'; for an adapter anywhere on disk, give "
        r"its file \(--impl path/to/adapter\.py\); built in are .*torch\.compile",
        _refusal("nosuch.adapter"),
    )


def test_adapter_by_its_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = _adapter(tmp_path)
    assert set(load(str(path)).functions) == {"relu"}
    monkeypatch.chdir(tmp_path)
    assert load("./my-adapter.py").name == "./my-adapter.py"
    assert set(load("my-adapter.py").functions) == {"relu"}


def test_adapter_imports_modules_beside_it(tmp_path: Path) -> None:
    (tmp_path / "beside_my_adapter.py").write_text(RELU, encoding="utf-8")
    path = _adapter(tmp_path, "from beside_my_adapter import relu\n")
    assert set(load(str(path)).functions) == {"relu"}
    assert str(tmp_path) not in sys.path


def test_dependency_that_is_missing_is_named(tmp_path: Path) -> None:
    path = _adapter(tmp_path, "import nosuch_engine\n")
    assert _refusal(path) == f"--impl {path}: No module named 'nosuch_engine'"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("1 / 0\n", "ZeroDivisionError: division by zero"),
        ("raise SystemExit('no engine')\n", "SystemExit: no engine"),
        ("def relu(:\n", "SyntaxError: invalid syntax"),
        ("raise OSError('libengine.so:\\n  not found')\n", "OSError: libengine.so:"),
        ("", "no functions: an adapter's have the names of the operators"),
    ],
)
def test_adapter_that_cannot_be_imported_gets_one_line(
    tmp_path: Path, text: str, reason: str
) -> None:
    path = _adapter(tmp_path, text)
    refusal = _refusal(path)
    assert refusal.startswith(f"--impl {path}: {reason}")
    assert "\n" not in refusal


def test_file_that_does_not_exist(tmp_path: Path) -> None:
    assert _refusal(tmp_path / "nosuch.py") == f"--impl {tmp_path / 'nosuch.py'}: no such file"


def test_warning_of_an_import_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = f"import warnings\nwarnings.warn('old engine\\nuse another')\n{RELU}"
    path = _adapter(tmp_path, text)
    assert set(load(str(path)).functions) == {"relu"}
    assert capsys.readouterr().err == f"--impl {path}: UserWarning: old engine\n"
