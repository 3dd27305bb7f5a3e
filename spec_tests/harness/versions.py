"""The `versions` of a claim: what differs between the versions of torch the suite runs on."""

import re
from dataclasses import dataclass
from itertools import pairwise

from packaging.version import Version

OLDEST = "2.6"  # the oldest torch that pyproject.toml allows


@dataclass(frozen=True, kw_only=True)
class VersionEntry:
    """The state of a claim from one version of torch on, up to the next entry.

    Attributes:
        torch: the first version, such as "2.9".
        status: the claim's status.
        value: the value that the claim's test expects, if that differs between versions.
    """

    torch: str
    status: str
    value: object = None

    def __post_init__(self) -> None:
        if not re.fullmatch(r"\d+\.\d+(\.\d+)?", self.torch):
            raise ValueError(f"'torch' must be a version such as \"2.9\", not {self.torch!r}")


def check(versions: tuple[VersionEntry, ...], status: str) -> None:
    """Check the entries of a claim for consistency.

    Args:
        versions: at least one.
        status: the status of the claim.

    Raises:
        ValueError: they do not start with the oldest torch, do not ascend, repeat each other, or
            end in another status.
    """
    if versions[0].torch != OLDEST:
        raise ValueError(
            f"the first of 'versions' must be for torch {OLDEST}, the oldest supported"
        )
    for one, other in pairwise(versions):
        if Version(one.torch) >= Version(other.torch):
            raise ValueError(f"'versions' must ascend: {other.torch} follows {one.torch}")
        if (one.status, one.value) == (other.status, other.value):
            raise ValueError(f"'versions' has equal entries for {one.torch} and {other.torch}")
        if (one.value is None) != (other.value is None):
            raise ValueError("'versions' must have a 'value' in all entries or in none")
    if (last := versions[-1].status) != status:
        raise ValueError(f"the last of 'versions' must be {status!r}, the claim's, not {last!r}")


def entry_for(versions: tuple[VersionEntry, ...], torch: str) -> VersionEntry:
    """Return the entry for a version of torch, as in `torch.__version__`."""
    release = Version(torch).release  # without .dev: a nightly build counts as the next release
    first, *others = versions
    reached = [entry for entry in others if Version(entry.torch).release <= release]
    return [first, *reached][-1]
