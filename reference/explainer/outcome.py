"""How a script ended: its exit code, the exception that ended it, and the warnings it printed."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Raised:
    """An exception or a warning.

    Attributes:
        types: the names of its class and of the class's bases, without modules.
        message: its text.
        file: the path that the operating system refused; empty for other exceptions.
        notes: the notes of an exception.
        frames: the file and the line of each frame, outermost first; at the end, of a warning, the
            place that Python prints, and of a SyntaxError, the place that does not parse.
    """

    types: tuple[str, ...]
    message: str
    file: str = ""
    notes: tuple[str, ...] = ()
    frames: tuple[tuple[str, int], ...] = ()

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> Raised:
        """Return the exception or warning that startup/sitecustomize.py described."""
        return cls(
            types=tuple(record["types"]),
            message=record["message"],
            file=record["file"],
            notes=tuple(record["notes"]),
            frames=tuple(record["frames"]),
        )


@dataclass(frozen=True)
class Outcome:
    """The end of a script.

    Attributes:
        code: the exit code; negative, the signal that ended the process.
        chain: the exception that ended it, then its cause or context, and so on; or empty.
        warnings: those that Python printed, in this order.
    """

    code: int
    chain: tuple[Raised, ...] = ()
    warnings: tuple[Raised, ...] = ()

    @classmethod
    def read(cls, code: int, report: Path) -> Outcome:
        """Return the outcome of a process, from its exit code and its report.

        An exception counts only if the process failed: a script may have shown an exception to its
        user, and gone on.
        """
        lines = report.read_text(encoding="ascii").splitlines() if report.exists() else []
        chain: tuple[Raised, ...] = ()
        warnings = []
        for line in lines:
            try:
                kind, record = ast.literal_eval(line)
            except (SyntaxError, ValueError):
                continue  # the disk was full, or the process was killed as it wrote the line
            if kind == "warning":
                warnings.append(Raised.from_record(record))
            elif code:
                chain = tuple(Raised.from_record(each) for each in record["chain"])
        return cls(code, chain, tuple(warnings))
