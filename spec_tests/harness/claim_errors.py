"""The `errors` of a claim: the messages by which a mistake shows."""

import importlib.metadata
import platform
import re
from collections.abc import Iterator
from dataclasses import dataclass

from packaging.version import Version

# What Python and JavaScript read alike: literals, escaped punctuation, classes, groups without
# names, |, ^, $ and the usual quantifiers. `re.ASCII` gives \w, \d and \b JavaScript's meaning.
_CLASS = r"\[(?!\^\])\^?(?:[^\\\[\]]|\\[dDwWsSnt]|\\[^\w])+\]"
_GROUP = r"\((?:\?[:=!]|(?!\?))|\)"
_ATOM = rf"[^\\()\[\]{{}}*+?]|\\[dDwWsSbBnt]|\\[^\w]|{_CLASS}|{_GROUP}"
SUBSET = re.compile(rf"(?:(?:{_ATOM})(?:(?:[*+?]|\{{\d+(?:,\d*)?\}})\??)?)+")

PART = re.compile(rf"{_CLASS}|\\.|\(\?[:=!]|\{{[\d,]+\}}\??|[*+?]\??|.", re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class ClaimError:
    """An exception or a warning by which a claim's mistake shows.

    Attributes:
        type: the name of its class as a traceback prints it, without modules.
        pattern: a regular expression found in its message; Python and JavaScript must read it
            alike.
        since: the first version that prints it, as in "torch 2.6" or "Python 3.12".
        source: where the message was seen, if it cannot be raised on Linux with a CPU: then no test
            raises it.
    """

    type: str
    pattern: str
    since: str = ""
    source: str = ""

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[A-Za-z_]\w*", self.type):
            raise ValueError(f"an error's 'type' must be the name of a class, not {self.type!r}")
        if not SUBSET.fullmatch(self.pattern):
            raise ValueError(
                f"the pattern {self.pattern!r} is not read alike by Python and JavaScript: write "
                "it without named groups, inline flags, lookbehind, references, \\A and \\Z, and "
                "escape literal brackets and braces"
            )
        try:
            self.regex  # noqa: B018 - compiles it
        except re.error as error:
            raise ValueError(f"the pattern {self.pattern!r} is invalid: {error}") from error
        if self.since and not re.fullmatch(r"[A-Za-z][\w-]* \d+\.\d+(\.\d+)?", self.since):
            raise ValueError(
                f"an error's 'since' must be a version such as \"torch 2.6\", not {self.since!r}"
            )

    @property
    def regex(self) -> re.Pattern[str]:
        """The compiled pattern."""
        return re.compile(self.pattern, re.ASCII)

    def matches(self, kind: str, message: str) -> bool:
        """Return whether an exception with a class of this name and this message is meant."""
        return kind == self.type and bool(self.regex.search(message))

    @property
    def length(self) -> int:
        """The length of the shortest text that the pattern matches: how specific it is."""
        return _shortest(iter(re.findall(PART, self.pattern)))

    @property
    def expected(self) -> bool:
        """Whether the installed versions print it, and a test can raise it."""
        return not self.source and (not self.since or self._is_installed())

    def _is_installed(self) -> bool:
        name, _, first = self.since.partition(" ")
        try:
            version = importlib.metadata.version(name) if name != "Python" else None
        except importlib.metadata.PackageNotFoundError:
            return False
        # Without .dev: a nightly build counts as the next release.
        return Version(version or platform.python_version()).release >= Version(first).release

    def __str__(self) -> str:
        return f"{self.type}: {self.pattern}"


def _shortest(parts: Iterator[str]) -> int:
    """Return the length of the shortest text that matches, up to the end of the group."""
    branches, last = [0], 0
    for part in parts:
        if part == ")":
            break
        if part == "|":
            branches.append(0)
        elif part[0] in "*?" or part.startswith("{0"):
            branches[-1] -= last
        elif part[0] == "{":
            branches[-1] += last * (int(re.findall(r"\d+", part)[0]) - 1)
        elif part[0] != "+":
            last = 1
            if part[0] == "(":
                last = _shortest(parts)
            if part in {"^", "$", "\\b", "\\B", "(?=", "(?!"}:
                last = 0
            branches[-1] += last
    return min(branches)
