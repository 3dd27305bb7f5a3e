"""Modules of Pillow that `import PIL` does not load (P18)."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import libcst as cst
from libcst.helpers import get_full_name_for_node

from reference.checker.edits import Fix, expression
from reference.checker.finding import Text
from reference.checker.rule import Bad, Match, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reference.checker.script import Script

# None of them imports PIL.Image; torchvision and matplotlib do.
_WITHOUT_PILLOW = sys.stdlib_module_names | {"PIL", "torch", "numpy", "cv2"}


class PillowNotLoaded(Rule):
    """`import PIL` and then `PIL.Image.open`."""

    name = "pillow-not-loaded"
    claims = ("listing.import-pil",)
    severity = "error"
    message = Text(
        en="import PIL does not load {module}, and nothing else here does (AttributeError): write "
        "import {module}.",
        zh="import PIL 不会加载 {module}，这里也没有别的导入会加载它（AttributeError）："
        "应写 import {module}。",
    )
    write = "from PIL import Image"
    valid = (
        """
        import PIL
        import torchvision

        PIL.Image.open("dog.png")
        """,
        """
        import PIL
        from PIL import Image

        PIL.Image.open("dog.png")
        """,
        """
        import PIL
        from model import Net

        PIL.Image.open("dog.png")
        """,
        """
        import PIL.Image

        PIL.Image.open("dog.png")
        print(PIL.__version__)
        """,
    )
    invalid = (
        Bad(
            """
            import PIL
            import torch

            img = PIL.Image.open("dog.png")  # finding
            img = PIL.Image.open("cat.png")
            """,
            fixed="""
            import PIL.Image
            import torch

            img = PIL.Image.open("dog.png")
            img = PIL.Image.open("cat.png")
            """,
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the first use of such a module."""
        if any(not _is_without_pillow(name) for name in _imported(script)):
            return
        for node in script.nodes(cst.Attribute):
            module = script.name(node)
            if module.startswith("PIL.Image") and module.count(".") == 1:
                yield Match(node=node, fields={"module": module}, fix=_fix(script, module))
                return


def _imported(script: Script) -> Iterator[str]:
    for node in script.nodes(cst.Import):
        yield from (get_full_name_for_node(alias.name) or "" for alias in node.names)
    for statement in script.nodes(cst.ImportFrom):
        module = get_full_name_for_node(statement.module) if statement.module else None
        yield "" if statement.relative or module is None else f"{module}.*"


def _is_without_pillow(name: str) -> bool:
    root, _, rest = name.partition(".")
    return root in _WITHOUT_PILLOW and not (root == "PIL" and rest) and "tensorboard" not in rest


def _fix(script: Script, module: str) -> Fix:
    names = [alias for node in script.nodes(cst.Import) for alias in node.names]
    plain = [a for a in names if get_full_name_for_node(a.name) == "PIL" and a.asname is None]
    return {plain[0].name: expression(module)} if plain else {}


RULES = (PillowNotLoaded,)
