"""Claims about the course's two ways to save a network, and how they fail (P26)."""

import io
import os
import sys
from collections import OrderedDict
from pathlib import Path
from types import ModuleType

import pytest
import torch
from torch import nn
from torchvision.models import VGG, vgg16

from reference.checkpoints.files import load_checkpoint, load_weights
from reference.errors import InputError
from reference.models.course import Tudui
from spec_tests.harness.shown_errors import ShowsError

CPU = torch.device("cpu")


class Small(nn.Module):
    """A network that takes a few kilobytes when saved."""

    def __init__(self) -> None:
        super().__init__()
        self.model = nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.7))


def plain_vgg16() -> VGG:
    """Return torchvision's VGG16 on the meta device."""
    with torch.device("meta"):
        return vgg16(weights=None)


def vgg16_with_ten_classes() -> VGG:
    """Return the VGG16 that the course saves as a whole."""
    network = plain_vgg16()
    with torch.device("meta"):
        network.classifier[2] = nn.Dropout(p=0.7, inplace=False)
        network.classifier[6] = nn.Linear(4096, 10)
    return network


def vgg16_with_added_layer() -> VGG:
    """Return the VGG16 whose added layer the course warns about."""
    network = plain_vgg16()
    with torch.device("meta"):
        network.add_module("test adding", nn.Linear(1000, 10))
    return network


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return an importable module, mymod, that defines the network."""
    module = ModuleType("mymod")
    module.Tudui = type("Tudui", (Small,), {"__module__": "mymod"})
    monkeypatch.setitem(sys.modules, "mymod", module)
    return module


@pytest.mark.claim("saveload.whole-model")
@pytest.mark.shows("saveload.whole-model")
def test_whole_model_is_not_loaded_by_default(tmp_path: Path, shows_error: ShowsError) -> None:
    torch.save(vgg16_with_ten_classes(), tmp_path / "vgg16_method1.pth")
    with shows_error("saveload.whole-model"):
        torch.load(tmp_path / "vgg16_method1.pth")


@pytest.mark.claim("saveload.whole-model-restores")
def test_whole_model_restores_the_network(tmp_path: Path) -> None:
    torch.save(vgg16_with_ten_classes(), tmp_path / "vgg16_method1.pth")
    loaded = torch.load(tmp_path / "vgg16_method1.pth", weights_only=False)
    assert str(loaded) == str(vgg16_with_ten_classes())
    assert str(loaded.classifier[2]) == "Dropout(p=0.7, inplace=False)"
    assert loaded.classifier[6].weight.shape == (10, 4096)

    network = Small()
    torch.save(network, tmp_path / "small.pth")
    expected = dict(network.state_dict())
    loaded = torch.load(tmp_path / "small.pth", weights_only=False)
    torch.testing.assert_close(dict(loaded.state_dict()), expected, rtol=0, atol=0)
    state = load_checkpoint(tmp_path / "small.pth")["model"]  # without importing the class
    torch.testing.assert_close(state, expected, rtol=0, atol=0)


@pytest.mark.claim("saveload.state-dict-type")
def test_state_dict_is_an_ordered_dict(tmp_path: Path) -> None:
    torch.save(Small().state_dict(), tmp_path / "vgg16_method2.pth")
    source = torch.load(tmp_path / "vgg16_method2.pth")
    assert str(type(source)) == "<class 'collections.OrderedDict'>"


@pytest.mark.claim("saveload.state-dict-restores")
def test_state_dict_restores_the_weights(tmp_path: Path) -> None:
    saved, network = Tudui(), Tudui()
    torch.save(saved.state_dict(), tmp_path / "model_0.pth")
    result = network.load_state_dict(torch.load(tmp_path / "model_0.pth"))
    assert str(result) == "<All keys matched successfully>"
    images = torch.ones(1, 3, 32, 32)
    torch.testing.assert_close(network(images), saved(images), rtol=0, atol=0)


@pytest.mark.claim("saveload.only-parameters")
def test_state_dict_has_parameters_only(tmp_path: Path) -> None:
    torch.save(plain_vgg16().state_dict(), tmp_path / "vgg16_method2.pth")
    source = torch.load(tmp_path / "vgg16_method2.pth")
    assert isinstance(source, dict)
    assert len(source) == 32  # 13 convolutions and 3 linear layers, a weight and a bias each
    assert {type(value) for value in source.values()} == {torch.Tensor}


@pytest.mark.claim("saveload.added-layer")
@pytest.mark.shows("saveload.added-layer")
def test_added_layer_is_an_unexpected_key(shows_error: ShowsError) -> None:
    with shows_error("saveload.added-layer"):
        plain_vgg16().load_state_dict(vgg16_with_added_layer().state_dict())


@pytest.mark.claim("saveload.replaced-head")
@pytest.mark.shows("saveload.replaced-head")
def test_replaced_head_is_a_size_mismatch(shows_error: ShowsError) -> None:
    with shows_error("saveload.replaced-head"):
        plain_vgg16().load_state_dict(vgg16_with_ten_classes().state_dict())


@pytest.mark.claim("saveload.strict-false")
def test_added_layer_is_reported_with_strict_false() -> None:
    result = plain_vgg16().load_state_dict(vgg16_with_added_layer().state_dict(), strict=False)
    assert str(result) == (
        "_IncompatibleKeys(missing_keys=[], "
        "unexpected_keys=['test adding.weight', 'test adding.bias'])"
    )


@pytest.mark.claim("saveload.class-needed")
@pytest.mark.shows("saveload.class-needed")
def test_whole_model_needs_the_class_of_the_script(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shows_error: ShowsError
) -> None:
    tudui = type("Tudui", (Small,), {"__module__": "__main__"})
    script = sys.modules["__main__"]
    monkeypatch.setattr(script, "Tudui", tudui, raising=False)
    torch.save(tudui(), tmp_path / "tudui.pth")
    assert type(torch.load(tmp_path / "tudui.pth", weights_only=False)) is tudui
    monkeypatch.delattr(script, "Tudui")
    with shows_error("saveload.class-needed"):
        torch.load(tmp_path / "tudui.pth", weights_only=False)


@pytest.mark.claim("saveload.class-no-longer-needed")
@pytest.mark.shows("saveload.class-no-longer-needed")
def test_whole_model_imports_the_class_of_a_module(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: ModuleType, shows_error: ShowsError
) -> None:
    torch.save(module.Tudui(), tmp_path / "tudui.pth")
    loaded = torch.load(tmp_path / "tudui.pth", weights_only=False)  # this file does not define it
    assert str(type(loaded)) == "<class 'mymod.Tudui'>"
    monkeypatch.delitem(sys.modules, "mymod")
    with shows_error("saveload.class-no-longer-needed"):
        torch.load(tmp_path / "tudui.pth", weights_only=False)
    monkeypatch.setitem(sys.modules, "mymod", ModuleType("mymod"))
    with shows_error("saveload.class-no-longer-needed"):
        torch.load(tmp_path / "tudui.pth", weights_only=False)


@pytest.mark.claim("saveload.models-folder", "saveload.model-folder")
@pytest.mark.shows("saveload.models-folder", "saveload.model-folder")
def test_missing_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shows_error: ShowsError
) -> None:
    monkeypatch.chdir(tmp_path)
    path = os.path.join("model", f"model_{0}.pth")  # noqa: PTH118 - the course's line
    for name, saved, file in (
        ("saveload.models-folder", Small(), "./Models/TestNet.pth"),
        ("saveload.model-folder", Small().state_dict(), path),
    ):
        with shows_error(name):
            torch.save(saved, file)
        Path(file).parent.mkdir()
        torch.save(saved, file)


@pytest.fixture
def saved_on_gpu(tmp_path: Path) -> Path:
    """Return a file of weights with the location tag cuda:0, as if saved on a GPU."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.serialization, "location_tag", lambda _: "cuda:0")
        torch.save(Small().state_dict(), tmp_path / "gpu.pth")
    return tmp_path / "gpu.pth"


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without CUDA")
@pytest.mark.claim("saveload.gpu-file")
@pytest.mark.shows("saveload.gpu-file")
def test_gpu_file_without_map_location(saved_on_gpu: Path, shows_error: ShowsError) -> None:
    with shows_error("saveload.gpu-file"):
        torch.load(saved_on_gpu)


