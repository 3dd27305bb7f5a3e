"""P15: loading all batches of the test images onto the device, without a network."""

from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.utils.data import DataLoader
from torchvision.transforms import ToTensor

from benchmarks.conftest import SIZES, parametrize_devices
from reference.data.cifar10 import CIFAR10
from reference.data.loaders import ResidentLoader

BATCH_SIZE = 64


def make_loader(side: str, dataset: CIFAR10, device: str) -> Iterable[tuple[Tensor, Tensor]]:
    if side == "reference":
        return ResidentLoader(dataset, BATCH_SIZE, device=device)
    return DataLoader(dataset, BATCH_SIZE)


@pytest.mark.parametrize("side", ["course", "reference"])
@parametrize_devices
def test_loader(measure: Callable[..., None], data: Path, device: str, side: str) -> None:
    dataset = CIFAR10(data, train=False, transform=ToTensor())
    loader, course = make_loader(side, dataset, device), make_loader("course", dataset, device)
    expected = torch.stack([dataset[index][0] for index in range(len(dataset))])
    actual = torch.cat([images.cpu() for images, _ in loader])
    torch.testing.assert_close(actual, expected, rtol=0, atol=0)

    def load_all(loader: Iterable[tuple[Tensor, Tensor]]) -> None:
        deque(((images.to(device), targets.to(device)) for images, targets in loader), maxlen=0)

    measure(
        lambda: load_all(loader),
        case="data loading",
        side=side,
        device=device,
        images=SIZES["test_batch"],
        against=(lambda: load_all(course)) if side == "reference" else None,
    )
