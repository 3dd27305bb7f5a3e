"""The names of PyTorch, torchvision and Pillow, without importing them.

`library_names.json` is generated from some version of them; a learner's may have more names or
fewer. So a name that is not listed is not wrong, unless it resembles one that is.
"""

from __future__ import annotations

import json
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

SIMILAR = 0.75  # of difflib
MIN_LENGTH = 3  # shorter names resemble too many others


@cache
def _data() -> Any:  # noqa: ANN401 - JSON
    path = Path(__file__).with_name("library_names.json")
    return json.loads(path.read_text(encoding="utf-8"))


@cache
def names_of(module: str) -> frozenset[str]:
    """Return the names of a module, such as `torch.nn`; empty if it is not listed."""
    return frozenset(_data()["modules"].get(module, ()))


@cache
def submodules(package: str) -> frozenset[str]:
    """Return the modules in a package that are attributes of it."""
    return frozenset(_data()["submodules"].get(package, ()))


@cache
def attributes(kind: str) -> frozenset[str]:
    """Return the attributes of an object, such as a `torch.Tensor`; empty if not listed."""
    return frozenset(_data()["objects"].get(kind, ()))


def parameters(function: str) -> list[str] | None:
    """Return the parameters of a function or class, written as in library_names.json."""
    found: list[str] | None = _data()["calls"].get(function)
    return found


def similar(name: str, names: Iterable[str], near: float = SIMILAR) -> str:
    """Return the name that one resembles most; empty if it resembles none."""
    if len(name) < MIN_LENGTH:
        return ""
    lower = {other.lower(): other for other in sorted(names, reverse=True)}
    close = get_close_matches(name.lower(), lower, 1, near)
    return lower[close[0]] if close else ""