@pytest.mark.claim("saveload.map-location")
def test_gpu_file_with_map_location(saved_on_gpu: Path) -> None:
    weights = torch.load(saved_on_gpu, map_location=CPU)
    assert {weight.device for weight in weights.values()} == {CPU}
    ours = load_checkpoint(saved_on_gpu)["model"]
    torch.testing.assert_close(ours, dict(weights), rtol=0, atol=0)


@pytest.mark.claim("saveload.file-per-epoch")
def test_one_file_per_epoch(tmp_path: Path) -> None:
    for i in range(3):
        torch.save(Small().state_dict(), tmp_path / f"model_{i}.pth")
        torch.save(Small(), tmp_path / "tudui_{}.pth".format(i))  # noqa: UP032 - the course's line
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        *("model_0.pth", "model_1.pth", "model_2.pth"),
        *("tudui_0.pth", "tudui_1.pth", "tudui_2.pth"),
    ]


# Floats that text could lose: subnormal, huge, infinite, NaN and both zeros.
FLOATS = [0.1, 1e-45, 3.4e38, float("inf"), -float("inf"), float("nan"), -0.0, 0.0]


@pytest.mark.claim("saveload.bit-for-bit")
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_floats_are_kept_bit_for_bit(tmp_path: Path, dtype: torch.dtype) -> None:
    values = torch.tensor(FLOATS, dtype=dtype)
    torch.save(OrderedDict(weight=values), tmp_path / "model.pth")
    for loaded in (
        torch.load(tmp_path / "model.pth")["weight"],
        load_checkpoint(tmp_path / "model.pth")["model"]["weight"],
    ):
        assert loaded.dtype == dtype
        assert loaded.numpy().tobytes() == values.numpy().tobytes()


