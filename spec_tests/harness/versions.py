"""What differs among the versions of torch on which the suite runs: the `versions` of a claim."""

import re
from dataclasses import dataclass
from itertools import pairwise

from packaging.version import Version

OLDEST = "2.6"  # the oldest torch that pyproject.toml takes


@dataclass(frozen=True, kw_only=True)
class VersionEntry:
    """What is true of a claim from one version of torch on, up to the next entry.

    `value` is what the claim's test expects there, where that differs; `None` is no value.
    """

    torch: str
    status: str
    value: object = None

    def __post_init__(self) -> None:
        if not re.fullmatch(r"\d+\.\d+(\.\d+)?", self.torch):
            raise ValueError(f"'torch' must be a version such as \"2.9\", not {self.torch!r}")


def check(versions: tuple[VersionEntry, ...], status: str) -> None:
    """Hold the entries of a claim against each other.

    Args:
        versions: at least one.
        status: the claim's own.

    Raises:
        ValueError: they leave a torch out, stand in no order, or end in another status.
    """
    if versions[0].torch != OLDEST:
        raise ValueError(f"the first of 'versions' must be of torch {OLDEST}, the oldest taken")
    for one, other in pairwise(versions):
        if Version(one.torch) >= Version(other.torch):
            raise ValueError(f"'versions' must ascend: {other.torch} follows {one.torch}")
        if (one.status, one.value) == (other.status, other.value):
            raise ValueError(f"'versions' say the same of {one.torch} and {other.torch}")
        if (one.value is None) != (other.value is None):
            raise ValueError("'versions' must all have a 'value', or none")
    if (last := versions[-1].status) != status:
        raise ValueError(f"the last of 'versions' must be {status!r}, as the claim, not {last!r}")


def entry_for(versions: tuple[VersionEntry, ...], torch: str) -> VersionEntry:
    """Return the entry of a version of torch, written as torch writes it."""
    release = Version(torch).release  # a nightly build counts as what it will be
    first, *others = versions
    begun = [since for since in others if Version(since.torch).release <= release]
    return [first, *begun][-1]
