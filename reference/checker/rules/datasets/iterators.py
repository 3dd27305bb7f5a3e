"""Taking one batch: `next` is a function, and not a method (P15)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from reference.checker import edits
from reference.checker.finding import Text
from reference.checker.kinds import LOADER
from reference.checker.rule import Bad, Match, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reference.checker.script import Script


class IteratorNext(Rule):
    """`iter(loader).next()`, which has been removed, and `loader.next()`."""

    name = "iterator-next"
    claims = ("dataloader.iter-next",)
    severity = "error"
    message = Text(
        en="A DataLoader and its iterator have no method next (AttributeError): "
        "write next({name}).",
        zh="DataLoader 和它的迭代器都没有 next 方法（AttributeError）：请写 next({name})。",
    )
    write = "imgs, targets = next(iter(test_loader))"
    valid = (
        """
        from torch.utils.data import DataLoader

        dataiter = iter(DataLoader(test_data))
        imgs, targets = next(dataiter)
        node = node.next()
        """,
    )
    invalid = (
        Bad(
            """
            from torch.utils.data import DataLoader

            loader = DataLoader(test_data)
            dataiter = iter(loader)
            imgs, targets = dataiter.next()  # finding
            print(iter(loader).next(), dataiter.__next__())  # finding
            """,
            fixed="""
            from torch.utils.data import DataLoader

            loader = DataLoader(test_data)
            dataiter = iter(loader)
            imgs, targets = next(dataiter)
            print(next(iter(loader)), dataiter.__next__())
            """,
        ),
        Bad(
            """
            from torch.utils.data import DataLoader

            loader = DataLoader(test_data)
            imgs, targets = loader.next()  # finding
            """,
            fixed="""
            from torch.utils.data import DataLoader

            loader = DataLoader(test_data)
            imgs, targets = next(iter(loader))
            """,
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the calls of the method next of a DataLoader or of what iter() returned."""
        for call, on in script.method_calls("next"):
            made, name = script.value(on), script.code(on)
            if script.types.of(on) == LOADER:
                name = f"iter({name})"
            elif not isinstance(made, cst.Call) or script.name(made.func) != "builtins.iter":
                continue
            fix: edits.Fix = {call: edits.expression(f"next({name})")}
            yield Match(node=call, fields={"name": name}, fix=fix)


RULES = (IteratorNext,)
