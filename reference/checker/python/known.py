"""The names that the course's scripts import, and the import of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from reference.checker.python import libraries

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reference.checker.script import Script

# By name: the import, and the attributes with which the name is that of the module or class.
MODULES = {
    "torch": ("import torch", "torch"),
    "torchvision": ("import torchvision", "torchvision"),
    "nn": ("from torch import nn", "torch.nn"),
    "optim": ("from torch import optim", "torch.optim"),
    "F": ("import torch.nn.functional as F", "torch.nn.functional"),
    "transforms": ("from torchvision import transforms", "torchvision.transforms"),
    "datasets": ("from torchvision import datasets", "torchvision.datasets"),
    "models": ("from torchvision import models", "torchvision.models"),
}
_OTHERS = {
    "np": ("import numpy as np", None),
    "numpy": ("import numpy", None),
    "plt": ("import matplotlib.pyplot as plt", None),
    "cv2": ("import cv2", None),
    "cv": ("import cv2 as cv", None),
    "Image": ("from PIL import Image", {"open", "fromarray", "new", "Image", "LANCZOS"}),
    "os": ("import os", {"path", "listdir", "makedirs", "mkdir", "getcwd", "environ", "walk"}),
    "sys": ("import sys", {"path", "argv", "exit", "executable", "version"}),
    "time": ("import time", {"time", "sleep", "perf_counter", "strftime"}),
    "math": ("import math", {"sqrt", "ceil", "floor", "pi", "exp", "log", "cos", "sin"}),
    "random": ("import random", {"random", "randint", "shuffle", "seed", "choice", "sample"}),
    "glob": ("import glob", {"glob"}),
    "json": ("import json", {"load", "loads", "dump", "dumps"}),
}
CLASSES = {
    "DataLoader": "from torch.utils.data import DataLoader",
    "Dataset": "from torch.utils.data import Dataset",
    "SummaryWriter": "from torch.utils.tensorboard import SummaryWriter",
    "tqdm": "from tqdm import tqdm",
}
_WITH_CLASSES = ("torch.nn", "torchvision.transforms", "torchvision.datasets")


def import_of(script: Script, names: Iterable[cst.Name]) -> str:
    """Return the import that a script lacks for a name; empty if it is not known.

    Args:
        script: the script.
        names: the places that read the name.
    """
    names = list(names)
    name = names[0].value
    attributes = {_attribute(script, node) for node in names}
    if name in MODULES:
        statement, module = MODULES[name]
        return statement if attributes <= libraries.names_of(module) | {"utils"} else ""
    if name in _OTHERS:
        statement, known = _OTHERS[name]
        is_module = "" not in attributes and (known is None or attributes & known)
        return statement if is_module else ""
    if name in CLASSES:
        return CLASSES[name]
    for module in _WITH_CLASSES:
        if name[:1].isupper() and name in libraries.names_of(module):
            return f"from {module} import {name}"
    return ""


def _attribute(script: Script, name: cst.Name) -> str:
    """Return what stands after a name and a dot; empty if nothing does."""
    parent = script.parent(name)
    is_base = isinstance(parent, cst.Attribute) and parent.value is name
    return parent.attr.value if is_base and isinstance(parent, cst.Attribute) else ""
