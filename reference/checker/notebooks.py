"""Jupyter notebooks: their code cells as one script, and its changes back in the cells."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from reference.checker.parsing import check_syntax, lines_of
from reference.errors import InputError, shown

CELL = "# %%"  # begins the line before each code cell, as in VS Code and Jupytext
KEPT = "pass  # IPython: "  # stands in the script before a line that is not Python

# `%matplotlib inline`, `!pip install torch`, `?help`, `Dataset??`, `files = !ls`
IPYTHON_LINE = re.compile(r"^(\s*)(?=\S)((?:[%!?]|[\w.]+\?{1,2}\s*$|[\w, ]+=\s*[%!](?!=)).*)")
# `%%time` and `%%capture` are followed by Python, other cell magics by another language
# IPython accepts it in each cell, Python only at the beginning of a file
FUTURE = re.compile(r"^([ \t]*)(from[ \t]+__future__[ \t]+import[ \t]+[\w \t,]+)$", re.MULTILINE)
CELL_MAGIC = re.compile(r"\s*%%(?!time\b|timeit\b|capture\b|prun\b)")


@dataclass(frozen=True)
class Notebook:
    """A notebook.

    Attributes:
        content: the whole file, parsed.
        code: its code cells as one script, each after a line `marker`.
        marker: `# %%`, with more signs if a cell contains such a line.
    """

    content: Any
    code: str
    marker: str

    def place(self, line: int) -> tuple[int, int]:
        """Return the code cell, from 1, and the line in it, from 1, of a line of `code`."""
        before = lines_of(self.code)[:line]
        starts = [number for number, text in enumerate(before, 1) if text == self.marker]
        return len(starts), max(line - starts[-1], 1) if starts else line

    def with_code(self, code: str) -> bytes:
        """Return the file with changed code; what the cells printed is kept."""
        texts = re.split(rf"^{self.marker}\n", code, flags=re.MULTILINE)[1:]
        for cell, text in zip(_code_cells(self.content), texts, strict=True):
            old, new = _source(cell), _restored(text)
            if _python(old) != _python(new):
                cell["source"] = new.splitlines(keepends=True)
        text = json.dumps(self.content, ensure_ascii=False, indent=1) + "\n"
        return text.encode(errors="backslashreplace")  # half an emoji is not UTF-8, but is JSON


def parse(data: bytes, name: str) -> Notebook:
    """Parse a notebook.

    Raises:
        InputError: the content is not a notebook of format 4.
    """
    try:
        content = json.loads(data)
        cells = [_python(_source(cell)) for cell in _code_cells(content)]
        "".join(cells).encode()
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise InputError(f"{shown(name)} is not a notebook: save it again in Jupyter") from error
    lines = {line for cell in cells for line in lines_of(cell)}
    marker = CELL
    while marker in lines:
        marker += "%"
    return Notebook(content, "".join(f"{marker}\n{cell}\n" for cell in cells), marker)


def _code_cells(content: Any) -> list[Any]:  # noqa: ANN401 - JSON
    """Return the cells with Python, of a notebook in R none."""
    language = content.get("metadata", {}).get("kernelspec", {}).get("language", "python")
    if language.lower() != "python":
        return []
    return [cell for cell in content["cells"] if cell["cell_type"] == "code"]


def _source(cell: Any) -> str:  # noqa: ANN401 - JSON
    source = cell["source"]
    return source if isinstance(source, str) else "".join(source)


def _python(source: str) -> str:
    """Return a cell's code as Python, with the same number of lines."""
    lines = source.split("\n")
    if CELL_MAGIC.match(source.lstrip("\n")):
        return "\n".join(f"{KEPT}{line}" for line in lines)
    indent = re.match(r"\s*", next((line for line in lines if line.strip()), ""))
    if indent and indent[0]:  # IPython accepts a cell whose first line is indented
        lines = [line.removeprefix(indent[0]) for line in lines]
    text = FUTURE.sub(rf"\1{KEPT}\2", "\n".join(lines))
    if _is_python(text):  # a line that begins with % may continue an expression
        return text
    lines = text.split("\n")
    return "\n".join(IPYTHON_LINE.sub(rf"\1{KEPT}\2", line) for line in lines)


def _is_python(text: str) -> bool:
    try:
        check_syntax(text.encode(), "cell")
    except (SyntaxError, ValueError):
        return False
    return True


def _restored(text: str) -> str:
    return text.removesuffix("\n").replace(KEPT, "")