@pytest.mark.claim("saveload.class-reference")
def test_whole_model_refers_to_its_class() -> None:
    whole, state = io.BytesIO(), io.BytesIO()
    torch.save(nn.Linear(2, 2), whole)
    torch.save(nn.Linear(2, 2).state_dict(), state)
    assert b"torch.nn.modules.linear\nLinear" in whole.getvalue()
    assert b"torch.nn.modules" not in state.getvalue()
    assert len(whole.getvalue()) > len(state.getvalue())


@pytest.mark.claim("saveload.added-layer")
def test_reference_names_the_added_layer(tmp_path: Path) -> None:
    network = Tudui()
    network.add_module("test adding", nn.Linear(10, 10))
    torch.save(network.state_dict(), tmp_path / "added.pth")
    with pytest.raises(InputError, match=r"unexpected: test adding\.bias, test adding\.weight"):
        load_weights(Tudui(), load_checkpoint(tmp_path / "added.pth")["model"], "added.pth")


@pytest.mark.claim("saveload.damaged-file")
@pytest.mark.shows("saveload.damaged-file")
def test_other_files_are_not_loaded(tmp_path: Path, shows_error: ShowsError) -> None:
    path = tmp_path / "tudui.pth"
    torch.save(Small().state_dict(), path)
    whole = path.read_bytes()
    torch.save(torch.ones(99), path, _use_new_zipfile_serialization=False)
    halves = [content[: len(content) // 2] for content in (whole, path.read_bytes())]
    for content in (b"<!DOCTYPE html>", b"", *halves, b"version https://git-lfs"):
        path.write_bytes(content)
        with shows_error("saveload.damaged-file"):
            torch.load(path, weights_only=False)
    with shows_error("saveload.damaged-file"):
        torch.load(path)


FILE_OF_WEIGHTS = (
    "saveload.state-dict-is-not-a-network",
    "saveload.load-state-dict-argument",
    "saveload.missing-keys",
    "saveload.missing-file",
)


@pytest.mark.claim(*FILE_OF_WEIGHTS)
@pytest.mark.shows(*FILE_OF_WEIGHTS)
def test_weights_are_loaded_into_a_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shows_error: ShowsError
) -> None:
    monkeypatch.chdir(tmp_path)
    with shows_error("saveload.missing-file"):
        torch.load("tudui.pth")
    torch.save(Small().state_dict(), "tudui.pth")
    weights = torch.load("tudui.pth")
    with shows_error("saveload.state-dict-is-not-a-network"):
        weights.eval()
    with shows_error("saveload.state-dict-is-not-a-network"):
        weights(torch.ones(2))
    for argument in ("tudui.pth", Small()):
        with shows_error("saveload.load-state-dict-argument"):
            Small().load_state_dict(argument)
    with shows_error("saveload.missing-keys"):
        nn.Linear(2, 2).load_state_dict(weights)
    Small().load_state_dict(weights)
