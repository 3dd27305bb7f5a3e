"""Judge a process: what it must never do, whatever its files contain."""

from __future__ import annotations

import json
import re
import signal
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from reference.app.messages import LINES
from spec_tests.torture.process import BYTES, SECONDS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from spec_tests.torture.process import Outcome

FAILURES = (1, 2)  # exit codes of a run that failed, and of bad input
MAX_LINE = 1000  # characters of a message
# Lines that `--json` moves to standard error: the progress of a run.
PROGRESS = [
    re.compile(re.escape(line).replace(re.escape("{}"), ".*"))
    for lines in LINES.values()
    for line in lines.values()
]
NOTICE = re.compile(r"course: .*(a whole network, |which has no checksums|: waiting for another )")
ERROR = re.compile(r"course( \w+)?: ")


class Problem(NamedTuple):
    """What is wrong with an attempt.

    Attributes:
        symptom: short, and the same for the same mistake of the program.
        detail: the rest, for the report.
    """

    symptom: str
    detail: str = ""


def problems(
    outcome: Outcome,
    *,
    codes: Collection[int] = (0, *FAILURES),
    seconds: float = SECONDS,
    peak_bytes: float = BYTES,
    lines: int = 1,
    silent: bool = False,
) -> list[Problem]:
    """Return what is wrong with a process, nothing if all is well.

    Args:
        outcome: what became of it.
        codes: the exit codes that it may have; negative, a signal that the attempt sends it.
        seconds: how long it may take.
        peak_bytes: how much memory it may take.
        lines: how many lines on standard error it may print when it fails.
        silent: whether it may print none, because another process prints the line.
    """
    found = list(_ends(outcome, codes, seconds, peak_bytes))
    found += [Problem(f"does what is forbidden: {_digits(e)}") for e in outcome.events[:3]]
    if trace := _traceback(outcome.err + outcome.out):
        found.append(Problem(f"traceback: {trace}", outcome.err))
    elif outcome.code >= 0:  # a killed process may leave half a line
        if outcome.code in FAILURES and not (silent or outcome.err or outcome.out):
            found.append(Problem("fails in silence"))
        found += _lines(outcome, lines)
    if "--json" in outcome.arguments and outcome.code in (0, *FAILURES):
        found += _json(outcome)
    return found


def _ends(
    outcome: Outcome, codes: Collection[int], seconds: float, peak_bytes: float
) -> Iterator[Problem]:
    """Yield what is wrong with the end of a process, its time and its memory."""
    if outcome.stopped:
        yield Problem(outcome.stopped, f"{outcome.seconds:.1f} s, {outcome.peak_bytes:,} bytes")
        return
    if outcome.code not in codes:
        if outcome.code < 0:
            yield Problem(f"died: {signal.Signals(-outcome.code).name}", outcome.err)
        else:
            last = outcome.err.splitlines()[-1:] or [""]
            yield Problem(f"exit code {outcome.code}: {_digits(last[0])}", outcome.err)
    if outcome.seconds > seconds:
        yield Problem("too slow", f"{outcome.seconds:.1f} s")
    if outcome.peak_bytes > peak_bytes:
        yield Problem("too large", f"{outcome.peak_bytes:,} bytes")


def _traceback(text: str) -> str:
    """Return the exception and the innermost function of the reference in a traceback."""
    if "Traceback (most recent call last)" not in text:
        return ""
    frames = re.findall(r'File "(?:.*?/)?([^"/]*/[^"/]*\.py)", line \d+, in (\S+)', text)
    own = re.findall(r'File ".*?/(reference/[^"]*\.py)", line \d+, in (\S+)', text)
    name, function = (own or frames or [("?", "?")])[-1]
    exceptions = re.findall(r"^(?!course\b)([A-Za-z_][\w.]*)(?::|$)", text, re.MULTILINE)
    return f"{exceptions[-1] if exceptions else '?'} in {name}, {function}"


def _lines(outcome: Outcome, most: int) -> Iterator[Problem]:
    """Yield what is wrong with standard error: at most one line and notices."""
    if outcome.err and not outcome.err.endswith("\n"):
        yield Problem("unfinished line on standard error", outcome.err)
    lines = [line for line in outcome.err.split("\n") if line]
    errors = [line for line in lines if not _is_progress(line) and not NOTICE.match(line)]
    if outcome.code == 0 and errors:
        yield Problem(f"succeeds, and prints: {_digits(errors[0])}", outcome.err)
    elif len(errors) > most:
        yield Problem(f"more than one line on standard error: {_digits(errors[0])}", outcome.err)
    for line in lines:
        if not (_is_progress(line) or ERROR.match(line)):
            yield Problem(f"not a message of the program: {_digits(line)}", outcome.err)
        if not line.isprintable():
            yield Problem("unprintable characters in a message", repr(line))
        if len(line) > MAX_LINE:
            yield Problem("very long message", f"{len(line)} characters: {line[:200]}…")


def _is_progress(line: str) -> bool:
    return any(pattern.fullmatch(line) for pattern in PROGRESS)


def _digits(text: str) -> str:
    """Return the start of a text without what differs from file to file: paths and numbers."""
    return re.sub(r"0x[0-9a-f]+|\d+", "#", re.sub(r"/\S+", "PATH", text))[:100]


def _json(outcome: Outcome) -> Iterator[Problem]:
    """Yield what is wrong with the answer: JSON without NaN and Infinity, one document."""
    if not outcome.out:
        if outcome.code == 0:
            yield Problem("no JSON")
        return
    try:
        strict_json(outcome.out)
    except ValueError as error:
        yield Problem("not JSON", f"{error}: {outcome.out[:300]}")


def strict_json(text: str) -> Any:  # noqa: ANN401 - of any kind
    """Return the value of one JSON document; NaN and Infinity, which JSON lacks, are refused."""

    def refuse(constant: str) -> NoReturn:
        raise ValueError(f"{constant} is not JSON")

    return json.loads(text, parse_constant=refuse)
