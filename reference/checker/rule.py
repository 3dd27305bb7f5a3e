"""What a rule is: a class that finds one mistake, with examples that are its tests."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, TypeAlias

import libcst as cst

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reference.checker.finding import Severity, Text
    from reference.checker.script import Script

Replacement: TypeAlias = cst.CSTNode | cst.FlattenSentinel[cst.CSTNode] | cst.RemovalSentinel


@dataclass(frozen=True, kw_only=True)
class Match:
    """A place where a rule's mistake was found.

    Attributes:
        node: the code; the finding is at its start.
        fields: what the rule's message has in braces.
        severity, write: instead of the rule's own.
        fix: new nodes for old ones of the script's tree, for code that can be rewritten with
            certainty; empty if it cannot. A statement's replacement may be a `cst.FlattenSentinel`
            of several statements, or `cst.RemovalSentinel.REMOVE`.
        imports: what the fixed code needs: modules, such as `torch.nn`, or imports, such as
            `from torch import nn`; the fix adds those that are missing.
    """

    node: cst.CSTNode
    fields: Mapping[str, str] = field(default_factory=dict)
    severity: Severity | None = None
    write: str | None = None
    fix: Mapping[cst.CSTNode, Replacement] = field(default_factory=dict)
    imports: tuple[str, ...] = ()


@dataclass(frozen=True)
class Bad:
    """Code with the mistake.

    Attributes:
        code: each line that ends with the comment `# finding` has one finding of the rule.
        fixed: the code after `--fix`, without those comments; None if the rule cannot fix it.
    """

    code: str
    fixed: str | None = None


class Rule(ABC):
    """A mistake of learners: how to find it, what to say, and examples.

    Attributes:
        name: in lower case with hyphens; `--select`, `--ignore` and comments name it.
        claims: the claims of the register that explain it, the most important first.
        since: the version of torch from which on the code is a mistake; empty for all.
        severity: of its findings, unless a `Match` has its own.
        message: what is wrong and why, in one or two sentences; may have `{fields}`.
        write: what to write instead; by default the code of its first claim.
        valid: code without the mistake, especially code that resembles it.
        invalid: code with the mistake.
        files: for the examples, other files beside the script, by their names.
    """

    name: ClassVar[str]
    claims: ClassVar[tuple[str, ...]]
    since: ClassVar[str] = ""
    severity: ClassVar[Severity]
    message: ClassVar[Text]
    write: ClassVar[str | None] = None
    valid: ClassVar[tuple[str, ...]]
    invalid: ClassVar[tuple[Bad, ...]]
    files: ClassVar[Mapping[str, str]] = {}

    @abstractmethod
    def check(self, script: Script) -> Iterator[Match]:
        """Yield the places in a script where the mistake is."""
