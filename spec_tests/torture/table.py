"""What was tried and what survived, as text."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from spec_tests.torture.search import Chunk, Failure

MEGABYTE = 10**6


@dataclass
class Total:
    """The sums and maxima of a kind's chunks, and its failures by symptom."""

    tried: int = 0
    failed: int = 0
    seconds: float = 0.0
    worst_seconds: float = 0.0
    worst_bytes: int = 0
    failures: dict[str, Failure] = field(default_factory=dict)

    def add(self, chunk: Chunk) -> list[Failure]:
        """Add a chunk and return its failures with new symptoms."""
        self.tried += chunk.tried
        self.failed += chunk.failed
        self.seconds += chunk.seconds
        self.worst_seconds = max(self.worst_seconds, chunk.worst_seconds)
        self.worst_bytes = max(self.worst_bytes, chunk.worst_bytes)
        new = [chunk.failures[name] for name in chunk.failures.keys() - self.failures.keys()]
        for symptom in chunk.failures.keys() & self.failures.keys():
            self.failures[symptom].count += chunk.failures[symptom].count
        self.failures |= {failure.symptom: failure for failure in new}
        return new


def table(totals: dict[str, Total]) -> str:
    """Return a Markdown table with a line for each kind."""
    head = ("kind", "tried", "failed", "a second", "slowest, s", "largest, MB")
    rows: list[Sequence[str]] = [head, ("---", *["---:"] * 5)]
    for name, total in totals.items():
        rows.append(
            (
                name,
                f"{total.tried:,}",
                f"{total.failed:,}",
                f"{total.tried / max(total.seconds, 0.001):.1f}",
                f"{total.worst_seconds:.1f}",
                f"{total.worst_bytes / MEGABYTE:,.0f}",
            )
        )
    tried, failed = (sum(getattr(t, name) for t in totals.values()) for name in ("tried", "failed"))
    rows.append(("all", f"{tried:,}", f"{failed:,}", "", "", ""))
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def repeat(failure: Failure) -> str:
    """Return the command that repeats a failure."""
    return f"python -m spec_tests.torture --kind {failure.kind} --seed {failure.seed}"
