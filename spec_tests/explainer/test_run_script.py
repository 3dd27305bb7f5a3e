"""`course run`: a script does and prints what it does under `python`, byte for byte."""

import zipfile
from pathlib import Path

import pytest

from spec_tests.support.course_run import assert_explained, assert_same, both, written
from spec_tests.support.learner_scripts import ENVIRONMENTS, FAILING, SOUND


@pytest.mark.parametrize("code", SOUND.values(), ids=SOUND)
def test_sound_script_runs_as_under_python(tmp_path: Path, code: str) -> None:
    written(tmp_path, code)
    assert_same(tmp_path, "script.py", "a b", "--help", "--json", "--", "-x", "中文", "")


@pytest.mark.parametrize("code", FAILING.values(), ids=FAILING)
def test_failing_script_is_explained_after_its_own_output(tmp_path: Path, code: str) -> None:
    written(tmp_path, code)
    assert_explained(tmp_path, "script.py")


@pytest.mark.parametrize("settings", ENVIRONMENTS.values(), ids=ENVIRONMENTS)
def test_settings_of_the_environment(tmp_path: Path, settings: dict[str, str]) -> None:
    (tmp_path / "extra").mkdir()
    written(tmp_path, "import sys; sys.customized = __file__", "extra/sitecustomize.py")
    names = ("interpreter", "standard-streams", "warnings", "warning-of-unclosed-file")
    for name in names:
        written(tmp_path, SOUND[name], f"{name}-case.py")
    for name in names:
        assert_same(tmp_path, f"{name}-case.py", **settings)


def test_modules_of_the_scripts_folder(tmp_path: Path) -> None:
    """Learners name files like the modules that they use."""
    names = ("ast", "atexit", "json", "logging", "random", "sitecustomize", "torch", "typing")
    names += ("warnings", "reference")
    for name in names:
        written(tmp_path, f"print({name!r}, __file__)", f"{name}.py")
    written(tmp_path, f"import {', '.join(names)}\n")
    assert b"torch.py" in assert_same(tmp_path, "script.py").out
    written(tmp_path, "import warnings\n1 / 0")
    assert "ZeroDivisionError" in assert_explained(tmp_path, "script.py")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("gbk.py", "# coding: gbk\nprint(ascii('中文'))".encode("gbk")),
        ("latin.py", "# coding: latin-1\nprint(ascii('é'))\n1 / 0  # é".encode("latin-1")),
        ("wrong.py", "print('中文')".encode("gbk")),
        ("unknown.py", b"# coding: no-such-encoding\nprint(1)"),
        ("compiled.pyc", b"no bytecode"),
        ("empty.py", b""),
        ("blank in name 中.py", b"print(__file__)"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_content_of_a_script(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    expected, found = both(tmp_path, name)
    assert (found.out, found.code) == (expected.out, expected.code)
    assert found.err.startswith(expected.err)


def test_what_is_no_file(tmp_path: Path) -> None:
    """Check a missing script, a folder, an archive, a link and standard input."""
    (tmp_path / "folder").mkdir()
    written(tmp_path, "", "folder/other.py")
    (tmp_path / "program").mkdir()
    code = "import sys; print(__file__, __spec__, sys.path[0], sys.argv)"
    written(tmp_path, code, "program/__main__.py")
    with zipfile.ZipFile(tmp_path / "archive.zip", "w") as archive:
        archive.write(tmp_path / "program" / "__main__.py", "__main__.py")
    (tmp_path / "link.py").symlink_to(tmp_path / "program" / "__main__.py")
    assert assert_same(tmp_path, "missing.py").code == 2
    assert assert_same(tmp_path, "folder").code == 1
    for name in ("program", "archive.zip", "link.py", str(tmp_path / "program"), "-"):
        assert_same(tmp_path, name, "argument")
    written(tmp_path, "1 / 0", "program/__main__.py")
    assert "__main__.py, line 1: 1 / 0" in assert_explained(tmp_path, "program")
