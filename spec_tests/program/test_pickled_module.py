"""P26: a whole network's file gives its weights, without its class and without running it."""

import json
import subprocess
import sys
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
import torch
from PIL import Image
from torch import nn

from reference.checkpoints.files import convert, load_checkpoint
from reference.cli import main
from reference.errors import InputError
from reference.models.course import Tudui

Capture = pytest.CaptureFixture[str]

# The course's network as a learner writes it, in a module of its own or in the script.
NETWORK = """
import sys
import torch
from torch import nn


class Tudui(nn.Module):
    def __init__(self):
        super(Tudui, self).__init__()
        self.model = nn.Sequential(
            nn.Conv2d(3, 32, 5, 1, 2), nn.MaxPool2d(2), nn.Conv2d(32, 32, 5, 1, 2),
            nn.MaxPool2d(2), nn.Conv2d(32, 64, 5, 1, 2), nn.MaxPool2d(2), nn.Flatten(),
            nn.Linear(1024, 64), nn.Linear(64, 10),
        )

    def forward(self, x):
        return self.model(x)
"""
SCRIPT = f"""
{NETWORK}
import model

for name, network in (("main", Tudui()), ("module", model.Tudui())):
    for form in ("zip", "legacy"):
        for device in ("cpu", "cuda:0"):
            torch.serialization.location_tag = lambda storage: device
            path = f"{{sys.argv[1]}}/{{name}}-{{form}}-{{device[:4]}}.pth"
            torch.save(network, path, _use_new_zipfile_serialization=form == "zip")
    torch.serialization.location_tag = lambda storage: "cpu"
    torch.save(network.state_dict(), f"{{sys.argv[1]}}/{{name}}.pt")
"""
SAVED = [
    f"{name}-{form}-{device}"
    for name in ("main", "module")
    for form in ("zip", "legacy")
    for device in ("cpu", "cuda")
]


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Whole networks that another process saved, with a state_dict beside them to compare."""
    folder = tmp_path_factory.mktemp("saved")
    (folder / "model.py").write_text(NETWORK)
    (folder / "save.py").write_text(SCRIPT)
    subprocess.run([sys.executable, folder / "save.py", folder], check=True)
    return folder


@pytest.mark.parametrize("name", SAVED)
def test_checkpoint_of_a_whole_network_becomes_a_state_dict(
    saved: Path, tmp_path: Path, capsys: Capture, name: str
) -> None:
    assert not hasattr(sys.modules["__main__"], "Tudui")
    assert "model" not in sys.modules
    old, new = saved / f"{name}.pth", tmp_path / "new.pt"
    assert main(["convert", str(old), str(new), "--json"]) == 0
    network = "__main__.Tudui" if name.startswith("main") else "model.Tudui"
    printed = capsys.readouterr()
    assert json.loads(printed.out) == {"old": str(old), "new": str(new), "network": network}
    assert printed.err == ""
    expected = torch.load(saved / f"{name.partition('-')[0]}.pt")
    state = torch.load(new)
    assert list(state) == list(expected)
    torch.testing.assert_close(state, dict(expected), rtol=0, atol=0)
    assert Tudui().load_state_dict(state)


def test_checkpoint_of_a_whole_network_is_evaluated_and_predicts(
    saved: Path, small_cifar10: Path, tmp_path: Path, capsys: Capture
) -> None:
    image = tmp_path / "image.png"
    Image.new("RGB", (32, 32), "red").save(image)
    assert main(["convert", str(saved / "main-zip-cuda.pth"), str(tmp_path / "new.pt")]) == 0
    answers = []
    for path in (saved / "main-zip-cuda.pth", tmp_path / "new.pt"):
        for command in (
            ["evaluate", str(path), "--data", str(small_cifar10)],
            ["predict", str(image), "--checkpoint", str(path)],
        ):
            capsys.readouterr()
            assert main([*command, "--device", "cpu", "--json"]) == 0
            printed = capsys.readouterr()
            answers.append(json.loads(printed.out))
            whole = path.suffix == ".pth"
            assert printed.err.count("\n") == whole
            assert ("holds a whole network, __main__.Tudui" in printed.err) == whole
    assert answers[:2] == answers[2:]


class Net(nn.Module):
    """A network that registers what a network can register."""

    def __init__(self) -> None:
        super().__init__()
        self.shared = nn.Linear(2, 2)
        self.again = self.shared
        self.module = nn.Linear(2, 1)  # a word that the format before torch 1.6 uses, too
        self.register_module("none", None)
        self.register_parameter("no_weight", None)
        self.register_parameter("scale", nn.Parameter(torch.rand(3)))
        self.register_buffer("mean", torch.rand(1))
        self.register_buffer("passing", torch.rand(1), persistent=False)
        self.drop = nn.Sequential(nn.Dropout(0.7), nn.ReLU(), nn.Sigmoid(), nn.Flatten())
        self.pool = nn.Sequential(nn.AdaptiveAvgPool2d(7), nn.Conv2d(1, 1, 1, bias=False))


@pytest.mark.parametrize("zipped", [True, False])
def test_checkpoint_of_a_whole_network_has_its_state_dict(tmp_path: Path, *, zipped: bool) -> None:
    network = Net()
    torch.save(network, tmp_path / "net.pth", _use_new_zipfile_serialization=zipped)
    loaded = load_checkpoint(tmp_path / "net.pth")
    expected = network.state_dict()
    assert loaded["network"] == f"{__name__}.Net"
    assert list(loaded["model"]) == list(expected)
    torch.testing.assert_close(loaded["model"], dict(expected), rtol=0, atol=0)
    assert not any(weight.requires_grad for weight in loaded["model"].values())


class THNNFunctionBackend:
    """Hangs on every network that torch 1.0 to 1.4 saved."""

    def __reduce__(self) -> tuple[object, tuple[()]]:
        return vars(sys.modules["torch.nn.backends.thnn"])["_get_thnn_function_backend"], ()


@pytest.fixture
def thnn(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The module that torch had until 1.4."""
    module = ModuleType("torch.nn.backends.thnn")
    exec("def _get_thnn_function_backend(): pass", vars(module))  # noqa: S102 - its own module
    monkeypatch.setitem(sys.modules, "torch.nn.backends", ModuleType("torch.nn.backends"))
    monkeypatch.setitem(sys.modules, module.__name__, module)


