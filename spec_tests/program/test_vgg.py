"""P25: fine-tuning VGG16 on CIFAR-10's images, with a narrow network in place of VGG16."""

import json
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import Tensor, nn
from torchvision.models import VGG16_Weights

from reference.cli import main
from reference.errors import InputError
from reference.models.registry import build
from reference.models.vgg import prepare, vgg16_for
from reference.training.engine import train_step

Capture = pytest.CaptureFixture[str]

HEAD = {"classifier.6.weight", "classifier.6.bias"}


class Narrow(nn.Module):
    """A network with VGG16's parts and names but few weights, for images of 224 x 224 only."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 4, 16, stride=16), nn.ReLU())
        self.avgpool = nn.AvgPool2d(7)
        self.classifier = nn.Sequential(
            *(nn.Linear(16, 8), nn.ReLU(), nn.Dropout(0.5)),
            *(nn.Linear(8, 8), nn.ReLU(), nn.Dropout(0.5)),
            nn.Linear(8, 1000),
        )

    def forward(self, images: Tensor) -> Tensor:
        """Return 1000 logits for each image of 224 x 224."""
        return self.classifier(self.avgpool(self.features(images)).flatten(1))


@pytest.fixture
def pretrained(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A file of weights for the narrow network, which replaces torchvision's VGG16."""

    def vgg16(weights: None = None) -> nn.Module:
        assert weights is None
        return Narrow()

    monkeypatch.setattr("torchvision.models.vgg16", vgg16)
    torch.manual_seed(7)
    torch.save(Narrow().state_dict(), tmp_path / "vgg16.pth")
    return tmp_path / "vgg16.pth"


@pytest.fixture
def options(small_cifar10: Path) -> list[str]:
    return ["--data", str(small_cifar10), "--device", "cpu"]


def train(folder: Path, options: list[str], *more: str) -> dict[str, Tensor]:
    """Train one step, or as many as `more` says, and return the last checkpoint."""
    arguments = ["--max-steps", "1", "--batch-size", "2", "--lang", "en", *more]
    out = ["--out", str(folder)]
    assert main(["train", "--model", "vgg16", *options, *arguments, *out]) == 0
    return torch.load(max(folder.glob("checkpoints/*.pt")), weights_only=True)


@pytest.mark.parametrize("freeze", [False, True])
def test_training_starts_from_the_weights_and_changes_those_not_frozen(
    pretrained: Path, options: list[str], tmp_path: Path, *, freeze: bool
) -> None:
    flags = ["--weights", str(pretrained), *(["--freeze-features"] if freeze else [])]
    checkpoint = train(tmp_path / "run", [*options, *flags], "--lr", "0.1")
    initial = torch.load(pretrained, weights_only=True)
    trained = checkpoint["model"]
    assert trained.keys() == initial.keys()
    assert trained["classifier.6.weight"].shape == (10, 8)
    features = initial.keys() - HEAD
    unchanged = {key for key in features if torch.equal(trained[key], initial[key])}
    assert (unchanged == features) is freeze
    assert freeze or not unchanged
    trainable = checkpoint["optimizer"]["param_groups"][0]["params"]
    assert len(trainable) == (2 if freeze else len(initial))


def test_head_learns_when_the_features_are_frozen(
    pretrained: Path, options: list[str], tmp_path: Path
) -> None:
    flags = ["--weights", str(pretrained), "--freeze-features"]
    one_step, two_steps = (
        train(tmp_path / str(n), [*options, *flags], "--max-steps", str(n))["model"] for n in (1, 2)
    )
    assert not torch.equal(one_step["classifier.6.bias"], two_steps["classifier.6.bias"])


def test_checkpoint_is_evaluated_and_predicts(
    pretrained: Path, options: list[str], tmp_path: Path, capsys: Capture
) -> None:
    train(tmp_path / "run", options, "--weights", str(pretrained))
    pretrained.unlink()
    (record,) = map(json.loads, (tmp_path / "run/metrics.jsonl").read_text().splitlines())
    checkpoint = str(tmp_path / "run/checkpoints/epoch-001.pt")
    capsys.readouterr()
    assert main(["evaluate", checkpoint, *options, "--json"]) == 0
    evaluation = json.loads(capsys.readouterr().out)
    assert evaluation["total_loss"] == record["test_loss"]
    assert evaluation["accuracy"] == record["test_accuracy"]

    Image.new("RGB", (40, 30), "red").save(tmp_path / "image.png")
    arguments = [str(tmp_path / "image.png"), "--checkpoint", checkpoint, "--device", "cpu"]
    assert main(["predict", *arguments, "--json"]) == 0
    (answer,) = json.loads(capsys.readouterr().out)
    assert answer["index"] in range(10)


