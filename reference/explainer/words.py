"""The words of texts in English, Chinese and Python, and a ranking of the claims by them.

templates/search.js of the report does the same; a test compares the two.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# A name with its dots, a number with the letters behind it, or a run of Chinese.
CHUNK = re.compile(
    r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*|[0-9]+[A-Za-z0-9]*|[\u4e00-\u9fff]+"
)
PIECE = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+")  # of CamelCase, snake_case and conv2d
ENDING = re.compile(r"^([a-z]{3,}?)(?:ings?|ed|es|e|(?<!s)s)$")
# Words of questions, greetings and any code, and short numbers: they say nothing of the subject.
COMMON = re.compile(
    "a|an|and|are|as|at|be|but|by|can|do|does|from|get|has|have|how|if|in|is|it|me|my|no|not|of"
    "|on|or|so|that|the|then|there|this|to|was|we|what|when|where|which|why|with|you|your"
    "|hello|hi|hey|thank|thanks|please|much|many"
    "|def|for|import|print|range|return|.|[0-9]{2}"
    "|(attribute|import|index|key|name|os|runtime|type|value)?error|exception|(user)?warning"
)
COMMON_CHINESE = re.compile(
    "为什么|怎么办|怎么样|怎么用|怎么|怎样|如何|有什么用|什么|是不是|请问|求助|报错|出现|问题|解决"
    "|多少|哪个|哪些|哪里|有没有|能不能|你好|您好|谢谢|大家|老师"
    "|一个|没有|可以|区别|作用|意思|[的了吗呢啊吧是在我你他]"
)
# Words of learners, and those of the claims for the same.
SYNONYMS = {
    "准确率": "正确率",
    "精度": "正确率",
    "模型": "网络",
    "图像": "图片",
    "照片": "图片",
    "清零": "归零",
    "权重": "参数",
    "尺寸": "大小",
    "目录": "文件夹",
}

# Okapi BM25: how fast repetitions of a word saturate, and how much a long text counts against it.
K1, B = 1.2, 0.75


@dataclass(frozen=True, slots=True)
class Ranked:
    """A text found by its words.

    Attributes:
        index: its place among the texts.
        score: the score of BM25.
        relevance: the score times the share of the query's words that the text has.
    """

    index: int
    score: float
    relevance: float


@cache
def terms(chunk: str) -> tuple[str, ...]:
    """Return the terms of a name, a number or a run of Chinese, for which a text is searched.

    `torch.nn.MaxPool2d` gives torch.nn, torch, nn.maxpool2d, nn, maxpool2d, max and pool.
    """
    if chunk[0] >= "\u4e00":
        return tuple(pair for run in _runs(chunk) for pair in _pairs(run))
    names = chunk.split(".")
    found = [f"{one}.{other}".lower() for one, other in pairwise(names)]
    for name in names:
        if not COMMON.fullmatch(name.lower()):
            pieces = PIECE.findall(name)
            found += [name, *(pieces if len(pieces) > 1 else ())]
    words = (word.lower() for word in found)
    kept = (word for word in words if not COMMON.fullmatch(word))
    return tuple(ENDING.sub(r"\1", word) for word in kept)


def _runs(chunk: str) -> list[str]:
    """Return the parts of a run of Chinese between common words, in the words of the claims."""
    for word, synonym in SYNONYMS.items():
        chunk = chunk.replace(word, synonym)
    return COMMON_CHINESE.split(chunk)


def _pairs(run: str) -> list[str]:
    """Return the pairs of neighbouring characters; of a single one itself."""
    return [run[i : i + 2] for i in range(len(run) - 1)] or [run] * bool(run)


def _count(text: str) -> dict[str, int]:
    """Return how often a text has each of its terms."""
    counts: dict[str, int] = {}
    for chunk, times in Counter(CHUNK.findall(text)).items():
        for term in terms(chunk):
            counts[term] = counts.get(term, 0) + times
    return counts


class Words:
    """An index of texts, ranked by Okapi BM25.

    Args:
        texts: what is searched.
        factors: by which their scores are multiplied.
    """

    def __init__(self, texts: Iterable[str], factors: Sequence[float]) -> None:
        self.factors = factors
        self.counts = [_count(text) for text in texts]
        self.found_in = Counter(term for counts in self.counts for term in counts)
        lengths = [sum(counts.values()) for counts in self.counts]
        mean = sum(lengths) / len(lengths)
        self.norms = [K1 * (1 - B + B * length / mean) for length in lengths]

    def rank(self, query: str) -> list[Ranked]:
        """Return the texts that have a term of the query, best first."""
        known, unknown = self._terms(query)
        weights = {term: self._weight(term) for term in known}
        whole = sum(weights.values()) + unknown * self._weight("")
        found = []
        for index, (counts, norm) in enumerate(zip(self.counts, self.norms, strict=True)):
            score = covered = 0.0
            for term, weight in weights.items():
                if times := counts.get(term):
                    score += weight * times * (K1 + 1) / (times + norm)
                    covered += weight
            if score:
                score *= self.factors[index]
                found.append(Ranked(index, score, score * covered / whole))
        return sorted(found, key=lambda text: -text.score)

    def _weight(self, term: str) -> float:
        """Return the weight of a term: the fewer texts have it, the higher."""
        number = self.found_in.get(term, 0)
        return math.log(1 + (len(self.counts) - number + 0.5) / (number + 0.5))

    def _terms(self, query: str) -> tuple[list[str], float]:
        """Return the terms of a query that some text has, and how many other words it has."""
        known: dict[str, None] = {}
        unknown = 0.0
        for chunk in dict.fromkeys(CHUNK.findall(query)):
            has = [term for term in terms(chunk) if term in self.found_in]
            known |= dict.fromkeys(has)
            if chunk[0] >= "\u4e00":
                unknown += _uncovered(chunk, has) / 2
            elif terms(chunk) and not has:
                unknown += 1
        return list(known), unknown


def _uncovered(chunk: str, pairs: Sequence[str]) -> int:
    """Return how many characters of a run of Chinese are in none of the pairs."""
    covered = "".join(pairs)
    return sum(character not in covered for run in _runs(chunk) for character in run)
