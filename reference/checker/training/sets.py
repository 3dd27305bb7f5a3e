"""Which of the two sets a data set or loader is, and where a value comes from."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

import libcst as cst

from reference.checker.kinds import LOADER
from reference.checker.samples import is_train
from reference.checker.tree import argument

if TYPE_CHECKING:
    from reference.checker.script import Script

Set = Literal["train", "test"]
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
