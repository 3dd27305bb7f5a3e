"""Methods that must return something (P16)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from reference.checker import networks
from reference.checker.finding import Text
from reference.checker.rule import Bad, Match, Rule
from reference.checker.rules.datasets.methods import dataset_classes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reference.checker.script import Script


class ReturnMissing(Rule):
    """A forward, `__getitem__` or `__len__` that returns nothing."""

    name = "return-missing"
    claims = ("module.return-missing",)
    severity = "warning"
    message = Text(
        en="{method} has no return, so its result is None: end it with return.",
        zh="{method} 没有 return，结果是 None：最后一行要写 return。",
    )
    write = "return output"
    valid = (
        """
        from torch import nn


        class Tudui(nn.Module):
            def forward(self, x):
                return x

            def __len__(self):
                raise NotImplementedError

        class Base(nn.Module):
            def forward(self, x):
                pass

        class Doc(nn.Module):
            def forward(self, x):
                \"\"\"Not yet.\"\"\"
        """,
    )
    invalid = (
        Bad(
            """
            from torch import nn
            from torch.utils.data import Dataset


            class Tudui(nn.Module):
                def forward(self, x):  # finding
                    x = x + 1


            class MyData(Dataset):
                def __getitem__(self, index):  # finding
                    img = self.paths[index]

                def __len__(self):  # finding
                    len(self.paths)
            """
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the methods of networks and data sets that do something and return nothing."""
        owners, data_sets = networks.classes(script), dataset_classes(script)
        for owner in script.nodes(cst.ClassDef):
            is_data_set = owner in data_sets
            names = ("forward",) * (owner in owners) + ("__getitem__", "__len__") * is_data_set
            for name in names:
                method = networks.method(owner, name)
                if method is not None and not _ends(script, method):
                    yield Match(node=method, fields={"method": name})


def _ends(script: Script, method: cst.FunctionDef) -> bool:
    """Return whether a method returns something, raises an error, or is not written yet."""
    ending = (cst.Return, cst.Raise, cst.Yield)
    if any(True for kind in ending for _ in script.within(method, kind)):
        return True
    statements = [
        small
        for line in method.body.body
        for small in (line.body if isinstance(line, cst.SimpleStatementLine) else [line])
    ]
    empty = (cst.Pass, cst.Expr)
    return all(
        isinstance(small, empty) and not isinstance(getattr(small, "value", None), cst.Call)
        for small in statements
    )


RULES = (ReturnMissing,)
