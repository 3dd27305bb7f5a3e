"""Notebooks are checked like scripts: cells joined, IPython's lines left out, fixes put back."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from reference.checker import notebooks
from reference.cli import main

IMPORT = "from torchvision import transforms\n"
RESIZE = "resize = transforms.Resize(512, 512)\nprint(resize)"


def notebook(*cells: str, kind: str = "code") -> dict[str, Any]:
    return {
        "cells": [
            {"cell_type": kind, "metadata": {}, "source": cell.splitlines(keepends=True)}
            for cell in cells
        ],
        "metadata": {},
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def parsed(*cells: str) -> notebooks.Notebook:
    return notebooks.parse(json.dumps(notebook(*cells)).encode(), "a.ipynb")


@pytest.mark.parametrize(
    "line",
    [
        "%matplotlib inline",
        "!pip install torch",
        "?torch",
        "Dataset??",
        "torch.nn.Conv2d?",
        "files = !ls",
        "%time f()",
        "a, b = %time f()",
    ],
)
@pytest.mark.parametrize("indent", ["    ", "    x\n"])
def test_lines_of_ipython_become_pass_and_back(indent: str, line: str) -> None:
    book = parsed(f"if x:\n{indent}{line}\ny = 2")
    compile(book.code, "a.ipynb", "exec")
    assert (
        book.with_code(book.code)
        == (json.dumps(book.content, ensure_ascii=False, indent=1) + "\n").encode()
    )
    assert line in book.code


@pytest.mark.parametrize(
    "line", ["x = 5 % 3", "x = (1\n% 2)", "x != 3", 's = "a?"', "x = a if b else c"]
)
def test_python_stays_as_it_is(line: str) -> None:
    assert parsed(line).code == f"# %%\n{line}\n"


def test_cells_of_other_languages_are_left_out() -> None:
    compile(parsed("%%bash\nfor f in *; do echo $f; done", "%%time\nx = 1").code, "a.ipynb", "exec")


def test_a_cell_that_begins_with_a_space_is_valid() -> None:
    assert parsed(" x = 1\n y = 2").code == "# %%\nx = 1\ny = 2\n"


def test_lines_are_counted_in_the_joined_cells_and_in_the_cell(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    book = notebook("from torchvision import transforms\n", RESIZE)
    book["cells"].insert(1, {"cell_type": "markdown", "metadata": {}, "source": "text"})
    (path := tmp_path / "load.ipynb").write_text(json.dumps(book), encoding="utf-8")
    assert main(["check", "--json", str(path)]) == 1
    (finding,) = json.loads(capsys.readouterr().out)["findings"]
    assert finding["line"] == 5
    assert finding["cell"] == {"number": 2, "line": 1}
    assert main(["check", "--lang", "en", str(path)]) == 1
    assert "load.ipynb:5:10 (cell 2, line 1): error" in capsys.readouterr().out


def test_fix_changes_only_the_cell_with_the_mistake(tmp_path: Path) -> None:
    book = notebook("%matplotlib inline\nfrom torchvision import transforms", RESIZE, " x = 1")
    book["cells"][1]["outputs"] = [{"text": "结果"}]
    (path := tmp_path / "load.ipynb").write_text(json.dumps(book), encoding="utf-8")
    assert main(["check", "--fix", str(path)]) == 0
    book["cells"][1]["source"][0] = "resize = transforms.Resize((512, 512))\n"
    assert json.loads(path.read_text(encoding="utf-8")) == book


@pytest.mark.parametrize(
    "before",
    ["x = 1\n# %%\n# %%%\n", "s = '\u2028 \x0c'\n", "from __future__ import print_function\n"],
    ids=["marker", "separators", "future"],
)
def test_fix_of_a_cell_after_unusual_lines(before: str, tmp_path: Path) -> None:
    (path := tmp_path / "a.ipynb").write_text(
        json.dumps(notebook("%matplotlib inline", before, f"{IMPORT}{RESIZE}")), encoding="utf-8"
    )
    assert main(["check", "--fix", str(path)]) == 0
    cells = ["".join(cell["source"]) for cell in json.loads(path.read_bytes())["cells"]]
    assert cells == [
        "%matplotlib inline",
        before,
        f"{IMPORT}{RESIZE}".replace("512, 512", "(512, 512)"),
    ]


def test_place_after_unusual_lines() -> None:
    assert parsed("s = '\u2028 \x0c'", "x = 1\ny = 2").place(5) == (2, 2)


def test_half_an_emoji_in_an_output_is_kept(tmp_path: Path) -> None:
    book = notebook(f"{IMPORT}{RESIZE}")
    book["cells"][0]["outputs"] = [{"text": "\ud83d"}]
    (path := tmp_path / "a.ipynb").write_text(json.dumps(book), encoding="utf-8")
    assert main(["check", "--fix", str(path)]) == 0
    assert json.loads(path.read_bytes())["cells"][0]["outputs"] == [{"text": "\ud83d"}]


def test_half_an_emoji_in_code_is_a_finding(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (path := tmp_path / "a.ipynb").write_text(json.dumps(notebook("s = '\ud83d'")))
    assert main(["check", str(path)]) == 1
    assert "not-checked" in capsys.readouterr().out


def test_notebook_in_another_language_is_not_python() -> None:
    book = notebook("x <- c(1, 2)") | {"metadata": {"kernelspec": {"language": "R"}}}
    assert notebooks.parse(json.dumps(book).encode(), "a.ipynb").code == ""


def test_line_of_spaces_is_read_quickly() -> None:
    start = time.perf_counter()
    parsed("x(\n" + " " * 20_000 + "!")
    assert time.perf_counter() - start < 2
