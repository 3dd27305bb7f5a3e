"""The corrected code of each erratum: it is valid Python and runs where the course's code would."""

import ast
import io
import os
import runpy
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torchvision
from PIL import Image
from torch import nn, optim
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset
from torch.utils.tensorboard import SummaryWriter
from torchvision.transforms import Normalize, ToTensor

from reference.data.cifar10 import CIFAR10
from reference.models.course import Tudui
from spec_tests.harness import claims

CORRECTIONS = {claim.id: claim.write for claim in claims.load().values() if claim.write}
NOT_RUN = {
    "env.imagenet-download": "needs the archives of ImageNet",
    "vgg.pretrained-true": "downloads half a gigabyte",
}

# what the course's scripts import
IMPORTED = {
    "os": os, "torch": torch, "nn": nn, "F": functional, "optim": optim, "Image": Image,
    "torchvision": torchvision, "Dataset": Dataset, "DataLoader": DataLoader, "ToTensor": ToTensor,
}  # fmt: skip


class _OneAnt:
    """The course's data set with a single image."""

    img_path = ("0013035.jpg",)

    def __init__(self, picture: Image.Image) -> None:
        self.picture = picture

    def __getitem__(self, idx: int) -> tuple[Image.Image, str]:
        return self.picture, "ants"


@pytest.fixture
def namespace(
    small_cifar10: Path, image: Path, writer: SummaryWriter, monkeypatch: pytest.MonkeyPatch
) -> dict[str, Any]:
    """Return the names that the course's scripts define; their files are in the current folder."""
    # torchvision's checksums are those of the real CIFAR-10, not of the stand-in
    monkeypatch.setattr(torchvision.datasets.cifar, "check_integrity", lambda *_: True)
    Path("dataset", "train", "ants_image").mkdir(parents=True)
    shutil.copytree(small_cifar10, "dataset", dirs_exist_ok=True)
    net = Tudui()
    torch.save(net.state_dict(), "tudui.pth")
    torch.save(net, "tudui_whole.pth")
    torch.save(net, "vgg16_method1.pth")
    with torch.device("meta"):
        vgg16 = torchvision.models.vgg16(weights=None)
    train_set = CIFAR10(small_cifar10, transform=ToTensor())
    test_set = CIFAR10(small_cifar10, train=False, transform=ToTensor())
    loader = DataLoader(test_set, batch_size=64)
    imgs, targets = next(iter(loader))
    picture = Image.new("RGB", (40, 30), "red")
    return IMPORTED | {
        "writer": writer, "device": torch.device("cpu"), "i": 0, "total_test_loss": 0.0,
        "train_set": train_set, "train_data": train_set, "dataset": train_set,
        "test_set": test_set, "test_data": test_set, "loader": loader, "test_dataloader": loader,
        "ants_dataset": _OneAnt(picture), "img_path": str(image), "path": str(image),
        "img": picture, "img_randomcrop": picture, "img_array": np.array(picture),
        "tensor_img": ToTensor()(picture), "trans_norm": Normalize([0.5] * 3, [0.5] * 3),
        "imgs": imgs, "targets": targets, "image": imgs[:1], "j": {"img": imgs, "label": targets},
        "tudui": net, "net": net, "network": net, "model": net, "vgg16": vgg16,
        "output": torch.rand(4, 6, 30, 30), "outputs": torch.rand(4, 10),
        "loss_fn": nn.CrossEntropyLoss(), "optimizer": optim.SGD(net.parameters(), lr=0.01),
        "f": io.StringIO("ants\n"), "x": torch.rand(4, 4), "y": torch.rand(4, 4),
    }  # fmt: skip


@pytest.mark.parametrize("name", CORRECTIONS)
def test_correction_is_valid_python(name: str) -> None:
    assert ast.parse(CORRECTIONS[name]).body or CORRECTIONS[name].startswith("#!")


@pytest.mark.parametrize("name", sorted(CORRECTIONS.keys() - NOT_RUN.keys()))
def test_correction_runs(name: str, namespace: dict[str, Any]) -> None:
    """Run the correction, which must raise neither an error nor a warning."""
    if "cv2" in CORRECTIONS[name]:
        pytest.importorskip("cv2", reason="needs OpenCV: pip install opencv-python-headless")
    script = Path("script.py")
    script.write_text(CORRECTIONS[name], encoding="utf-8")
    runpy.run_path(str(script), init_globals=namespace, run_name="__main__")


def test_few_corrections_are_not_run() -> None:
    assert NOT_RUN.keys() < CORRECTIONS.keys()
    assert len(NOT_RUN) < 5
