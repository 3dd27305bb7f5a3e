"""Generate library_names.json: the names of PyTorch, torchvision and Pillow.

`course check` compares with them without importing torch.

    python -m spec_tests.report.library_names

writes the file, from the installed versions. Learners have other versions, so the rules report only
names that resemble a listed one, and arguments that are required or resemble a listed one.
"""

import importlib
import importlib.metadata
import inspect
import json
import pkgutil
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from types import ModuleType
from typing import Any

import torch
import torchvision
from PIL import Image
from torch.utils.data import DataLoader

from spec_tests import paths

FILE = paths.REFERENCE / "checker" / "python" / "library_names.json"
PACKAGES = ("torch", "torchvision", "pillow")
MODULES = (
    "torch", "torch.cuda", "torch.nn", "torch.nn.functional", "torch.nn.init", "torch.optim",
    "torch.utils", "torch.utils.data", "torchvision", "torchvision.datasets", "torchvision.models",
    "torchvision.transforms", "torchvision.transforms.functional", "torchvision.utils",
)  # fmt: skip
# Modules whose classes and functions are called with the arguments that `calls` lists.
CALLED = (
    "torch.nn", "torch.nn.functional", "torch.optim", "torch.utils.data", "torchvision.datasets",
    "torchvision.transforms", "torchvision.utils",
)  # fmt: skip
MARKS = {"VAR_POSITIONAL": "*", "VAR_KEYWORD": "**", "KEYWORD_ONLY": "!"}
FUNCTIONS: dict[str, Callable[..., Any]] = {
    "torch.save": torch.save,
    "torch.load": torch.load,
    "PIL.Image.open": Image.open,
}


def library_names() -> dict[str, Any]:
    """Return the versions, names, submodules, attributes of objects, and parameters."""
    modules = {name: importlib.import_module(name) for name in MODULES}
    return {
        "versions": {name: importlib.metadata.version(name) for name in PACKAGES},
        "modules": {name: _public(dir(module)) for name, module in modules.items()},
        "submodules": {name: list(_submodules(module)) for name, module in modules.items()},
        "objects": {name: sorted(names) for name, names in _objects().items()},
        "calls": dict(sorted(_calls(modules))),
    }


def _public(names: Iterable[str]) -> list[str]:
    return sorted(name for name in names if not name.startswith("_"))


def _submodules(module: ModuleType) -> Iterator[str]:
    """Yield the names of a package's modules that are attributes of it, such as optim's sgd."""
    for info in pkgutil.iter_modules(getattr(module, "__path__", ())):
        if not info.name.startswith("_") and inspect.ismodule(getattr(module, info.name, None)):
            yield info.name


def _objects() -> dict[str, set[str]]:
    """Return the attributes of the objects that learners have."""
    weight = torch.nn.Parameter(torch.ones(1))
    loader: DataLoader[Any] = DataLoader(torchvision.datasets.FakeData())
    return {
        "torch.Tensor": set(dir(torch.Tensor)),
        "torch.nn.Module": set(dir(torch.nn.Module())),
        "torch.nn": _of_classes(torch.nn),
        "torch.optim": set(dir(torch.optim.Adam([weight]))),
        "torch.utils.data.Dataset": set(dir(torch.utils.data.Dataset())),
        "torch.utils.data.DataLoader": set(dir(loader)),
        "torchvision.datasets": _of_classes(torchvision.datasets),
        "torchvision.models": _of_networks(),
        "PIL.Image.Image": set(dir(Image.new("RGB", (1, 1)))),
    }


def _of_classes(module: ModuleType) -> set[str]:
    """Return the attributes of the objects of all classes of a module."""
    kinds = [kind for kind in vars(module).values() if isinstance(kind, type)]
    classes = {base for kind in kinds for base in kind.__mro__ if base.__module__ != "builtins"}
    names = {
        name for kind in classes for name in (*dir(kind), *vars(kind).get("__annotations__", ()))
    }
    for kind in classes:
        with suppress(OSError, TypeError):  # written in C
            names |= set(re.findall(r"self\.(\w+)", inspect.getsource(kind)))
    return names


def _of_networks() -> set[str]:
    """Return the attributes of the networks of torchvision.models."""
    names = set(dir(torch.nn.Module()))
    for info in pkgutil.iter_modules(torchvision.models.__path__, "torchvision.models."):
        source = inspect.getsource(importlib.import_module(info.name))
        names |= set(re.findall(r"self\.([a-zA-Z]\w*)", source))
    return names


def _calls(modules: dict[str, ModuleType]) -> Iterator[tuple[str, list[str]]]:
    functions = dict(FUNCTIONS)
    for module in CALLED:
        for name in _public(dir(modules[module])):
            value = getattr(modules[module], name)
            if inspect.isfunction(value) or isinstance(value, type):
                functions[f"{module}.{name}"] = value
    for name, function in functions.items():
        try:
            signature = inspect.signature(function)
        except ValueError:
            continue  # written in C
        yield name, [_parameter(parameter) for parameter in signature.parameters.values()]


def _parameter(parameter: inspect.Parameter) -> str:
    """Return a parameter as in `def`: `x`, `x=`, `*x`, `**x`; by name only, as `!x`."""
    default = "=" if parameter.default is not inspect.Parameter.empty else ""
    return f"{MARKS.get(parameter.kind.name, '')}{parameter.name}{default}"


def text() -> str:
    """Return the file's content, one entry a line."""
    parts = []
    for part, entries in library_names().items():
        lines = (f"{json.dumps(key)}: {json.dumps(value)}" for key, value in entries.items())
        parts.append(f"{json.dumps(part)}: {{\n" + ",\n".join(lines) + "\n}")
    return "{" + ",\n".join(parts) + "}\n"


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
    print(f"wrote {FILE}")
