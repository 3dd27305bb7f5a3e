"""P25: fine-tuning VGG16 on CIFAR-10's images, with a narrow stand-in for the network itself."""

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
    """The parts of VGG16, by their names, with a few weights each; for 224 x 224 alone."""

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
    """A file of weights for the narrow network, which takes the place of torchvision's."""

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
    """Train a step at a time, and return the last checkpoint."""
    arguments = ["--max-steps", "1", "--batch-size", "2", "--lang", "en", *more]
    out = ["--out", str(folder)]
    assert main(["train", "--model", "vgg16", *options, *arguments, *out]) == 0
    return torch.load(max(folder.glob("checkpoints/*.pt")), weights_only=True)


@pytest.mark.parametrize("freeze", [False, True])
def test_vgg_training_starts_from_the_weights_and_moves_what_is_not_frozen(
    pretrained: Path, options: list[str], tmp_path: Path, *, freeze: bool
) -> None:
    flags = ["--weights", str(pretrained), *(["--freeze-features"] if freeze else [])]
    checkpoint = train(tmp_path / "run", [*options, *flags], "--lr", "0.1")
    start = torch.load(pretrained, weights_only=True)
    trained = checkpoint["model"]
    assert trained.keys() == start.keys()
    assert trained["classifier.6.weight"].shape == (10, 8)
    kept = {key for key in start.keys() - HEAD if torch.equal(trained[key], start[key])}
    assert (kept == start.keys() - HEAD) is freeze
    assert freeze or not kept
    learning = checkpoint["optimizer"]["param_groups"][0]["params"]
    assert len(learning) == (2 if freeze else len(start))


def test_vgg_frozen_head_learns(pretrained: Path, options: list[str], tmp_path: Path) -> None:
    flags = ["--weights", str(pretrained), "--freeze-features"]
    one, two = (
        train(tmp_path / str(n), [*options, *flags], "--max-steps", str(n))["model"] for n in (1, 2)
    )
    assert not torch.equal(one["classifier.6.bias"], two["classifier.6.bias"])


