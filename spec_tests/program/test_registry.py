"""`course models`: each network's printout and shapes, and whether its forward pass works."""

import json

import pytest
import torch
from torch import Tensor, nn

from reference.cli import main
from reference.errors import InputError
from reference.models.course import Tudui
from reference.models.registry import NAMES, build_on_meta, check_trainable, dry_run
from spec_tests import paths

Capture = pytest.CaptureFixture[str]

ADDED = "classifier.add_linear, Linear(in_features=1000, out_features=10, bias=True)"
REMEDY = "train --model vgg16, which replaces the last layer and adds none"
THOUSAND = "gives 1000 values for 10 classes: its last layer is classifier.6"
# Parameters, whether the forward pass works, the last layer's output, and the layers never called.
EXPECTED = {
    "tudui": (145_578, True, [10], []),
    "vgg16": (138_357_544, True, [1000], []),
    "vgg16-linear-at-end": (138_367_554, True, [1000], ["add_linear"]),
    "vgg16-linear-in-classifier": (138_367_554, True, [10], []),
    "vgg16-10-classes": (134_301_514, True, [10], []),
    "vgg16-dropout": (138_357_544, True, [1000], []),
    "vgg16-all-edits": (134_321_534, False, [10], []),
}
# Five blocks, of two or three convolutions with ReLUs and a pooling each; avgpool; the classifier.
VGG16_SHAPES = [
    *4 * [[64, 224, 224]],
    *([[64, 112, 112]] + 4 * [[128, 112, 112]]),
    *([[128, 56, 56]] + 6 * [[256, 56, 56]]),
    *([[256, 28, 28]] + 6 * [[512, 28, 28]]),
    *([[512, 14, 14]] + 6 * [[512, 14, 14]]),
    *2 * [[512, 7, 7]],
    *(6 * [[4096]] + [[1000]]),
]


def as_json(capsys: Capture, *arguments: str) -> object:
    assert main(["models", *arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("name", EXPECTED)
def test_network_in_json(capsys: Capture, name: str) -> None:
    network = as_json(capsys, name)
    assert network["name"] == name
    output_shape = network["layers"][-1]["shape"]
    described = network["parameters"], network["runs"], output_shape, network["unused"]
    assert described == EXPECTED[name]
    error = "" if network["runs"] else f"{ADDED}, got inputs of shape (N, 10)"
    assert network["error"] == error


def test_networks_are_listed(capsys: Capture) -> None:
    assert [network["name"] for network in as_json(capsys)] == list(EXPECTED)
    assert main(["models"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "tudui: 145578 parameters, (3, 32, 32) to (10,)"
    assert lines[2].endswith("(3, 224, 224) to (1000,); add_linear is never called")
    assert lines[-1].endswith(f"cannot run: {ADDED}, got inputs of shape (N, 10)")


@pytest.mark.parametrize("name", [name for name in EXPECTED if name != "tudui"])
def test_vgg_printout(capsys: Capture, name: str) -> None:
    assert main(["models", name]) == 0
    network, summary, rest = capsys.readouterr().out.rpartition(f"{EXPECTED[name][0]} parameters, ")
    assert network == (paths.PRINTOUTS / f"{name}.txt").read_text(encoding="utf-8")
    assert summary
    assert rest.count("\n") == 1


def test_vgg_shapes(capsys: Capture) -> None:
    layers = as_json(capsys, "vgg16")["layers"]
    assert [layer["shape"] for layer in layers] == VGG16_SHAPES
    assert layers[0] == {"layer": "features.0", "kind": "Conv2d", "shape": [64, 224, 224]}
    assert layers[31] == {"layer": "avgpool", "kind": "AdaptiveAvgPool2d", "shape": [512, 7, 7]}


def test_unknown_name_is_one_line(capsys: Capture) -> None:
    assert main(["models", "alexnet"]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err == f"course: alexnet: no such network: give one of {', '.join(EXPECTED)}\n"


def test_dry_run_names_the_layer_that_does_not_fit() -> None:
    network = Tudui()
    network.model[7] = nn.Linear(1000, 64)
    result = dry_run(network, (3, 32, 32))
    layer = "model.7, Linear(in_features=1000, out_features=64, bias=True)"
    assert result.error == f"{layer}, got inputs of shape (N, 1024)"
    assert result.layers[-1] == ("model.6", "Flatten", (1024,))


def test_dry_run_of_a_network_that_fails_between_its_layers() -> None:
    class FailsBetweenLayers(Tudui):
        def forward(self, images: Tensor) -> Tensor:
            return super().forward(images) + torch.ones(3)

    error = dry_run(FailsBetweenLayers(), (3, 32, 32)).error
    assert "size of tensor a (10) must match" in error


def test_dry_run_leaves_no_hooks_or_gradients() -> None:
    network = Tudui()
    assert dry_run(network, (3, 32, 32)).error == ""
    hooks = [layer._forward_hooks | layer._forward_pre_hooks for layer in network.modules()]  # noqa: SLF001 - torch has no other way to ask
    assert not any(hooks)
    assert all(weight.grad is None for weight in network.parameters())


@pytest.mark.parametrize(
    "name", ["tudui", "vgg16", "vgg16-10-classes", "vgg16-linear-in-classifier"]
)
def test_network_that_can_be_trained(name: str) -> None:
    check_trainable(name)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("vgg16-all-edits", f" cannot run: {ADDED}, got inputs of shape (N, 10): {REMEDY}"),
        ("vgg16-linear-at-end", f" {THOUSAND} (add_linear is never called): {REMEDY}"),
        ("vgg16-dropout", f" {THOUSAND}: {REMEDY}"),
        ("alexnet", f": no such network: give one of {', '.join(EXPECTED)}"),
    ],
)
def test_network_that_cannot_be_trained_is_refused(name: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        check_trainable(name)
    assert str(caught.value) == f"--model {name}{message}"


def test_networks_on_meta_take_no_memory() -> None:
    assert list(NAMES) == list(EXPECTED)
    assert all(weight.is_meta for name in NAMES for weight in build_on_meta(name).parameters())
