"""The exceptions and warnings in a printed text, and the learner's code beside them."""

from __future__ import annotations

import re
from dataclasses import dataclass

# The name of a class at the end of a line or before a colon: `_pickle.UnpicklingError: Weights …`.
TYPE = re.compile(
    r"(?<![\w.])((?:[A-Za-z_]\w*\.)*)([A-Za-z_]\w*(?:Error|Exception|Warning|Interrupt|Exit"
    r"|Iteration)|(?<=\.)error)(?=[ \t]*(?::|：|$))[ \t]*[:：]?",
    re.ASCII | re.MULTILINE,
)
# Where a message ends: the next part of a traceback.
END = re.compile(
    r'\n(?=Traceback \(|Original Traceback|During handling|The above exception|[ \t]*File ")'
)
FRAME = re.compile(r'^[ \t]*File "([^"\n]+)", line \d+.*\n[ \t]+(.+)$', re.MULTILINE)
LIBRARY = re.compile(r"site-packages|dist-packages|[\\/]lib[\\/]|<frozen", re.IGNORECASE)
CELL = re.compile(r"^-+> ?\d+ (.+)$", re.MULTILINE)

PUNCTUATION = str.maketrans("：，；！？（）【】“”‘’`´\u3000\xa0", ":,;!?()[]\"\"''''  ")
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True, slots=True)
class Printed:
    """An exception or a warning as a traceback prints it.

    Attributes:
        type: the name of its class, without modules.
        message: the text behind the colon, with all its lines.
    """

    type: str
    message: str


def clean(text: str) -> str:
    """Return a text without a terminal's colours and with Python's ends of lines."""
    return COLOUR.sub("", text).replace("\r\n", "\n")


def exceptions(text: str) -> list[Printed]:
    """Return the exceptions in a text, in its order: of a traceback the last is what stopped it."""
    found = list(TYPE.finditer(text))
    ends = [*(match.start() for match in found[1:]), len(text)][: len(found)]
    return [
        Printed(match[2], END.split(text[match.end() : end], maxsplit=1)[0].strip())
        for match, end in zip(found, ends, strict=True)
    ]


def own_code(text: str) -> str:
    """Return the learner's own last line in a traceback, or of the cell in a notebook's."""
    own: list[str] = [line for path, line in FRAME.findall(text) if not LIBRARY.search(path)]
    if own:
        return own[-1].strip()
    cell = CELL.search(text)
    return cell[1].strip() if cell else ""


def plain(text: str) -> str:
    """Return a text with ASCII punctuation and single spaces, as a message is compared."""
    return " ".join(text.translate(PUNCTUATION).split())
