"""P15: the resident loader gives the same batches as DataLoader."""

from pathlib import Path

import pytest
import torch
from torch.utils.data import DataLoader
from torchvision.transforms import ToTensor

from reference.data.cifar10 import CIFAR10
from reference.data.loaders import ResidentLoader, epoch_sampler


@pytest.fixture(scope="module")
def train_set(small_cifar10: Path) -> CIFAR10:
    return CIFAR10(small_cifar10, transform=ToTensor())


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("epoch", [0, 1])
def test_batches_are_the_same(train_set: CIFAR10, epoch: int, *, shuffle: bool) -> None:
    samplers = [epoch_sampler(train_set, shuffle=shuffle, seed=5) for _ in range(2)]
    for sampler in samplers:
        sampler.set_epoch(epoch)
    pairs = zip(
        DataLoader(train_set, 64, sampler=samplers[0]),
        ResidentLoader(train_set, 64, samplers[1]),
        strict=True,
    )
    sizes = []
    for (images, targets), (resident_images, resident_targets) in pairs:
        torch.testing.assert_close(resident_images, images, rtol=0, atol=0)
        assert resident_images.is_contiguous(memory_format=torch.channels_last)
        torch.testing.assert_close(resident_targets, targets, rtol=0, atol=0)
        sizes.append(len(targets))
    assert sizes == [64, 64, 64, 58]


def test_len_counts_the_incomplete_batch(train_set: CIFAR10) -> None:
    assert len(ResidentLoader(train_set, 64)) == 4
    assert len(ResidentLoader(train_set, 50)) == 5


def test_default_order_is_that_of_the_files(train_set: CIFAR10) -> None:
    targets = torch.cat([targets for _, targets in ResidentLoader(train_set, 64)])
    assert targets.tolist() == train_set.targets


def test_each_epoch_has_every_image_in_another_order(train_set: CIFAR10) -> None:
    sampler = epoch_sampler(train_set, shuffle=True, seed=0)
    epochs = []
    for epoch in range(3):
        sampler.set_epoch(epoch)
        epochs.append(list(sampler))
    assert all(sorted(epoch) == list(range(250)) for epoch in epochs)
    assert epochs[0] != epochs[1] != epochs[2] != epochs[0]
    sampler.set_epoch(1)
    assert list(sampler) == epochs[1]


def test_order_depends_on_the_seed(train_set: CIFAR10) -> None:
    orders = [list(epoch_sampler(train_set, shuffle=True, seed=seed)) for seed in (0, 0, 5)]
    assert orders[0] == orders[1] != orders[2]


@pytest.mark.cuda
def test_batches_are_made_on_the_device(train_set: CIFAR10) -> None:
    images, targets = next(iter(ResidentLoader(train_set, 64, device="cuda")))
    expected_images, expected_targets = next(iter(DataLoader(train_set, 64)))
    assert images.is_cuda
    torch.testing.assert_close(images.cpu(), expected_images, rtol=0, atol=0)
    torch.testing.assert_close(targets.cpu(), expected_targets, rtol=0, atol=0)
