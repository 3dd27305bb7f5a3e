"""What the scripts of a folder save with `torch.save`: whole networks, or their weights."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

import libcst as cst

from reference.checker.kinds import TENSOR
from reference.checker.saving.filenames import file_name, may_be_same_file
from reference.checker.tree import argument
from reference.checker.uses import is_used_as_network

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reference.checker.script import Script

Content = Literal["network", "weights", ""]


@dataclass(frozen=True)
class Saved:
    """A call of `torch.save`.

    Attributes:
        script, call: where it is.
        content: what it saves.
        value: the expression that it saves.
        name: the path of the file, as `filenames` writes it.
    """

    script: Script
    call: cst.Call
    content: Content
    value: cst.BaseExpression
    name: str


def saved_as(script: Script, name: str) -> list[Saved]:
    """Return who saves a file: the script itself, otherwise those in its folder.

    Args:
        script: the script that reads the file.
        name: the file's name, with `ANY` for what is not known of it.
    """
    own = list(_saves(script, name))
    if own:
        return own
    part = re.search(r"[A-Za-z]{2,}", name.replace("\\", "/").rpartition("/")[2])
    words = (b"torch.save", part[0].encode()) if part else (b"torch.save",)
    others = script.project.beside(script, *words)
    return [saved for other in others for saved in _saves(other, name)]


def content_of(found: list[Saved]) -> Content:
    """Return what all of some calls save; empty if they differ."""
    contents = {saved.content for saved in found}
    return contents.pop() if len(contents) == 1 else ""


@lru_cache(maxsize=64)  # each load in a folder looks at the same scripts
def saves(script: Script) -> list[Saved]:
    """Return the calls of `torch.save` in a script."""
    return [
        Saved(script, call, _content(script, value), value, name)
        for call in script.calls("torch.save")
        if (value := argument(call, 0, "obj")) is not None
        and (name := file_name(script, argument(call, 1, "f")))
    ]


def _saves(script: Script, name: str) -> Iterator[Saved]:
    return (saved for saved in saves(script) if may_be_same_file(saved.name, name))


def _content(script: Script, node: cst.BaseExpression) -> Content:
    """Return what a saved expression is."""
    value = script.value(node)
    if isinstance(value, cst.Dict):
        inner = {_content(script, e.value) for e in value.elements}
        return "network" if "network" in inner else "weights"
    of = script.types.of(node)
    if of in ("state_dict", TENSOR) or _is_state_dict(value):
        return "weights"
    if script.types.is_module_type(of):
        return "network"
    return "network" if isinstance(node, cst.Name) and is_used_as_network(script, node) else ""


def _is_state_dict(value: cst.BaseExpression) -> bool:
    if not isinstance(value, cst.Call) or not isinstance(value.func, cst.Attribute):
        return False
    return value.func.attr.value == "state_dict"
