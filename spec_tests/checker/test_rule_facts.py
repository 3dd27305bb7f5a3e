"""What rules know about libraries agrees with the installed ones, and rules about files."""

import importlib
import importlib.metadata
import inspect
import subprocess
import sys
from pathlib import Path

import pytest
import torchvision
from packaging.version import Version
from torch.utils.data import DataLoader
from torch.utils.tensorboard import SummaryWriter

from reference.checker.project import Project
from reference.checker.rules.boards.calls import ATTRIBUTES, PARAMETERS
from reference.checker.rules.datasets.loader_options import NUM_WORKERS
from reference.checker.rules.datasets.loaders import COLLATE_FN
from reference.checker.rules.files.scripts import LOADED_BY, STANDARD, FileShadowsModule
from reference.checker.rules.networks.dimensions import InputDims
from reference.checker.rules.transforms.removed import RENAMED
from reference.checker.samples import TRANSFORM_POSITIONS
from reference.checker.script import Script

TORCH = Version(importlib.metadata.version("torch"))


def shadowed(folder: Path, files: dict[str, str]) -> dict[str, list[int]]:
    """Return the lines at which the rule finds that a file has the name of a module."""
    for name, code in files.items():
        (folder / name).write_text(code, encoding="utf-8")
    project = Project(TORCH)
    scripts = [Script(code, folder / name, project, TORCH) for name, code in files.items()]
    return {
        script.path.name: [script.line(match.node) for match in FileShadowsModule().check(script)]
        for script in scripts
    }


def test_attributes_of_a_writer(writer: SummaryWriter) -> None:
    public = {name for name in dir(writer) if not name.startswith("_")}
    assert public == set(ATTRIBUTES)


@pytest.mark.parametrize("name", PARAMETERS)
def test_parameters_of_a_writer(name: str) -> None:
    function = SummaryWriter if name == "SummaryWriter" else getattr(SummaryWriter, name)
    assert (
        tuple(p for p in inspect.signature(function).parameters if p != "self")
        == (PARAMETERS[name])
    )


@pytest.mark.parametrize("name", TRANSFORM_POSITIONS)
def test_position_of_a_transform(name: str) -> None:
    parameters = list(inspect.signature(getattr(torchvision.datasets, name)).parameters)
    assert parameters.index("transform") == TRANSFORM_POSITIONS[name]


def test_positions_of_the_options_of_a_loader() -> None:
    parameters = list(inspect.signature(DataLoader).parameters)
    assert parameters.index("num_workers") == NUM_WORKERS
    assert parameters.index("collate_fn") == COLLATE_FN


@pytest.mark.parametrize(("old", "new"), RENAMED.items())
def test_removed_names(old: str, new: str) -> None:
    module = importlib.import_module(old.rpartition(".")[0])
    assert not hasattr(module, old.rpartition(".")[2])
    assert hasattr(module, new)


def test_modules_that_torch_loads() -> None:
    code = "import sys, torch, torchvision, torch.utils.tensorboard; print(*sys.modules)"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    loaded = set(result.stdout.split())
    assert [name for name in sorted(STANDARD) if name not in loaded] == []
    assert {"torch", "torchvision", "tensorboard", "numpy", "PIL"} <= loaded & LOADED_BY.keys()


@pytest.mark.parametrize("name", ["torch.py", "tensorboard.py", "random.py"])
def test_file_with_the_name_of_a_module(tmp_path: Path, name: str) -> None:
    code = "from torch.utils.tensorboard import SummaryWriter\n"
    assert shadowed(tmp_path, {name: code}) == {name: [1]}


@pytest.mark.parametrize("name", ["PIL.py", "numpy.py", "copy.py"])
def test_file_that_a_script_beside_it_needs(tmp_path: Path, name: str) -> None:
    train = "import time\n\nimport torchvision\n"
    assert shadowed(tmp_path, {name: "x = 1\n", "train.py": train}) == {name: [1], "train.py": [3]}


def test_files_that_shadow_nothing(tmp_path: Path) -> None:
    files = {
        "tensorboard.py": "print(1)\n",
        "dataset.py": "import torch\n",
        "test.py": "from torch import nn\n",
        "transforms.py": "from torchvision import transforms\n",
    }
    assert not any(shadowed(tmp_path, files).values())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("image, kernel", "This input has the shape (3, 3)"),
        ("torch.reshape(image, (1, 1, 3, 3)), kernel", "This kernel has the shape (2, 2)"),
    ],
)
def test_input_dims_names_the_tensor_that_torch_rejects(
    arguments: str, message: str, tmp_path: Path
) -> None:
    code = (
        "import torch\n\n"
        "image, kernel = torch.ones(3, 3), torch.ones(2, 2)\n"
        f"print(torch.nn.functional.conv2d({arguments}))\n"
    )
    script = Script(code, tmp_path / "script.py", Project(TORCH), TORCH)
    (match,) = InputDims().check(script)
    assert InputDims.message.en.format(**match.fields).startswith(message)
