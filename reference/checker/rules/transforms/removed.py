"""Names of torchvision and Pillow that have been removed (P13)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from reference.checker.finding import Text
from reference.checker.rule import Bad, Match, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reference.checker import edits
    from reference.checker.script import Script

RENAMED = {
    "torchvision.transforms.Scale": "Resize",
    "torchvision.transforms.RandomSizedCrop": "RandomResizedCrop",
    "PIL.Image.ANTIALIAS": "LANCZOS",
    "PIL.Image.LINEAR": "BILINEAR",
    "PIL.Image.CUBIC": "BICUBIC",
}
MODULES = {name.rpartition(".")[0] for name in RENAMED}


class RemovedName(Rule):
    """A name that has been removed, such as `transforms.Scale` or `Image.ANTIALIAS`."""

    name = "removed-name"
    claims = ("transforms.removed-names",)
    severity = "error"
    message = Text(
        en="{old} has been removed: write {new}.",
        zh="{old} 已经被移除：请写 {new}。",
    )
    valid = (
        """
        from PIL import Image
        from torchvision import transforms

        transforms.Compose([transforms.Resize(32), transforms.RandomResizedCrop(32)])
        img.resize((32, 32), Image.LANCZOS)
        """,
        """
        class Scale:
            pass


        Scale()
        """,
    )
    invalid = (
        Bad(
            """
            from PIL import Image
            from torchvision import transforms

            transforms.Compose([
                transforms.Scale(256),  # finding
                transforms.RandomSizedCrop(224),  # finding
            ])
            img.resize((32, 32), Image.ANTIALIAS)  # finding
            """,
            fixed="""
            from PIL import Image
            from torchvision import transforms

            transforms.Compose([
                transforms.Resize(256),
                transforms.RandomResizedCrop(224),
            ])
            img.resize((32, 32), Image.LANCZOS)
            """,
        ),
        Bad(
            """
            from torchvision.transforms import Scale  # finding

            scale = Scale(256)
            """,
            fixed="""
            from torchvision.transforms import Resize

            scale = Resize(256)
            """,
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the names that have been removed, where they are imported or read."""
        for node, module, name in _names(script):
            new = RENAMED.get(f"{module}.{name}")
            if new is not None:
                fix = _renamed(script, node, new)
                write = script.code(node).replace(name, new)
                yield Match(node=node, fields={"old": name, "new": new}, write=write, fix=fix)


def _names(script: Script) -> Iterator[tuple[cst.Attribute | cst.ImportAlias, str, str]]:
    """Yield the names that a script takes from modules: where, the module, the name."""
    for node in script.nodes(cst.Attribute):
        if node.attr.value[:1] != "_":
            module = script.name(node.value)
            if module in MODULES:
                yield node, module, node.attr.value
    for statement in script.nodes(cst.ImportFrom):
        if statement.module is None or isinstance(statement.names, cst.ImportStar):
            continue
        module = script.code(statement.module)
        for alias in statement.names:
            yield alias, module, script.code(alias.name)


def _renamed(script: Script, node: cst.Attribute | cst.ImportAlias, new: str) -> edits.Fix:
    """Return the fix: another name in this place and, of an import, wherever it is read."""
    if isinstance(node, cst.Attribute):
        return {node.attr: cst.Name(new)}
    fix: edits.Fix = {node.name: cst.Name(new)}
    if node.asname is None and isinstance(node.name, cst.Name):
        fix |= {name: cst.Name(new) for name in script.accesses(node.name)}
    return fix


RULES = (RemovedName,)
