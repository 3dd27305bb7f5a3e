"""The cause of an exception or a warning: the claim whose mistake shows like this."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reference import claims

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reference.claims import Claim, ClaimError
    from reference.explainer.outcome import Raised


def find_cause(chain: Sequence[Raised]) -> Claim | None:
    """Return the claim that explains an exception or a warning, or None.

    Args:
        chain: the exception, then its cause or context, and so on; or one warning.
    """
    for raised in chain:
        if matching := sorted(_matching(raised), key=_rank):
            return matching[0][0]
    return None


def _matching(raised: Raised) -> Iterator[tuple[Claim, ClaimError]]:
    for claim in claims.load().values():
        for error in claim.errors:
            if error.type in raised.types and re.search(error.pattern, raised.message, re.ASCII):
                yield claim, error
                break


def _rank(match: tuple[Claim, ClaimError]) -> tuple[int, bool]:
    """Return a key that sorts claims: the longest message first, then what fails today."""
    claim, error = match
    return -len(error.pattern), claim.status == "holds"
