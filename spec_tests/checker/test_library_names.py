"""The names of PyTorch that the rules compare with, and the imports that they add."""

import importlib.metadata
import json

import pytest

from reference.checker.python import known, libraries
from spec_tests.report import library_names
from spec_tests.support.listings import run

STORED = json.loads(library_names.FILE.read_text(encoding="utf-8"))


def test_the_file_has_the_names_of_the_installed_versions() -> None:
    installed = {name: importlib.metadata.version(name) for name in library_names.PACKAGES}
    if installed != STORED["versions"]:
        pytest.skip("the file has the names of other versions")
    now = library_names.library_names()
    for part in ("objects", "calls"):
        assert STORED[part] == now[part]
    for module, names in STORED["modules"].items():
        # a module gets more names when its submodules are imported
        assert set(names) <= set(now["modules"][module])


@pytest.mark.parametrize("name", ["DataLoader", "Conv2d", "ToTensor", "CIFAR10", "SGD"])
def test_names_that_learners_use_are_listed(name: str) -> None:
    modules = ("torch.utils.data", "torch.nn", "torchvision.transforms", "torchvision.datasets")
    assert [m for m in (*modules, "torch.optim") if name in libraries.names_of(m)]


@pytest.mark.parametrize(
    "statement",
    [statement for statement, _ in known.MODULES.values()] + list(known.CLASSES.values()),
)
def test_imports_that_a_fix_adds_can_be_run(statement: str) -> None:
    run(statement)


@pytest.mark.parametrize(
    ("name", "right"),
    [("Conv2D", "Conv2d"), ("sequential", "Sequential"), ("Maxpool2d", "MaxPool2d"), ("x", "")],
)
def test_similar_names(name: str, right: str) -> None:
    assert libraries.similar(name, libraries.names_of("torch.nn")) == right