def test_vgg_checkpoint_is_evaluated_and_predicts(
    pretrained: Path, options: list[str], tmp_path: Path, capsys: Capture
) -> None:
    train(tmp_path / "run", options, "--weights", str(pretrained))
    pretrained.unlink()
    (record,) = map(json.loads, (tmp_path / "run/metrics.jsonl").read_text().splitlines())
    checkpoint = str(tmp_path / "run/checkpoints/epoch-001.pt")
    capsys.readouterr()
    assert main(["evaluate", checkpoint, *options, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["total_loss"] == record["test_loss"]
    assert found["accuracy"] == record["test_accuracy"]

    Image.new("RGB", (40, 30), "red").save(tmp_path / "image.png")
    arguments = [str(tmp_path / "image.png"), "--checkpoint", checkpoint, "--device", "cpu"]
    assert main(["predict", *arguments, "--json"]) == 0
    (answer,) = json.loads(capsys.readouterr().out)
    assert answer["index"] in range(10)


def test_vgg_run_that_is_resumed_ends_in_the_same_weights(
    pretrained: Path, options: list[str], tmp_path: Path
) -> None:
    flags = ["--weights", str(pretrained), "--freeze-features", "--batch-size", "125"]
    whole = train(tmp_path / "whole", [*options, *flags], "--batch-size", "125", "--max-steps", "4")
    parts = ["--batch-size", "125", "--max-steps", "4"]
    train(tmp_path / "parts", [*options, *flags], *parts, "--epochs", "1")
    resumed = train(tmp_path / "parts", options, *parts, "--epochs", "2", "--resume")
    assert resumed["step"] == whole["step"] == 4
    torch.testing.assert_close(resumed["model"], whole["model"], rtol=0, atol=0)


def test_vgg_images_are_prepared_as_the_weights_want_them() -> None:
    images = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    course = VGG16_Weights.DEFAULT.transforms(resize_size=224)(images)
    # torchvision resizes with antialias, whose weights for an enlargement differ by rounding
    torch.testing.assert_close(prepare(images), course, rtol=0, atol=1e-5)
    black = prepare(torch.zeros(1, 3, 32, 32))[0, :, 0, 0]
    # 0 minus the mean of ImageNet, over its standard deviation
    expected = torch.tensor([-0.485 / 0.229, -0.456 / 0.224, -0.406 / 0.225])
    torch.testing.assert_close(black, expected, rtol=1e-6, atol=0)


def test_vgg_for_other_classes_has_another_head_and_learns_with_it_alone() -> None:
    with torch.device("meta"):
        network = vgg16_for(7, freeze_features=True)
        whole = vgg16_for(7)
    learning = {name for name, weight in network.named_parameters() if weight.requires_grad}
    assert learning == HEAD
    assert all(weight.requires_grad for weight in whole.parameters())
    assert network.classifier[6].out_features == 7


# Options, and what the one line must say.
BAD = {
    "no file": (["--weights", "{tmp}/no.pth"], "no.pth: no such file: download https://download"),
    "no weights": (["--weights", "{tmp}/text.pth"], "text.pth is damaged or not a checkpoint"),
    "another": (["--weights", "{tmp}/other.pth"], "other.pth does not fit the network Narrow"),
    "all edits": (["--model", "vgg16-all-edits"], "cannot run: classifier.add_linear, Linear("),
    "no head": (["--model", "vgg16-linear-at-end"], "add_linear is never called"),
    "unknown": (["--model", "alexnet"], "--model alexnet: no such network: give one of tudui,"),
    "frozen": (["--model", "tudui", "--freeze-features"], "--freeze-features: only VGG16"),
    "weights": (["--model", "tudui", "--weights", "a.pth"], "--weights: only VGG16 starts from"),
}


@pytest.mark.parametrize("case", BAD)
@pytest.mark.usefixtures("pretrained")
def test_vgg_that_cannot_be_trained_is_one_line_and_writes_nothing(
    options: list[str], tmp_path: Path, capsys: Capture, case: str
) -> None:
    (tmp_path / "text.pth").write_text("text")
    torch.save(nn.Linear(2, 2).state_dict(), tmp_path / "other.pth")
    before = sorted(tmp_path.iterdir())
    given, line = BAD[case]
    arguments = ["--model", "vgg16", *(option.format(tmp=tmp_path) for option in given)]
    assert main(["train", *options, *arguments, "--out", str(tmp_path / "run")]) == 2
    printed = capsys.readouterr().err
    assert line in printed
    assert printed.count("\n") == 1
    assert sorted(tmp_path.iterdir()) == before


def test_vgg_is_unknown_to_an_older_run(options: list[str], tmp_path: Path) -> None:
    folder = tmp_path / "run"
    assert main(["train", *options, "--epochs", "1", "--out", str(folder)]) == 0
    config = json.loads((folder / "config.json").read_text())
    for name in ("model", "weights", "freeze_features"):
        del config["options"][name]
    (folder / "config.json").write_text(json.dumps(config))
    resume = ["train", "--epochs", "2", "--out", str(folder), "--resume"]
    assert main([*resume, "--model", "vgg16"]) == 2
    assert main([*resume, "--model", "tudui"]) == 0


def test_vgg_weights_must_be_of_the_same_network(pretrained: Path) -> None:
    torch.save(vgg16_for(10, weights=pretrained).state_dict(), pretrained)
    with pytest.raises(InputError, match=r"wrong shape: classifier\.6\.weight \(10, 8\) for"):
        vgg16_for(10, weights=pretrained)


@pytest.mark.slow
def test_vgg_itself_takes_a_step() -> None:
    torch.manual_seed(0)
    network = build("vgg16", freeze_features=True)  # 1.3 GB of memory
    head = list(network.classifier[6].parameters())
    before = head[1].tolist()
    batch = torch.rand(2, 3, 32, 32), torch.tensor([3, 8])
    loss = train_step(network, nn.CrossEntropyLoss(), torch.optim.SGD(head, lr=0.1), batch)
    assert 1.5 < loss.item() < 3.5  # of a guess among ten: ln 10 = 2.3
    moved = [now < old for now, old in zip(head[1].tolist(), before, strict=True)]
    assert moved == [label not in (3, 8) for label in range(10)]
