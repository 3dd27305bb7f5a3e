"""What an attempt is, and what a kind of attempts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from spec_tests.torture import judge

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from hypothesis.strategies import SearchStrategy

    from spec_tests.torture.judge import Problem
    from spec_tests.torture.process import Outcome
    from spec_tests.torture.samples import Samples


@dataclass
class Attempt:
    """A finished attempt.

    Attributes:
        outcomes: its processes.
        problems: what is wrong; empty if the program withstood it.
        count: how many attempts it counts as: as many as kills that hit, for example.
    """

    outcomes: list[Outcome] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    count: int = 1

    def add(self, outcome: Outcome, **limits: Any) -> Outcome:
        """Judge a process and return it."""
        self.outcomes.append(outcome)
        self.problems += judge.problems(outcome, **limits)
        return outcome


@dataclass(frozen=True)
class Kind:
    """A kind of attempts.

    Attributes:
        name: for --kind.
        share: of the time, relative to other kinds.
        size: how many attempts to draw from one seed.
        cases: returns the strategy that draws cases.
        attempt: tries a case in an empty folder. It must not depend on anything else.
        fixed: returns the cases to try first, for the number of a seed: a sweep.
    """

    name: str
    share: float
    size: int
    cases: Callable[[Samples], SearchStrategy[Any]]
    attempt: Callable[[Any, Path, Samples], Attempt]
    fixed: Callable[[Samples, int], Sequence[Any]] = lambda _samples, _number: ()
