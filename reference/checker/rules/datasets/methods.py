"""Data set classes: the names of their methods, and how they are used (P6, P7, P16)."""

from __future__ import annotations

from difflib import SequenceMatcher
from typing import TYPE_CHECKING

import libcst as cst

from reference.checker import networks
from reference.checker.finding import Text
from reference.checker.kinds import LOADER
from reference.checker.rule import Bad, Match, Rule
from reference.checker.tree import argument

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reference.checker.script import Script

DATASET = "torch.utils.data.Dataset"
SPECIAL = {"init": "__init__", "getitem": "__getitem__", "len": "__len__", "call": "__call__"}
# Names with two underscores on each side that Python calls itself.
MEANINGFUL = {name for kind in (object, int, list, dict, type) for name in dir(kind)} | {
    "__getitems__", "__call__", "__enter__", "__exit__", "__getattr__", "__del__", "__next__",
    "__missing__", "__set_name__", "__post_init__", "__get__", "__set__", "__copy__",
}  # fmt: skip


def dataset_classes(script: Script) -> list[cst.ClassDef]:
    """Return the classes of data sets that a script defines."""
    return [
        node
        for node in script.nodes(cst.ClassDef)
        if any(script.name(base.value) == DATASET for base in node.bases)
    ]


class SpecialMethodMisspelt(Rule):
    """A method such as `__int__` or `__gititem__` in a data set or a network."""

    name = "special-method-misspelt"
    claims = ("dataset.gititem", "dataset.bare-names", "module.init-name")
    severity = "error"
    message = Text(
        en="Python never calls a method named {old} here: write {new}, with two underscores on "
        "each side.",
        zh="Python 不会调用名为 {old} 的方法：应写成 {new}，前后各有两个下划线。",
    )
    valid = (
        """
        from torch import nn
        from torch.utils.data import Dataset


        class MyData(Dataset):
            def __init__(self, names):
                self.names = names

            def __getitem__(self, idx):
                return self.names[idx]

            def __len__(self):
                return len(self.names)

            def __setitem__(self, idx, name):
                self.names[idx] = name

            def __le__(self, other):
                return True

            def _init_weights(self):
                pass


        class Net(nn.Module):
            def __init__(self):
                super().__init__()

            def __int__(self):
                return 1

            def init(self):
                pass
        """,
    )
    invalid = (
        Bad(
            """
            from torch import nn
            from torch.utils.data import Dataset


            class MyData(Dataset):
                def _init_(self, names):  # finding
                    self.names = names

                def __gititem__(self, idx):  # finding
                    return self.names[idx]

                def len(self):  # finding
                    return len(self.names)


            class Net(nn.Module):
                def __int__(self):  # finding
                    super(Net, self).__init__()
                    self.conv1 = nn.Conv2d(3, 6, 3)
            """,
            fixed="""
            from torch import nn
            from torch.utils.data import Dataset


            class MyData(Dataset):
                def __init__(self, names):
                    self.names = names

                def __getitem__(self, idx):
                    return self.names[idx]

                def __len__(self):
                    return len(self.names)


            class Net(nn.Module):
                def __init__(self):
                    super(Net, self).__init__()
                    self.conv1 = nn.Conv2d(3, 6, 3)
            """,
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the methods whose names are nearly those that Python calls."""
        for owner in (*dataset_classes(script), *networks.classes(script)):
            methods = [m for m in owner.body.body if isinstance(m, cst.FunctionDef)]
            defined = {method.name.value for method in methods}
            called = {node.attr.value for node in script.nodes(cst.Attribute)}
            for method in methods:
                name = method.name.value
                new = _meant(script, method, dataset=owner in dataset_classes(script))
                if new and new not in defined and name not in called:
                    yield Match(
                        node=method,
                        fields={"old": name, "new": new},
                        write=f"def {new}({script.code(method.params)}):",
                        fix={method.name: cst.Name(new)},
                    )


def _meant(script: Script, method: cst.FunctionDef, *, dataset: bool) -> str:
    """Return the name that a method is meant to have; empty if its own is as good."""
    name = method.name.value
    bare = name.strip("_").lower()
    if name == "__int__":
        # A class can define int(x): it then returns something and creates no layers.
        return "" if any(script.within(method, cst.Return)) else "__init__"
    if name in MEANINGFUL:
        return ""
    if not name.startswith("_") or not name.endswith("_"):
        return SPECIAL.get(name, "") if dataset and name in ("getitem", "len", "init") else ""
    scores = {new: SequenceMatcher(None, bare, short).ratio() for short, new in SPECIAL.items()}
    best = max(scores, key=lambda new: scores[new])
    return best if scores[best] >= 0.8 else ""  # noqa: PLR2004 - gititem, getitme, lenn, inti


class DatasetWithoutMethod(Rule):
    """A data set without `__getitem__` or `__len__` that is used as if it had them."""

    name = "dataset-without-method"
    claims = ("dataset.getitem-required", "dataset.len-required")
    severity = "error"
    message = Text(
        en="The class {owner} has no {method}, which this line needs: define it, inside the class "
        "and indented like __init__.",
        zh="类 {owner} 没有 {method}，而这一行要用到它：请在类里面定义，缩进与 __init__ 相同。",
    )
    write = "def __len__(self):\n    return len(self.img_path)"
    valid = (
        """
        from torch.utils.data import DataLoader, Dataset


        class MyData(Dataset):
            def __getitem__(self, idx):
                return self.names[idx]


        class Whole(MyData):
            def __len__(self):
                return 3


        print(MyData()[0], Whole()[0], len(Whole()), DataLoader(Whole()))
        """,
    )
    invalid = (
        Bad(
            """
            from torch.utils.data import DataLoader, Dataset


            class MyData(Dataset):
                def __init__(self, names):
                    self.names = names


            data = MyData(["1.jpg"])
            img, label = data[0]  # finding
            print(len(data))  # finding
            loader = DataLoader(data, batch_size=4)  # finding
            """
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the uses of data sets that need a method that their class lacks."""
        for owner in dataset_classes(script):
            name = owner.name.value
            names = {m.name.value for m in owner.body.body if isinstance(m, cst.FunctionDef)}
            misspelt = any(
                _meant(script, m, dataset=True)
                for m in owner.body.body
                if isinstance(m, cst.FunctionDef)
            )
            if misspelt or len(owner.bases) > 1:
                continue
            if "__getitem__" not in names and "__getitems__" not in names:
                for subscript in script.nodes(cst.Subscript):
                    if script.types.of(subscript.value) == name:
                        fields = {"owner": name, "method": "__getitem__"}
                        yield Match(node=subscript, fields=fields)
            if "__len__" not in names:
                for call in (*script.calls("builtins.len"), *script.calls(LOADER)):
                    if script.types.of(argument(call, 0, "dataset")) == name:
                        yield Match(node=call, fields={"owner": name, "method": "__len__"})


RULES = (SpecialMethodMisspelt, DatasetWithoutMethod)
