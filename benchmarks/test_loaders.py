"""P15: all batches of the test images on the device, without a network."""

from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.utils.data import DataLoader
from torchvision.transforms import ToTensor

from benchmarks.conftest import SIZES, each_device
from reference.data.cifar10 import CIFAR10
from reference.data.loaders import ResidentLoader

BATCH = 64


def batches(side: str, dataset: CIFAR10, device: str) -> Iterable[tuple[Tensor, Tensor]]:
    if side == "reference":
        return ResidentLoader(dataset, BATCH, device=device)
    return DataLoader(dataset, BATCH)


@pytest.mark.parametrize("side", ["course", "reference"])
@each_device
def test_loader(measure: Callable[..., None], data: Path, device: str, side: str) -> None:
    dataset = CIFAR10(data, train=False, transform=ToTensor())
    loader, other = batches(side, dataset, device), batches("course", dataset, device)
    expected = torch.stack([image for image, _ in dataset])
    found = torch.cat([images.cpu() for images, _ in loader])
    torch.testing.assert_close(found, expected, rtol=0, atol=0)

    def run_through(loader: Iterable[tuple[Tensor, Tensor]]) -> None:
        deque(((images.to(device), targets.to(device)) for images, targets in loader), maxlen=0)

    measure(
        lambda: run_through(loader),
        case="batches alone",
        side=side,
        device=device,
        images=SIZES["test_batch"],
        against=(lambda: run_through(other)) if side == "reference" else None,
    )