@pytest.mark.usefixtures("thnn")
def test_checkpoint_of_a_whole_network_of_torch_1_0(tmp_path: Path) -> None:
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Linear(2, 2))
    expected = dict(network.state_dict())
    old = ("_parameters", "_buffers", "_backward_hooks", "_forward_hooks", "_forward_pre_hooks")
    for module in network.modules():
        kept = {name: OrderedDict(vars(module)[name]) for name in (*old, "_modules")}
        others = {n: v for n, v in vars(module).items() if not n.startswith("_")}
        module.__dict__ = {"_backend": THNNFunctionBackend(), **kept, **others}
    torch.save(network, tmp_path / "old.pth", _use_new_zipfile_serialization=False)
    assert b"_get_thnn_function_backend" in (tmp_path / "old.pth").read_bytes()
    sys.modules.pop("torch.nn.backends.thnn")
    state = load_checkpoint(tmp_path / "old.pth")["model"]
    torch.testing.assert_close(state, expected, rtol=0, atol=0)


def test_checkpoint_of_a_whole_network_never_builds_a_real_layer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.save(nn.Linear(2, 2), tmp_path / "linear.pth")

    def build(*_args: object) -> None:
        pytest.fail("a real layer was built")

    monkeypatch.setattr(nn.Linear, "__setstate__", build)
    with torch.serialization.safe_globals([nn.Linear]):
        assert load_checkpoint(tmp_path / "linear.pth")["model"].keys() == {"weight", "bias"}
        assert nn.Linear in torch.serialization.get_safe_globals()


class Block(nn.Linear):
    """A layer of one's own."""


@pytest.mark.parametrize(
    ("network", "named"),
    [
        (nn.BatchNorm2d(1), r"torch\.nn\.modules\.batchnorm\.BatchNorm2d"),
        (nn.Sequential(Net(), Block(1, 1)), rf"{__name__}\.Block and {__name__}\.Net"),
    ],
)
def test_checkpoint_of_more_than_the_courses_layers_is_refused(
    tmp_path: Path, network: nn.Module, named: str
) -> None:
    torch.save(network, tmp_path / "net.pth")
    with pytest.raises(InputError, match=rf"when it is loaded \({named}\): nothing of it was run"):
        load_checkpoint(tmp_path / "net.pth")


def test_checkpoint_rewritten_never_overwrites(
    saved: Path, tmp_path: Path, capsys: Capture
) -> None:
    taken = tmp_path / "taken.pt"
    taken.write_text("mine")
    old = str(saved / "main-zip-cpu.pth")
    for new, line in (
        (taken, "taken.pt exists already: choose another name"),
        (tmp_path / "none" / "new.pt", "new.pt cannot be written: there is no folder"),
    ):
        assert main(["convert", old, str(new)]) == 2
        printed = capsys.readouterr().err
        assert line in printed
        assert printed.count("\n") == 1
    assert taken.read_text() == "mine"
    assert list(tmp_path.iterdir()) == [taken]


def test_checkpoint_rewriting_leaves_a_state_dict_alone(saved: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no whole network: it can be used as it is"):
        convert(saved / "main.pt", tmp_path / "new.pt")
    assert not (tmp_path / "new.pt").exists()


def test_checkpoint_rewritten_on_a_full_disk_leaves_nothing(
    saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    def full(*_args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch, "save", full)
    assert main(["convert", str(saved / "main-zip-cpu.pth"), str(tmp_path / "new.pt")]) == 1
    assert "No space left" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
