"""Claims about VGG16, its edits, and which of them still run (P25).

The networks are on the meta device, which tracks shapes without computing: printing and trying
them does not need half a gigabyte of weights.
"""

from itertools import pairwise
from pathlib import Path

import pytest
import torch
import torchvision
from torch import nn
from torchvision.models import VGG16_Weights

from reference.models.registry import build_on_meta
from reference.models.vgg import vgg16_for
from spec_tests import paths
from spec_tests.harness.shown_errors import ShowsError

PRINTOUT = paths.PRINTOUTS / "vgg16.txt"
URL = "https://download.pytorch.org/models/vgg16-397923af.pth"


def vgg16(**options: object) -> nn.Module:
    """Return torchvision's VGG16 on the meta device."""
    with torch.device("meta"):
        return torchvision.models.vgg16(**options)


def output_shape(network: nn.Module, side: int = 224) -> tuple[int, ...]:
    """Return the shape of the network's output for one square image."""
    return tuple(network(torch.empty(1, 3, side, side, device="meta")).shape)


@pytest.fixture
def requested_urls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the list of URLs from which torchvision would download weights."""
    urls: list[str] = []

    def load(url: str, *_args: object, **_options: object) -> dict[str, torch.Tensor]:
        urls.append(url)
        return vgg16().state_dict()

    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", load)
    return urls


@pytest.mark.claim("vgg.pretrained-false", "vgg.structure-download")
def test_pretrained_false_warns_and_downloads_nothing(requested_urls: list[str]) -> None:
    with (
        pytest.warns(UserWarning, match="'pretrained' is deprecated since 0.13"),
        pytest.warns(UserWarning, match=r"is equivalent to passing `weights=None`"),
    ):
        network = vgg16(pretrained=False)
    assert f"{network}\n" == PRINTOUT.read_text(encoding="utf-8")
    assert requested_urls == []


@pytest.mark.claim("vgg.pretrained-true")
@pytest.mark.filterwarnings("ignore:for .* copying from a non-meta parameter:UserWarning")
def test_pretrained_true_downloads_the_weights(requested_urls: list[str]) -> None:
    with (
        pytest.warns(UserWarning, match="'pretrained' is deprecated since 0.13"),
        pytest.warns(UserWarning, match=r"`weights=VGG16_Weights\.DEFAULT`"),
    ):
        vgg16(pretrained=True)
    assert requested_urls == [URL]
    vgg16(weights=VGG16_Weights.DEFAULT)
    assert requested_urls == [URL, URL]


@pytest.mark.claim("vgg.file-size")
def test_file_size() -> None:
    channels = [3, 64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512, 512]
    kernels = sum((9 * a + 1) * b for a, b in pairwise(channels))
    linear = (25_088 + 1) * 4096 + (4096 + 1) * 4096 + (4096 + 1) * 1000
    assert sum(p.numel() for p in vgg16().parameters()) == kernels + linear == 138_357_544
    megabytes = 4 * 138_357_544 / 2**20
    assert round(megabytes, 1) == 527.8
    # the file is slightly larger than the weights
    assert VGG16_Weights.DEFAULT.meta["_file_size"] == pytest.approx(megabytes, rel=1e-4, abs=0)


@pytest.mark.claim("vgg.cached")
def test_cached_weights_are_not_downloaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_download(*_args: object, **_options: object) -> None:
        raise AssertionError("downloads")

    monkeypatch.setattr(torch.hub, "download_url_to_file", no_download)
    monkeypatch.setattr(torch.hub, "_hub_dir", str(tmp_path))
    with pytest.raises(AssertionError, match="downloads"):
        VGG16_Weights.DEFAULT.get_state_dict()
    (tmp_path / "checkpoints").mkdir(exist_ok=True)
    torch.save({"weight": torch.ones(1)}, tmp_path / "checkpoints" / "vgg16-397923af.pth")
    assert VGG16_Weights.DEFAULT.get_state_dict() == {"weight": torch.ones(1)}


@pytest.mark.claim("vgg.thousand-classes")
def test_has_a_thousand_classes() -> None:
    assert str(vgg16().classifier[6]) == "Linear(in_features=4096, out_features=1000, bias=True)"
    assert output_shape(vgg16()) == (1, 1000)
    assert len(VGG16_Weights.DEFAULT.meta["categories"]) == 1000


@pytest.mark.claim("vgg.first-linear")
def test_classifier_takes_the_output_of_the_average_pool() -> None:
    network = vgg16()
    features = network.avgpool(network.features(torch.empty(1, 3, 224, 224, device="meta")))
    assert features.shape == (1, 512, 7, 7)
    assert network.classifier[0].in_features == 25_088 == 512 * 7 * 7


@pytest.mark.claim("vgg.linear-at-end-output")
def test_linear_at_the_end_is_never_called() -> None:
    network = build_on_meta("vgg16-linear-at-end")
    assert network.add_linear.out_features == 10
    network.add_linear.register_forward_hook(lambda *_: pytest.fail("called"))
    assert output_shape(network) == (1, 1000)


@pytest.mark.claim("vgg.linear-in-classifier")
def test_linear_in_the_classifier_gives_ten_values() -> None:
    assert output_shape(build_on_meta("vgg16-linear-in-classifier")) == (1, 10)


@pytest.mark.claim("vgg.last-layer", "vgg.ten-classes")
def test_replaced_last_layer_gives_ten_values() -> None:
    network = vgg16()
    network.classifier[6] = nn.Linear(4096, 10, device="meta")
    assert output_shape(network) == (1, 10)
    with torch.device("meta"):
        assert str(vgg16_for(10)) == str(network)


@pytest.mark.claim("vgg.all-edits-output")
@pytest.mark.shows("vgg.all-edits-output")
def test_all_edits_together_fail_in_the_added_linear(shows_error: ShowsError) -> None:
    network = build_on_meta("vgg16-all-edits")
    with pytest.raises(RuntimeError, match=r"\[1, 10\] X \[1000, 10\]"):
        output_shape(network)
    added = nn.Linear(1000, 10)  # on the CPU the message is different
    with shows_error("vgg.all-edits-output"):
        added(torch.ones(1, 10))


@pytest.mark.claim("vgg.dropout")
def test_other_dropout_is_unchanged() -> None:
    network = build_on_meta("vgg16-dropout")
    assert str(network.classifier[2]) == "Dropout(p=0.7, inplace=False)"
    assert str(network.classifier[5]) == "Dropout(p=0.5, inplace=False)"
    assert output_shape(network) == (1, 1000)


@pytest.mark.claim("vgg.not-permanent")
def test_edits_are_not_permanent() -> None:
    build_on_meta("vgg16-all-edits")
    assert f"{vgg16()}\n" == PRINTOUT.read_text(encoding="utf-8")


@pytest.mark.claim("vgg.small-images")
@pytest.mark.parametrize("side", [32, 224, 256])
def test_takes_images_of_other_sizes(side: int) -> None:
    assert output_shape(vgg16(), side) == (1, 1000)


@pytest.mark.claim("vgg.square-brackets")
@pytest.mark.shows("vgg.square-brackets")
def test_layers_are_indexed_with_square_brackets(shows_error: ShowsError) -> None:
    classifier = vgg16().classifier
    assert isinstance(classifier[6], nn.Linear)
    with shows_error("vgg.square-brackets"):
        classifier(6)


@pytest.mark.claim("vgg.ready-made")
def test_torchvision_has_many_networks() -> None:
    names = torchvision.models.list_models(module=torchvision.models)
    assert {"alexnet", "vgg16", "googlenet", "resnet18", "densenet121", "vit_b_16"} <= set(names)
    assert len(names) >= 80
    with pytest.raises(ValueError, match="Unknown model tudui"):
        torchvision.models.get_model("tudui")


@pytest.mark.claim("vgg.weights-positional")
@pytest.mark.shows("vgg.pretrained-false", "vgg.pretrained-true", "vgg.weights-positional")
def test_warnings_of_old_arguments(shows_error: ShowsError) -> None:
    for name, value in (("vgg.pretrained-false", False), ("vgg.pretrained-true", True)):
        with shows_error(name):
            vgg16(pretrained=value)
        with shows_error(name):
            vgg16(weights=value)
    with shows_error("vgg.weights-positional"):
        torchvision.models.vgg16(False)  # noqa: FBT003 - a learner's line


@pytest.mark.claim("vgg.weights-name")
@pytest.mark.shows("vgg.weights-name")
def test_unknown_names_of_weights(shows_error: ShowsError) -> None:
    for name in ("True", "vgg16-397923af.pth", "./vgg16_method1.pth"):
        with shows_error("vgg.weights-name"):
            vgg16(weights=name)
    with pytest.raises(KeyError, match=r"^'imagenet'$"):
        vgg16(weights="imagenet")
    assert "DEFAULT" in VGG16_Weights.__members__
