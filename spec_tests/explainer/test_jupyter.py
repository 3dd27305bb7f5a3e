"""`%load_ext reference`: cells are explained after IPython's own output."""

import os
import subprocess
import sys
from pathlib import Path

SESSION = """
import sys
from IPython.core.interactiveshell import InteractiveShell

shell = InteractiveShell()
shell.run_line_magic("colors", "nocolor")
for magic in sys.argv[1:]:
    shell.run_line_magic(magic, "reference")
for cell in sys.stdin.read().split("# %%"):
    shell.run_cell(cell, store_history=True)
    sys.stdout.flush()
"""
LOAD = "path = 'missing.pth'\nopen(path)\n"  # without torch, whose import takes seconds
WARN = "import warnings\nwarnings.warn(\"The parameter 'pretrained' is deprecated since 0.13\")\n"


def output(folder: Path, *magics: str, cells: str) -> str:
    command = [sys.executable, "-c", SESSION, *magics]
    environment = os.environ | {"IPYTHONDIR": str(folder), "LANG": "en_US.UTF-8", "LC_ALL": ""}
    done = subprocess.run(
        command,
        input=cells,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment,
        check=True,
    )
    return done.stdout


def test_cells_that_run_print_what_they_print(tmp_path: Path) -> None:
    cells = "print(1)\n# %%\n%time 1\n# %%\nimport warnings\nwarnings.warn('odd')"
    assert output(tmp_path, "load_ext", cells="x = 1") == output(tmp_path, cells="x = 1")
    assert "UserWarning: odd" in output(tmp_path, "load_ext", cells=cells)
    assert "course:" not in output(tmp_path, "load_ext", cells=cells)


def test_error_of_a_cell_is_explained_after_the_traceback(tmp_path: Path) -> None:
    cells = f"x = 1\n# %%\n{LOAD}# %%\nprint('next')"
    plain = output(tmp_path, cells=cells)
    explained = output(tmp_path, "load_ext", cells=cells)
    before, after = explained.split("\ncourse: ")
    assert plain.startswith(before)
    assert "FileNotFoundError" in before
    assert "Cell In[2], line 2: open(path)" in after
    assert after.endswith("next\n")


def test_syntax_error_of_a_cell_is_explained(tmp_path: Path) -> None:
    assert "Cell In[1], line 1: print（'x'）" in output(tmp_path, "load_ext", cells="print（'x'）")


def test_warning_of_cells_is_explained_once(tmp_path: Path) -> None:
    printed = output(tmp_path, "load_ext", cells=f"{WARN}# %%\n{WARN}")
    assert printed.count("UserWarning: The parameter") == 2
    assert printed.count("course: what the warning means") == 1


def test_unloaded_extension_explains_nothing(tmp_path: Path) -> None:
    cells = f"{WARN}# %%\n{LOAD}"
    assert output(tmp_path, "load_ext", "unload_ext", cells=cells) == output(tmp_path, cells=cells)
    reloaded = output(tmp_path, "load_ext", "unload_ext", "load_ext", cells=cells)
    assert reloaded.count("course: ") == 2
