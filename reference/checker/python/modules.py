"""Names of modules in import statements, and which one a misspelt name means."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import libcst as cst
from libcst.helpers import get_full_name_for_node

from reference.checker.python.libraries import similar, submodules

if TYPE_CHECKING:
    from reference.checker.script import Script

# The packages of the course and its learners.
PACKAGES = frozenset({"torch", "torchvision", "torchaudio", "tensorboard", "tensorboardX"}).union(
    ["PIL", "cv2", "numpy", "matplotlib", "tqdm", "pandas", "sklearn"]
)
# Packages of others whose names resemble these.
OTHERS = frozenset(["torchvideo", "torchversion", "numpyro", "pandarallel", "skorch"])
# Modules that are no attributes of their package until they are imported.
IMPORTED_ONLY = {
    "torch.utils": frozenset(["benchmark", "bottleneck", "cpp_extension", "tensorboard"]),
    "torchvision.transforms": frozenset(["v2"]),
}
NEAR = 0.84  # of difflib: numba is no numpy, and torchio no torch


def module_of(statement: cst.Import | cst.ImportFrom) -> str:
    """Return the module that a statement imports, or imports names from; empty for `.`."""
    if isinstance(statement, cst.ImportFrom):
        return "" if statement.module is None else get_full_name_for_node(statement.module) or ""
    return get_full_name_for_node(statement.names[0].name) or ""


def correct_module(script: Script, name: str) -> str:
    """Return the module that a misspelt name means; empty if the name may be right."""
    package, *parts = name.split(".")
    if package not in PACKAGES:
        known = package in sys.stdlib_module_names or package in OTHERS
        if known or script.project.module(script, package):
            return ""
        meant = similar(package, PACKAGES, NEAR)
        return ".".join([meant, *parts]) if meant else ""
    for position, part in enumerate(parts):
        modules = submodules(package) | IMPORTED_ONLY.get(package, frozenset())
        if not modules:
            return ""
        if part not in modules:
            meant = similar(part, modules, NEAR)
            return ".".join([package, meant, *parts[position + 1 :]]) if meant else ""
        package = f"{package}.{part}"
    return ""
