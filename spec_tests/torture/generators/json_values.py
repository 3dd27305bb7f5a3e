"""Strategies for JSON of the wrong types and sizes, and for edits of sound JSON."""

from __future__ import annotations

import copy
import json
from typing import Any

from hypothesis import strategies as st

NUMBERS = (0, -1, 1, 2, 2**31, 2**63 - 1, 2**63, 2**64, 10**30, 1.5, 1e308, -0.0)
# Texts that json.dumps would not write.
RAW = (
    *("NaN", "Infinity", "-Infinity", "1e999", "-1e999", "1" * 5000, '"\\ud800"', '"\\u0000"'),
    *('"\\u001b[2J"', "[" * 100_000, "{" * 100_000, '{"a":' * 5000 + "1" + "}" * 5000, ""),
    *("[" * 900 + "]" * 900, '"' + "x" * 100_000 + '"', "\ufeff1", "nul", "0x10", "'a'"),
)
RAW_MARK = "raw-%d-raw"


def values() -> st.SearchStrategy[Any]:
    """Return a strategy for values of JSON, some of them marks for `dump`."""
    leaves = st.one_of(
        st.none(),
        st.booleans(),
        st.sampled_from(NUMBERS),
        st.integers(),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(max_size=10),
        st.sampled_from(range(len(RAW))).map(lambda index: RAW_MARK % index),
    )
    return st.recursive(leaves, _containers, max_leaves=6)


def _containers(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    keys = st.text(max_size=6)
    return st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3)


@st.composite
def edited(draw: st.DrawFn, value: Any) -> str:  # noqa: ANN401 - of any kind
    """Return JSON in which an entry, at any depth, is replaced, removed, added or renamed."""
    changed = {"": copy.deepcopy(value)}
    for _ in range(draw(st.integers(1, 3))):
        container: Any = changed
        key: Any = ""
        while isinstance(container[key], dict | list) and container[key] and draw(st.booleans()):
            container = container[key]
            keys = list(container) if isinstance(container, dict) else range(len(container))
            key = draw(st.sampled_from(keys))
        edit = draw(st.sampled_from(["replace", "replace", "remove", "add", "rename"]))
        if edit == "replace" or container is changed:
            container[key] = draw(values())
        elif isinstance(container, list) or edit == "remove":
            del container[key]
        else:
            new = draw(
                st.sampled_from(["step", "test_loss", "eager", "data"]) | st.text(max_size=6)
            )
            container[new] = draw(values()) if edit == "add" else container.pop(key)
    return dump(changed[""])


def dump(value: Any) -> str:  # noqa: ANN401 - of any kind
    """Return a value as JSON, with its marks replaced by texts of `RAW`."""
    text = json.dumps(value)
    for index, raw in enumerate(RAW):
        text = text.replace(f'"{RAW_MARK % index}"', raw)
    return text
