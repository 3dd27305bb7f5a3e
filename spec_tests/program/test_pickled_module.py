"""P26: the weights in a whole network's file are read without its class, and no code is run."""

import io
import json
import subprocess
import sys
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest
import torch
from PIL import Image
from torch import nn

from reference.checkpoints.files import convert, load_checkpoint
from reference.checkpoints.pickle_reader import DamagedError, referenced_globals
from reference.cli import main
from reference.errors import InputError
from reference.models.course import Tudui

Capture = pytest.CaptureFixture[str]

# The course's network as a learner writes it, in a separate module or in the script itself.
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
            torch.serialization.location_tag = lambda storage: device  # as if saved on it
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
    """Return a folder of whole networks saved by another process, each with its state_dict."""
    folder = tmp_path_factory.mktemp("saved")
    (folder / "model.py").write_text(NETWORK)
    (folder / "save.py").write_text(SCRIPT)
    subprocess.run([sys.executable, folder / "save.py", folder], check=True)
    return folder


@pytest.mark.parametrize("name", SAVED)
def test_whole_network_becomes_a_state_dict(
    saved: Path, tmp_path: Path, capsys: Capture, name: str
) -> None:
    assert not hasattr(sys.modules["__main__"], "Tudui")
    assert "model" not in sys.modules
    old, new = saved / f"{name}.pth", tmp_path / "new.pt"
    assert main(["convert", str(old), str(new), "--json"]) == 0
    network = "__main__.Tudui" if name.startswith("main") else "model.Tudui"
    printed = capsys.readouterr()
    assert json.loads(printed.out) == {"old": str(old), "new": str(new), "network": network}
    assert printed.err.count("\n") == printed.err.count("which has no checksums")
    assert ("which has no checksums" in printed.err) == ("legacy" in name)
    expected = torch.load(saved / f"{name.partition('-')[0]}.pt")
    state = torch.load(new)
    assert list(state) == list(expected)
    torch.testing.assert_close(state, dict(expected), rtol=0, atol=0)
    assert Tudui().load_state_dict(state)


