"""Draw the pictures of the READMEs: a terminal with a script that fails, and the answer.

    python -m spec_tests.report.pictures

writes docs/images/check.svg and check.zh-CN.svg. Needs rich: `nox -s docs` installs it.
"""

import io
import os
import re
import sys
import tempfile
from contextlib import chdir, redirect_stdout
from pathlib import Path

from rich.console import Console
from rich.text import Text

from reference.checker.finding import Language
from reference.cli import main as course
from spec_tests import paths

WIDTH = 92  # columns
SCRIPT = """\
import torch
model = torch.load("tudui.pth")
output = model(torch.ones(64, 3, 32, 32))
"""
SAVED = """\
import torch
from model import Tudui
torch.save(Tudui(), "tudui.pth")
"""
FILES: dict[Language, str] = {"en": "check.svg", "zh": "check.zh-CN.svg"}

# Without rich's own fonts, which a reader's browser would fetch from the network.
SVG = """\
<svg class="rich-terminal" viewBox="0 0 {terminal_width} {terminal_height}" \
xmlns="http://www.w3.org/2000/svg" role="img" aria-label="course check">
<style>
.{unique_id}-matrix {{ font-family: Consolas, Menlo, "Noto Sans Mono CJK SC", monospace; \
font-size: {char_height}px; line-height: {line_height}px; }}
{styles}
</style>
<rect fill="#292929" width="{terminal_width}" height="{terminal_height}" rx="8"/>
<g transform="translate({terminal_x}, {terminal_x})">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


def terminal(lang: Language) -> str:
    """Return what a terminal shows: the script, and what `course check` prints."""
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        Path("load.py").write_text(SCRIPT, encoding="utf-8")
        Path("save.py").write_text(SAVED, encoding="utf-8")
        with redirect_stdout(io.StringIO()) as output:
            course(["check", "--lang", lang, "load.py"])
    return f"$ cat load.py\n{SCRIPT}\n$ course check load.py\n{output.getvalue()}"


def picture(text: str) -> str:
    """Return a picture of a terminal with a text, as SVG."""
    console = Console(record=True, width=WIDTH, file=io.StringIO())
    for line in [*text.splitlines(), ""]:  # the height that rich computes is a line too small
        console.print(Text(line, style="bold" if line.startswith(("$", "  >")) else ""))
    svg = console.export_svg(title="course check", code_format=SVG, unique_id="course")
    # rich gives each line the length of as many Latin letters, which squeezes Chinese.
    return re.sub(r' textLength="[^"]*"', "", svg)


def main() -> int:
    """Write the pictures."""
    folder = paths.DOCS / "images"
    folder.mkdir(exist_ok=True)
    for lang, name in FILES.items():
        Path(folder, name).write_text(picture(terminal(lang)), encoding="utf-8", newline="\n")
    return os.EX_OK


if __name__ == "__main__":
    sys.exit(main())
