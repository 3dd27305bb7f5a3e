"""What the errata tell a learner to write is Python, and runs where the course's code would."""

import ast
import runpy
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
import torchvision
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader
from torch.utils.tensorboard import SummaryWriter
from torchvision.transforms import ToTensor

from reference.cifar10 import CIFAR10
from reference.models import Tudui
from spec_tests import claims

WRITES = {claim.id: claim.write for claim in claims.load().values() if claim.write}
NOT_RUN = {
    "env.imagenet-download": "needs the archives of ImageNet",
    "vgg.pretrained-true": "downloads half a gigabyte",
}


class _Ants:
    """The course's data set, of one ant."""

    img_path = ("0013035.jpg",)

    def __init__(self, picture: Image.Image) -> None:
        self.picture = picture

    def __getitem__(self, idx: int) -> tuple[Image.Image, str]:
        return self.picture, "ants"


@pytest.fixture
def scene(
    small_cifar10: Path, image: Path, writer: SummaryWriter, monkeypatch: pytest.MonkeyPatch
) -> dict[str, Any]:
    """The names that the course's scripts have by then; its files lie in the current folder."""
    monkeypatch.setattr(torchvision.datasets, "CIFAR10", CIFAR10)  # takes the stand-in's checksums
    Path("dataset", "train", "ants_image").mkdir(parents=True)
    shutil.copytree(small_cifar10, "dataset", dirs_exist_ok=True)
    net = Tudui()
    torch.save(net.state_dict(), "tudui.pth")
    torch.save(net, "tudui_whole.pth")
    torch.save(net, "vgg16_method1.pth")
    with torch.device("meta"):
        vgg16 = torchvision.models.vgg16(weights=None)
    test_set = CIFAR10(small_cifar10, train=False, transform=ToTensor())
    loader = DataLoader(test_set, batch_size=64)
    imgs, targets = next(iter(loader))
    picture = Image.new("RGB", (40, 30), "red")
    return {
        "torch": torch, "nn": nn, "writer": writer, "device": torch.device("cpu"),
        "train_set": CIFAR10(small_cifar10), "test_set": test_set, "test_data": test_set,
        "loader": loader, "test_dataloader": loader, "imgs": imgs, "targets": targets,
        "ants_dataset": _Ants(picture), "img_path": str(image),
        "img": picture, "img_randomcrop": picture, "image": imgs[:1],
        "tudui": net, "net": net, "vgg16": vgg16, "output": torch.rand(4, 6, 30, 30),
        "loss_fn": nn.CrossEntropyLoss(), "total_test_loss": 0.0, "i": 0,
        "optimizer": torch.optim.SGD(net.parameters(), lr=0.01),
        "x": torch.rand(3, 3), "y": torch.rand(3, 3),
    }  # fmt: skip


@pytest.mark.parametrize("name", WRITES)
def test_what_to_write_is_python(name: str) -> None:
    assert ast.parse(WRITES[name]).body or WRITES[name].startswith("#!")


@pytest.mark.parametrize("name", sorted(WRITES.keys() - NOT_RUN.keys()))
def test_what_to_write_runs(name: str, scene: dict[str, Any]) -> None:
    """It raises no error, and no warning either."""
    script = Path("script.py")
    script.write_text(WRITES[name], encoding="utf-8")
    runpy.run_path(str(script), init_globals=scene, run_name="__main__")


def test_little_is_not_run() -> None:
    assert NOT_RUN.keys() < WRITES.keys()
    assert len(NOT_RUN) < 5
