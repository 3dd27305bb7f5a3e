"""Which of the two sets a data set or loader is, and where a value comes from."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

import libcst as cst

from reference.checker.kinds import LOADER
from reference.checker.samples import is_train
from reference.checker.training.loops import part_of_batch
from reference.checker.tree import argument

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reference.checker.script import Script

MAX_NAMES = 50  # variables that are looked at to see where a value comes from
Set = Literal["train", "test"]
_NAMES: dict[Set, re.Pattern[str]] = {
    "train": re.compile(r"(?:^|_)[tT]rain|[a-z]Train"),
    "test": re.compile(r"(?:^|_)[tT]est|[a-z]Test"),
}
_WITH_TRAIN = re.compile(r"torchvision\.datasets\.(CIFAR100?|(Fashion|K)?MNIST|USPS)$")


def dataset_of(script: Script, node: cst.BaseExpression) -> cst.Call | None:
    """Return the call that opens the data set of an expression, or of a DataLoader.

    None unless it is a data set of torchvision that has an argument `train`.
    """
    node = script.value(node)
    if isinstance(node, cst.Call) and script.types.of(node) == LOADER:
        dataset = argument(node, 0, "dataset")
        node = script.value(dataset) if dataset is not None else node
    known = isinstance(node, cst.Call) and _WITH_TRAIN.match(script.types.of(node))
    return node if known and isinstance(node, cst.Call) else None


def which_set(script: Script, node: cst.BaseExpression) -> Set | None:
    """Return whether a data set or loader has the training or the test images; None: unknown."""
    call = dataset_of(script, node)
    train = is_train(script, call) if call is not None else None
    return None if train is None else "train" if train else "test"


def origins(script: Script, node: cst.BaseExpression) -> set[Set | None]:
    """Return from which sets the data of a value come; None stands for an unknown one."""
    found: set[Set | None] = set()
    seen: set[cst.CSTNode] = set()
    pending: list[cst.CSTNode] = [node]
    while pending and len(seen) < MAX_NAMES:
        node_or_name = pending.pop()
        names = [node_or_name, *script.within(node_or_name, cst.Name)]
        for name in names:
            if not isinstance(name, cst.Name) or name in seen:
                continue
            seen.add(name)
            part = part_of_batch(script, name)
            binding = script.binding(name)
            if part is not None:
                found.add(which_set(script, part.loader))
            elif dataset_of(script, name) is not None:
                # What a function makes of a data set is unknown: random_split, evaluate.
                is_item = isinstance(script.parent(name), cst.Subscript)
                if is_item or not _is_measured(script, name):
                    found.add(which_set(script, name) if is_item else None)
            elif binding is not None and binding.value is not None and not binding.iterated:
                pending.append(binding.value)
    return found


def _is_measured(script: Script, name: cst.Name) -> bool:
    """Return whether a name is the argument of `len`."""
    arg = script.parent(name)
    call = script.parent(arg) if isinstance(arg, cst.Arg) else None
    return isinstance(call, cst.Call) and script.name(call.func) == "builtins.len"


def misnamed(script: Script) -> Iterator[tuple[cst.Assign, str, Set]]:
    """Yield the data sets whose names say test but that have the training images, or the reverse.

    With each comes the variable's name and which set it really has. DataLoaders count too, unless
    the name of their data set says the same.
    """
    for assign in script.nodes(cst.Assign):
        target = assign.targets[0].target
        name = target.attr if isinstance(target, cst.Attribute) else target
        if not isinstance(name, cst.Name) or not isinstance(assign.value, cst.Call):
            continue
        says, of = _said(name), which_set(script, assign.value)
        dataset = argument(assign.value, 0, "dataset")
        is_loader = script.types.of(assign.value) == LOADER
        inner = _said(dataset) if is_loader and isinstance(dataset, cst.Name) else set()
        if len(says) == 1 and of is not None and of not in says and inner != says:
            yield assign, name.value, of


def _said(name: cst.Name) -> set[Set]:
    return {kind for kind, pattern in _NAMES.items() if pattern.search(name.value)}
