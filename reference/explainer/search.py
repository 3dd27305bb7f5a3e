"""Find the claims that explain a pasted text: a traceback, a message, a line of code, a question.

The messages of the claims' errors come first, the more specific before the others. Only if there is
none, the claims are ranked by words, and those that share little with the text are left out: no
answer is better than a wrong one. templates/search.js of the report does the same; a test compares
the two.
"""

from __future__ import annotations

import re
from functools import cache, cached_property
from typing import TYPE_CHECKING

from reference import claims
from reference.explainer.printed import clean, exceptions, own_code, plain
from reference.explainer.words import Words

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from reference.claims import Claim, ClaimError

    Message = tuple[str, Sequence[str]]  # an exception's type, and how its text may be written
    Key = tuple[int, bool, int]

MAX_TEXT = 20_000  # characters; of a longer text only the end is read
MAX_EXCEPTIONS = 10  # as above
MIN_LENGTH = 12  # of a message that is looked for without the type of the exception
MIN_RELEVANCE = 5.5  # of a claim found by its words
MIN_RELEVANCE_OF_ERROR = 30.0  # of one that is to explain an exception, without its message
MIN_SHARE = 0.5  # of the best score; a claim below it shares only common words
# What no claim answers, although it has words of the claims: questions about buying, and what a
# shell says about commands that it does not find (that of the course is among the errors).
OTHER = re.compile(
    "多少钱|价格|价钱|性价比|[买贵￥¥]|便宜|\\b(?:buy|cheap|price of)\\b"
    "|command not found|未找到命令|不是内部或外部命令|is not recognized as an internal"
)
MISPRINT = 0.8  # the factor of claims about misprints in the notes' listings: nobody asks for them

# What is no word of a pattern: classes, then everything with a meaning of its own.
SYMBOLS = re.compile(
    r"\\[dDwWsSbBnt]|\[\^?(?:[^\\\]]|\\.)+\]|\(\?[:=!]|\{\d+,?\d*\}|\\|[.*+?()|^$]"
)


def search(text: str) -> list[Claim]:
    """Return the claims of the course that explain a text, best first; none if none is about it."""
    return _installed().search(text)


def by_errors(text: str) -> list[Claim]:
    """Return the claims with an error whose message is in a text, best first."""
    return _installed().by_errors(text)


@cache
def _installed() -> Search:
    return Search(claims.load())


class Search:
    """A search for claims.

    Args:
        register: the claims by ID.
    """

    def __init__(self, register: Mapping[str, Claim]) -> None:
        self.claims = list(register.values())

    def search(self, text: str) -> list[Claim]:
        """Return the claims that explain a text, best first; none if none is about it."""
        end = clean(text)[-MAX_TEXT:]
        return self.by_errors(end) or self._by_words(end)

    def by_errors(self, text: str) -> list[Claim]:
        """Return the claims with an error whose message is in the text.

        The last exception comes first: it is the one that stopped the program. Of claims with the
        same message, those come first that share more words with the learner's own line in the
        traceback; then those that do not hold, and those that share more words with the text.
        """
        last = reversed(exceptions(text)[-MAX_EXCEPTIONS:])
        messages = [(printed.type, _variants(printed.message)) for printed in last]
        messages.append(("", _variants(text)))
        best: dict[int, Key] = {}
        for index, claim in enumerate(self.claims):
            if keys := [key for error in claim.errors for key in _matches(error, messages)]:
                best[index] = min(keys)
        scores, own = {}, {}
        if len(best) > 1:
            scores = {ranked.index: ranked.score for ranked in self._words.rank(text)}
            own = {ranked.index: ranked.score for ranked in self._words.rank(own_code(text))}

        def order(index: int) -> tuple[Key, float, bool, float]:
            holds = self.claims[index].status == "holds"
            return best[index], -own.get(index, 0), holds, -scores.get(index, 0)

        return [self.claims[index] for index in sorted(best, key=order)]

    def _by_words(self, text: str) -> list[Claim]:
        least = MIN_RELEVANCE
        if printed := exceptions(text):
            text = "\n".join((printed[-1].type, printed[-1].message, own_code(text)))
            least = MIN_RELEVANCE_OF_ERROR
        elif OTHER.search(text):
            return []
        found = self._words.rank(text)
        return [
            self.claims[ranked.index]
            for ranked in found
            if ranked.relevance >= least and ranked.score >= MIN_SHARE * found[0].score
        ]

    @cached_property
    def _words(self) -> Words:
        factors = [MISPRINT if claim.id.startswith("listing.") else 1 for claim in self.claims]
        return Words(map(_text, self.claims), factors)


def _variants(message: str) -> Sequence[str]:
    """Return a message as it is, and as it was before somebody typed or wrapped it."""
    return list(dict.fromkeys((message, plain(message))))


def _matches(error: ClaimError, messages: Sequence[Message]) -> Iterator[Key]:
    """Yield a key for each message that the error's pattern is found in; the least is best."""
    for place, (kind, variants) in enumerate(messages):
        other = kind != error.type
        if other and error.length < MIN_LENGTH:
            continue
        if any(re.search(error.pattern, variant, re.ASCII | re.MULTILINE) for variant in variants):
            yield place, other, -error.length


def _text(claim: Claim) -> str:
    """Return all that a claim says, in both languages."""
    title = claims.lesson_titles()[claim.lesson]
    parts = [claim.id, *title.values(), claim.says, claim.zh, claim.now, claim.now_zh, claim.write]
    parts += [f"{error.type} {SYMBOLS.sub(' ', error.pattern)}" for error in claim.errors]
    return "\n".join(parts)