def test_resumed_run_ends_in_the_same_weights(
    pretrained: Path, options: list[str], tmp_path: Path
) -> None:
    flags = ["--weights", str(pretrained), "--freeze-features", "--batch-size", "125"]
    whole = train(tmp_path / "whole", [*options, *flags], "--batch-size", "125", "--max-steps", "4")
    parts = ["--batch-size", "125", "--max-steps", "4"]
    train(tmp_path / "parts", [*options, *flags], *parts, "--epochs", "1")
    resumed = train(tmp_path / "parts", options, *parts, "--epochs", "2", "--resume")
    assert resumed["step"] == whole["step"] == 4
    torch.testing.assert_close(resumed["model"], whole["model"], rtol=0, atol=0)


def test_images_are_prepared_as_by_torchvision() -> None:
    images = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    expected = VGG16_Weights.DEFAULT.transforms(resize_size=224)(images)
    # torchvision resizes with antialias, whose weights for an enlargement differ by rounding
    torch.testing.assert_close(prepare(images), expected, rtol=0, atol=1e-5)
    black = prepare(torch.zeros(1, 3, 32, 32))[0, :, 0, 0]
    # 0 minus the mean of ImageNet, over its standard deviation
    expected = torch.tensor([-0.485 / 0.229, -0.456 / 0.224, -0.406 / 0.225])
    torch.testing.assert_close(black, expected, rtol=1e-6, atol=0)


def test_freezing_the_features_leaves_the_new_head() -> None:
    with torch.device("meta"):
        frozen = vgg16_for(7, freeze_features=True)
        unfrozen = vgg16_for(7)
    learning = {name for name, weight in frozen.named_parameters() if weight.requires_grad}
    assert learning == HEAD
    assert all(weight.requires_grad for weight in unfrozen.parameters())
    assert frozen.classifier[6].out_features == 7


# Options, and a part of the one line that they must print.
BAD = {
    "no file": (["--weights", "{tmp}/no.pth"], "no.pth: no such file: download https://download"),
    "no weights": (["--weights", "{tmp}/text.pth"], "text.pth is damaged or not a checkpoint"),
    "another": (["--weights", "{tmp}/other.pth"], "other.pth does not fit the network Narrow"),
    "all edits": (["--model", "vgg16-all-edits"], "cannot run: classifier.add_linear, Linear("),
    "no head": (["--model", "vgg16-linear-at-end"], "add_linear is never called"),
    "unknown": (["--model", "alexnet"], "--model alexnet: no such network: give one of tudui,"),
    "frozen": (["--model", "tudui", "--freeze-features"], "--freeze-features: only for VGG16"),
    "weights": (["--model", "tudui", "--weights", "a.pth"], "--weights: only for VGG16"),
}


@pytest.mark.parametrize("case", BAD)
@pytest.mark.usefixtures("pretrained")
def test_network_that_cannot_be_trained_is_one_line_and_writes_nothing(
    options: list[str], tmp_path: Path, capsys: Capture, case: str
) -> None:
    (tmp_path / "text.pth").write_text("text")
    torch.save(nn.Linear(2, 2).state_dict(), tmp_path / "other.pth")
    before = sorted(tmp_path.iterdir())
    flags, line = BAD[case]
    arguments = ["--model", "vgg16", *(flag.format(tmp=tmp_path) for flag in flags)]
    assert main(["train", *options, *arguments, "--out", str(tmp_path / "run")]) == 2
    printed = capsys.readouterr().err
    assert line in printed
    assert printed.count("\n") == 1
    assert sorted(tmp_path.iterdir()) == before


def test_older_run_resumes_with_tudui_only(options: list[str], tmp_path: Path) -> None:
    folder = tmp_path / "run"
    assert main(["train", *options, "--epochs", "1", "--out", str(folder)]) == 0
    config = json.loads((folder / "config.json").read_text())
    for name in ("model", "weights", "freeze_features"):
        del config["options"][name]
    (folder / "config.json").write_text(json.dumps(config))
    resume = ["train", "--epochs", "2", "--out", str(folder), "--resume"]
    assert main([*resume, "--model", "vgg16"]) == 2
    assert main([*resume, "--model", "tudui"]) == 0


def test_weights_must_be_of_the_same_network(pretrained: Path) -> None:
    torch.save(vgg16_for(10, weights=pretrained).state_dict(), pretrained)
    with pytest.raises(InputError, match=r"wrong shape: classifier\.6\.weight \(10, 8\) for"):
        vgg16_for(10, weights=pretrained)


@pytest.mark.slow
def test_one_step_of_the_full_network() -> None:
    torch.manual_seed(0)
    network = build("vgg16", freeze_features=True)  # 1.3 GB of memory
    head = list(network.classifier[6].parameters())
    before = head[1].tolist()
    batch = torch.rand(2, 3, 32, 32), torch.tensor([3, 8])
    loss = train_step(network, nn.CrossEntropyLoss(), torch.optim.SGD(head, lr=0.1), batch)
    assert 1.5 < loss.item() < 3.5  # a guess among ten has ln 10 = 2.3
    decreased = [new < old for new, old in zip(head[1].tolist(), before, strict=True)]
    assert decreased == [label not in (3, 8) for label in range(10)]
