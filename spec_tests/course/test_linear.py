"""Claims about nn.Linear and other layers (P21)."""

import inspect

import pytest
import torch
import torchvision
from torch import nn
from torch.utils.data import DataLoader

from spec_tests.harness.shown_errors import ShowsError


@pytest.fixture(scope="module")
def whole_batch_layer() -> nn.Linear:
    """Return the lesson's layer, which takes a whole batch as one vector."""
    return nn.Linear(196608, 10)


@pytest.mark.claim("linear.signature")
def test_signature() -> None:
    required = inspect.Parameter.empty
    parameters = inspect.signature(nn.Linear).parameters
    assert [(name, p.default) for name, p in parameters.items()] == [
        ("in_features", required),
        ("out_features", required),
        ("bias", True),
        ("device", None),
        ("dtype", None),
    ]


@pytest.mark.claim("linear.flattened-batch")
def test_flattened_batch(whole_batch_layer: nn.Linear) -> None:
    inputs = torch.flatten(torch.zeros(64, 3, 32, 32))
    assert inputs.shape == (196608,)
    assert whole_batch_layer(inputs).shape == (10,)


@pytest.mark.claim("linear.reshape-alternative")
def test_reshaped_batch(whole_batch_layer: nn.Linear) -> None:
    inputs = torch.reshape(torch.zeros(64, 3, 32, 32), (1, 1, 1, -1))
    assert inputs.shape == (1, 1, 1, 196608)
    assert whole_batch_layer(inputs).shape == (1, 1, 1, 10)


@pytest.mark.claim("linear.last-batch-fails")
@pytest.mark.shows("linear.last-batch-fails")
def test_fails_on_the_smaller_last_batch(
    whole_batch_layer: nn.Linear, shows_error: ShowsError
) -> None:
    images = torch.zeros(80, 3, 32, 32)
    first, last = DataLoader(images, batch_size=64)
    assert whole_batch_layer(torch.flatten(first)).shape == (10,)
    with shows_error("linear.last-batch-fails"):
        whole_batch_layer(torch.flatten(last))


@pytest.mark.claim("linear.last-batch-fails", "linear.drop-last-not-dropout")
@pytest.mark.shows("linear.drop-last-not-dropout")
def test_needs_drop_last(shows_error: ShowsError) -> None:
    images = torch.zeros(80, 3, 32, 32)
    assert [len(batch) for batch in DataLoader(images, batch_size=64, drop_last=True)] == [64]
    with shows_error("linear.drop-last-not-dropout"):
        DataLoader(images, batch_size=64, dropout=True)


@pytest.mark.claim("linear.bias-false")
def test_without_bias() -> None:
    layer = nn.Linear(2, 1, bias=False)
    assert layer.bias is None
    assert layer(torch.zeros(2)).tolist() == [0]
    assert nn.Linear(2, 1).bias.shape == (1,)


@pytest.mark.claim("linear.layer-groups")
@pytest.mark.parametrize(
    "name",
    ["BatchNorm2d", "LSTM", "TransformerEncoderLayer", "Dropout", "CosineSimilarity", "L1Loss"],
)
def test_other_layers_exist(name: str) -> None:
    assert issubclass(getattr(nn, name), nn.Module)


@pytest.mark.claim("linear.dropout-zeroes")
def test_dropout_zeroes_at_random() -> None:
    torch.manual_seed(0)
    dropout, ones = nn.Dropout(p=0.5), torch.ones(1000)
    first, second = dropout(ones), dropout(ones)
    assert set(first.tolist()) == {0, 2}  # kept values are scaled by 1 / (1 - p)
    assert 400 < (first == 0).sum() < 600
    assert not torch.equal(first, second)


@pytest.mark.claim("linear.flatten-merges-batch")
def test_flatten_merges_the_batch() -> None:
    images = torch.zeros(64, 3, 32, 32)
    assert torch.flatten(images).shape == (196608,)
    layer = nn.Linear(3072, 10)
    assert layer(torch.flatten(images, 1)).shape == (64, 10)
    assert layer(nn.Flatten()(images)).shape == (64, 10)


@pytest.mark.claim("linear.normalization-term")
def test_newer_networks_have_normalization() -> None:
    """Find normalization layers in each network newer than VGG16; on meta they take no memory."""
    layers = (nn.BatchNorm2d, nn.LayerNorm)
    names = ["vgg16", "resnet18", "mobilenet_v2", "vit_b_16", "convnext_tiny"]
    normalized = []
    for name in names:
        with torch.device("meta"):
            network = torchvision.models.get_model(name)
        if any(isinstance(layer, layers) for layer in network.modules()):
            normalized.append(name)
    assert normalized == names[1:]


@pytest.mark.claim("linear.sizes-must-match")
@pytest.mark.shows("linear.sizes-must-match")
def test_input_of_another_size(shows_error: ShowsError) -> None:
    with shows_error("linear.sizes-must-match"):
        nn.Linear(1024, 64)(torch.ones(64, 512))
    assert nn.Linear(512, 64)(torch.ones(64, 512)).shape == (64, 64)
