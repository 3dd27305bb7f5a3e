"""What data sets are made of: their folders, and labels in text files (P6, P7)."""

from __future__ import annotations

import re
from itertools import combinations
from typing import TYPE_CHECKING

import libcst as cst

from reference.checker import edits, networks
from reference.checker.finding import Text
from reference.checker.rule import Bad, Match, Rule
from reference.checker.rules.datasets.methods import dataset_classes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reference.checker.script import Script


class DatasetFolderTwice(Rule):
    """Two data sets of one folder, such as bees that are made of the ants' folder."""

    name = "dataset-folder-twice"
    claims = ("dataset.bees-folder",)
    severity = "warning"
    message = Text(
        en="{second} is created with the same folder as {first}, so both contain the same images.",
        zh="{second} 与 {first} 用的是同一个文件夹，两个数据集里的图片完全相同。",
    )
    valid = (
        """
        from torch.utils.data import Dataset


        class MyData(Dataset):
            pass


        ants_label_dir = "ants"
        bees_label_dir = "bees"
        ants_dataset = MyData("train", ants_label_dir)
        bees_dataset = MyData("train", bees_label_dir)
        whole = ants_dataset + bees_dataset
        first = MyData("train", "ants")
        again = MyData("train", "ants")
        """,
    )
    invalid = (
        Bad(
            """
            from torch.utils.data import Dataset


            class MyData(Dataset):
                pass


            ants_label_dir = "ants"
            bees_label_dir = "bees"
            ants_dataset = MyData("train", ants_label_dir)
            bees_dataset = MyData("train", ants_label_dir)  # finding
            """,
            fixed="""
            from torch.utils.data import Dataset


            class MyData(Dataset):
                pass


            ants_label_dir = "ants"
            bees_label_dir = "bees"
            ants_dataset = MyData("train", ants_label_dir)
            bees_dataset = MyData("train", bees_label_dir)
            """,
        ),
        Bad(
            """
            from torch.utils.data import Dataset


            class MyData(Dataset):
                pass


            AntsDir = "train/ants"
            BeesDir = "train/ants"
            ants = MyData("data", AntsDir)
            bees = MyData("data", BeesDir)  # finding
            whole = ants + bees
            """
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the data sets that are surely meant to have another folder."""
        names = {owner.name.value for owner in dataset_classes(script)}
        made = [
            (assign.targets[0].target, assign.value)
            for assign in script.nodes(cst.Assign)
            if isinstance(assign.value, cst.Call) and script.name(assign.value.func) in names
        ]
        for (first, call), (second, other) in combinations(made, 2):
            if not isinstance(first, cst.Name) or not isinstance(second, cst.Name):
                continue
            if first.value == second.value or _arguments(script, call) != _arguments(script, other):
                continue
            fix = _other_folder(script, first, second, other)
            if fix or _are_added(script, first, second):
                fields = {"first": first.value, "second": second.value}
                yield Match(node=other, fields=fields, fix=fix)


def _arguments(script: Script, call: cst.Call) -> list[object]:
    """Return what is passed, with names followed to texts and numbers."""
    values = [script.literal(arg.value) for arg in call.args]
    return [
        script.code(arg.value) if value is ... else value
        for arg, value in zip(call.args, values, strict=True)
    ]


def _are_added(script: Script, first: cst.Name, second: cst.Name) -> bool:
    """Return whether a script adds two data sets."""
    names = {first.value, second.value}
    return any(
        {script.code(node.left), script.code(node.right)} == names
        for node in script.nodes(cst.BinaryOperation)
    )


def _other_folder(script: Script, first: cst.Name, second: cst.Name, call: cst.Call) -> edits.Fix:
    """Return the fix: pass the variable that has the second data set's name and is not used."""
    own = _words(second.value) - _words(first.value)
    for assign in script.nodes(cst.Assign):
        unused = assign.targets[0].target
        if not isinstance(unused, cst.Name) or not own & _words(unused.value):
            continue
        if script.accesses(unused) or not isinstance(script.literal(assign.value), str):
            continue
        for arg in call.args:
            passed = arg.value
            if isinstance(passed, cst.Name) and (
                _words(passed.value) - _words(first.value)
                == _words(unused.value) - _words(second.value)
            ):
                return {passed: cst.Name(unused.value)}
    return {}


def _words(name: str) -> set[str]:
    """Return the words of a name: ants, label, dir for `ants_label_dir` and `AntsLabelDir`."""
    return {word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+", name)}


class LabelLineEnding(Rule):
    """A label read with `readline()`, which keeps the end of the line."""

    name = "label-line-ending"
    claims = ("dataset.readline-label",)
    severity = "advice"
    message = Text(
        en="readline() keeps the end of the line: if the file has one, the label is 'ants\\n' and "
        "not 'ants'. Remove it with rstrip.",
        zh="readline() 会保留换行符：文件里有换行时，标签是 'ants\\n' 而不是 'ants'。"
        "请用 rstrip 去掉。",
    )
    valid = (
        """
        from torch.utils.data import Dataset


        class MyData(Dataset):
            def __getitem__(self, idx):
                with open(self.label_path[idx]) as f:
                    label = f.readline().strip()
                return self.images[idx], label
        """,
        """
        with open("notes.txt") as f:
            first = f.readline()
        """,
    )
    invalid = (
        Bad(
            """
            from torch.utils.data import Dataset


            class MyData(Dataset):
                def __getitem__(self, idx):
                    with open(self.label_path[idx]) as f:
                        label = f.readline()  # finding
                    return {"img": self.images[idx], "label": label}
            """,
            fixed="""
            from torch.utils.data import Dataset


            class MyData(Dataset):
                def __getitem__(self, idx):
                    with open(self.label_path[idx]) as f:
                        label = f.readline().rstrip("\\n")
                    return {"img": self.images[idx], "label": label}
            """,
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the lines that data sets read and neither strip nor convert."""
        for owner in dataset_classes(script):
            getitem = networks.method(owner, "__getitem__")
            for assign in script.within(getitem, cst.Assign) if getitem else ():
                call, target = assign.value, assign.targets[0].target
                if not isinstance(call, cst.Call) or not isinstance(target, cst.Name):
                    continue
                if not isinstance(call.func, cst.Attribute) or call.func.attr.value != "readline":
                    continue
                if not any(_is_processed(script, name) for name in script.accesses(target)):
                    code = f'{script.code(call)}.rstrip("\\n")'
                    fix: edits.Fix = {call: edits.expression(code)}
                    yield Match(node=assign, fix=fix)


def _is_processed(script: Script, name: cst.Name) -> bool:
    """Return whether a text is converted or one of its methods is called."""
    parent = script.parent(name)
    return isinstance(parent, cst.Attribute | cst.Arg)


RULES = (DatasetFolderTwice, LabelLineEnding)
