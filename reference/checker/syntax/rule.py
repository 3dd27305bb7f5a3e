"""What a rule for files that do not parse is: as the other rules, but without a tree."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reference.checker.finding import Severity, Text
    from reference.checker.rule import Bad
    from reference.checker.syntax.code import Code, Edit


@dataclass(frozen=True, kw_only=True)
class SyntaxMatch:
    """A place where the cause of an error was found.

    Attributes:
        offset: the place in the text.
        fields: what the rule's message has in braces.
        fields_zh: those of them that differ in Chinese.
        write: what to write instead.
        edits: changes that correct it with certainty; they keep the number of lines. Empty if
            there is more than one way.
    """

    offset: int
    fields: Mapping[str, str] = field(default_factory=dict)
    fields_zh: Mapping[str, str] = field(default_factory=dict)
    write: str = ""
    edits: tuple[Edit, ...] = ()


class SyntaxRule(ABC):
    """A cause for which a file does not parse.

    Attributes:
        name, claims, severity, message, valid, invalid: as of `Rule`. Of the examples in `valid`
            some parse, and others fail for another reason.
        encoding: of the examples.
    """

    name: ClassVar[str]
    claims: ClassVar[tuple[str, ...]]
    severity: ClassVar[Severity] = "error"
    message: ClassVar[Text]
    encoding: ClassVar[str] = "utf-8"
    valid: ClassVar[tuple[str, ...]]
    invalid: ClassVar[tuple[Bad, ...]]

    @abstractmethod
    def check(self, code: Code) -> Iterator[SyntaxMatch]:
        """Yield the places where this is the cause; nothing if the cause is another one."""
