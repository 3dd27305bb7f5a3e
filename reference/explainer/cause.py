"""The cause of an exception or a warning: the claim whose mistake shows like this."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reference import claims
from reference.explainer.search import by_errors

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reference.checker.finding import Finding
    from reference.claims import Claim
    from reference.explainer.outcome import Raised
    from reference.explainer.own_code import Line


@dataclass(frozen=True)
class Cause:
    """Why an exception or a warning arose.

    Attributes:
        claim: the claim that explains it.
        finding: what the checker found in the learner's code, if it is the same mistake.
    """

    claim: Claim
    finding: Finding | None = None


def find_cause(
    chain: Sequence[Raised], line: Line | None, findings: Sequence[Finding]
) -> Cause | None:
    """Return the cause of an exception or a warning, or None if no claim names it.

    The claims name the messages by which their mistakes show, and the checker's rules find the same
    mistakes in the code. A message can have several claims: then the rules decide, at the line
    where it arose before elsewhere in the file.

    Args:
        chain: the exception, then its cause or context, and so on; or one warning.
        line: the line of the learner's own code.
        findings: what the checker finds in the file of that line.
    """
    for raised in chain:
        if named := by_errors(_text(raised, line)):
            found = next(_found(named, line, findings), None) if line else None
            return found or Cause(named[0])
    return _certain(chain[0], line, findings) if line else None


def _text(raised: Raised, line: Line | None) -> str:
    """Return an exception as Python prints it, which is what the search expects."""
    frame = [f'  File "{line.path}", line {line.number}', f"    {line.code}"] if line else []
    return "\n".join([*frame, f"{raised.types[0]}: {raised.message}", *raised.notes])


def _found(named: Sequence[Claim], line: Line, findings: Sequence[Finding]) -> Iterator[Cause]:
    """Yield the causes that both the message and the checker name, nearest to the line first."""
    for finding in sorted(findings, key=line.distance):
        for claim in named:
            if finding.rule in claim.rules:
                yield Cause(claim, finding)


def _certain(raised: Raised, line: Line, findings: Sequence[Finding]) -> Cause | None:
    """Return what the checker knows to fail in the line, if it fails with such an exception."""
    for finding in findings:
        if finding.severity != "error" or line.distance(finding):
            continue
        for name in finding.claims:
            claim = claims.load()[name]
            if any(error.type in raised.types for error in claim.errors):
                return Cause(claim, finding)
    return None