def test_whole_network_evaluates_and_predicts_as_its_state_dict(
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
            is_whole = path.suffix == ".pth"
            assert printed.err.count("\n") == is_whole
            assert ("a whole network, __main__.Tudui" in printed.err) == is_whole
    assert answers[:2] == answers[2:]


class Net(nn.Module):
    """A network with every kind of entry that a module can register."""

    def __init__(self) -> None:
        super().__init__()
        self.shared = nn.Linear(2, 2)
        self.again = self.shared
        self.module = nn.Linear(
            2, 1
        )  # the format before torch 1.6 marks a class with this word, too
        self.register_module("none", None)
        self.register_parameter("no_weight", None)
        self.register_parameter("scale", nn.Parameter(torch.rand(3)))
        self.register_buffer("mean", torch.rand(1))
        self.register_buffer("passing", torch.rand(1), persistent=False)
        self.drop = nn.Sequential(nn.Dropout(0.7), nn.ReLU(), nn.Sigmoid(), nn.Flatten())
        self.pool = nn.Sequential(nn.AdaptiveAvgPool2d(7), nn.Conv2d(1, 1, 1, bias=False))


@pytest.mark.parametrize("zipped", [True, False])
def test_weights_equal_the_state_dict(tmp_path: Path, *, zipped: bool) -> None:
    network = Net()
    torch.save(network, tmp_path / "net.pth", _use_new_zipfile_serialization=zipped)
    loaded = load_checkpoint(tmp_path / "net.pth")
    expected = network.state_dict()
    assert loaded["network"] == f"{__name__}.Net"
    assert list(loaded["model"]) == list(expected)
    torch.testing.assert_close(loaded["model"], dict(expected), rtol=0, atol=0)
    assert not any(weight.requires_grad for weight in loaded["model"].values())


class THNNFunctionBackend:
    """An attribute of every module that torch 1.0 to 1.4 saved."""

    def __reduce__(self) -> tuple[object, tuple[()]]:
        return vars(sys.modules["torch.nn.backends.thnn"])["_get_thnn_function_backend"], ()


@pytest.fixture
def thnn(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Restore the module torch.nn.backends.thnn, which torch had until 1.4."""
    module = ModuleType("torch.nn.backends.thnn")
    exec("def _get_thnn_function_backend(): pass", vars(module))  # noqa: S102 - defined there
    monkeypatch.setitem(sys.modules, "torch.nn.backends", ModuleType("torch.nn.backends"))
    monkeypatch.setitem(sys.modules, module.__name__, module)


@pytest.mark.usefixtures("thnn")
def test_whole_network_of_torch_1_0(tmp_path: Path) -> None:
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Linear(2, 2))
    expected = dict(network.state_dict())
    private = ("_parameters", "_buffers", "_backward_hooks", "_forward_hooks", "_forward_pre_hooks")
    for module in network.modules():  # the attributes that a module had in torch 1.0
        kept = {name: OrderedDict(vars(module)[name]) for name in (*private, "_modules")}
        public = {n: v for n, v in vars(module).items() if not n.startswith("_")}
        module.__dict__ = {"_backend": THNNFunctionBackend(), **kept, **public}
    torch.save(network, tmp_path / "old.pth", _use_new_zipfile_serialization=False)
    assert b"_get_thnn_function_backend" in (tmp_path / "old.pth").read_bytes()
    sys.modules.pop("torch.nn.backends.thnn")
    state = load_checkpoint(tmp_path / "old.pth")["model"]
    torch.testing.assert_close(state, expected, rtol=0, atol=0)


def test_real_layer_is_never_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.save(nn.Linear(2, 2), tmp_path / "linear.pth")

    def build(*_args: object) -> None:
        pytest.fail("a real layer was built")

    monkeypatch.setattr(nn.Linear, "__setstate__", build)
    with torch.serialization.safe_globals([nn.Linear]):
        assert load_checkpoint(tmp_path / "linear.pth")["model"].keys() == {"weight", "bias"}
        assert nn.Linear in torch.serialization.get_safe_globals()


class Block(nn.Linear):
    """A layer that the user defines."""


@pytest.mark.parametrize(
    ("network", "names"),
    [
        (nn.BatchNorm2d(1), r"torch\.nn\.modules\.batchnorm\.BatchNorm2d"),
        (nn.Sequential(Net(), Block(1, 1)), rf"{__name__}\.Block and {__name__}\.Net"),
    ],
)
def test_layers_beyond_the_courses_are_refused(
    tmp_path: Path, network: nn.Module, names: str
) -> None:
    torch.save(network, tmp_path / "net.pth")
    with pytest.raises(InputError, match=rf"when it is loaded \({names}\); none of it was run"):
        load_checkpoint(tmp_path / "net.pth")


def test_rewriting_never_overwrites(saved: Path, tmp_path: Path, capsys: Capture) -> None:
    taken = tmp_path / "taken.pt"
    taken.write_text("mine")
    old = str(saved / "main-zip-cpu.pth")
    for new, line in (
        (taken, "taken.pt already exists: choose another name"),
        (tmp_path / "none" / "new.pt", "new.pt cannot be written: there is no folder"),
    ):
        assert main(["convert", old, str(new)]) == 2
        printed = capsys.readouterr().err
        assert line in printed
        assert printed.count("\n") == 1
    assert taken.read_text() == "mine"
    assert list(tmp_path.iterdir()) == [taken]


def test_rewriting_refuses_a_state_dict(saved: Path, tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match="is a checkpoint, not a whole network: it needs no conversion"
    ):
        convert(saved / "main.pt", tmp_path / "new.pt")
    assert not (tmp_path / "new.pt").exists()


def test_rewriting_leaves_nothing_on_a_full_disk(
    saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    def full(*_args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch, "save", full)
    assert main(["convert", str(saved / "main-zip-cpu.pth"), str(tmp_path / "new.pt")]) == 1
    assert "No space left" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
def test_empty_tensor_has_a_size_of_zero(*, zipped: bool) -> None:
    file = io.BytesIO()
    torch.save({"a": torch.zeros(0)}, file, _use_new_zipfile_serialization=zipped)
    assert referenced_globals(file) >= {"torch.FloatStorage"}


def test_storage_of_a_negative_size_is_refused() -> None:
    """Otherwise it would make room for another storage that is larger than the file."""
    file = io.BytesIO()
    torch.save({"a": torch.zeros(77)}, file, _use_new_zipfile_serialization=False)
    size, negative = b"K\x4d", b"J\xff\xff\xff\xff"  # BININT1 77, BININT -1
    assert file.getvalue().count(size) >= 1
    with pytest.raises(DamagedError, match=r"storage .* has two sizes, or a negative one"):
        referenced_globals(io.BytesIO(file.getvalue().replace(size, negative)))


def _saved_zip() -> dict[str, bytes]:
    """Return the members of a zip that torch.save writes."""
    torch.save({"weight": torch.ones(3)}, file := io.BytesIO())
    with zipfile.ZipFile(file) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _zip_of(members: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    with zipfile.ZipFile(file := io.BytesIO(), "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return file.getvalue()


def _with_larger_member(data: bytes) -> bytes:
    """Return a zip whose last member claims to be larger than the whole file."""
    entry = data.rindex(b"PK\x01\x02")  # of the central directory: its size is at 24
    return data[: entry + 24] + (10**6).to_bytes(4, "little") + data[entry + 28 :]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (_zip_of, ""),
        (lambda m: _zip_of({k.replace("archive/", "./"): v for k, v in m.items()}), "members"),
        (lambda m: b"PK\x03\x04 data before it" + _zip_of(m), "members"),
        (lambda m: _zip_of(m, zipfile.ZIP_DEFLATED), "compressed"),
        (lambda m: _with_larger_member(_zip_of(m)), "compressed"),
        (lambda m: _zip_of(m | {"archive/byteorder": b"big"}), "another order"),
    ],
    ids=["as-saved", "folder", "data-before", "deflated", "larger", "byteorder"],
)
def test_zip_that_torch_save_does_not_write(
    change: Callable[[dict[str, bytes]], bytes], reason: str
) -> None:
    file = io.BytesIO(change(_saved_zip()))
    if not reason:
        assert "torch._utils._rebuild_tensor_v2" in referenced_globals(file)
        return
    with pytest.raises(DamagedError, match=reason):
        referenced_globals(file)
