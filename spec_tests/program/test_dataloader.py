"""P15: torch's DataLoader over the course's data sets, compared with the resident loader."""

from pathlib import Path

import pytest
import torch
from torch.utils.data import DataLoader
from torchvision.transforms import ToTensor

from reference.data.cifar10 import CIFAR10
from reference.data.loaders import ResidentLoader, epoch_sampler
from reference.data.transforms import to_tensor

pytestmark = [
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:This DataLoader will create:UserWarning"),  # on few cores
]


@pytest.fixture(scope="module")
def train_set(small_cifar10: Path) -> CIFAR10:
    return CIFAR10(small_cifar10, transform=to_tensor)


@pytest.fixture(scope="module")
def numbers() -> list[int]:
    """A data set of 50 numbers, each equal to its index."""
    return list(range(50))


def batches(loader: DataLoader) -> list[list[int]]:
    return [batch.tolist() for batch in loader]


def order(loader: DataLoader) -> list[int]:
    return [number for batch in batches(loader) for number in batch]


def shuffled(numbers: list[int], seed: int, **options: object) -> DataLoader:
    generator = torch.Generator().manual_seed(seed)
    return DataLoader(numbers, 16, shuffle=True, generator=generator, **options)


def test_batch_size_that_does_not_divide_the_data(numbers: list[int]) -> None:
    kept, dropped = DataLoader(numbers, 16), DataLoader(numbers, 16, drop_last=True)
    assert [len(batch) for batch in kept] == [16, 16, 16, 2]
    assert [len(batch) for batch in dropped] == [16, 16, 16]
    assert (len(kept), len(dropped)) == (4, 3)
    assert order(kept) == numbers
    assert order(dropped) == numbers[:48]


def test_batch_larger_than_the_data(numbers: list[int]) -> None:
    assert batches(DataLoader(numbers, 64)) == [numbers]
    assert batches(DataLoader(numbers, 64, drop_last=True)) == []


def test_each_epoch_has_every_sample_in_another_order(numbers: list[int]) -> None:
    loader = shuffled(numbers, seed=0)
    epochs = [order(loader) for _ in range(4)]
    assert all(sorted(epoch) == numbers for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 4


def test_each_epoch_drops_other_samples(numbers: list[int]) -> None:
    loader = shuffled(numbers, seed=0, drop_last=True)
    dropped = {tuple(set(numbers) - set(order(loader))) for _ in range(4)}
    assert len(dropped) > 1
    assert all(len(samples) == 2 for samples in dropped)


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_same_seed_gives_the_same_epochs_for_any_number_of_workers(
    numbers: list[int], workers: int
) -> None:
    single, parallel = shuffled(numbers, seed=7), shuffled(numbers, seed=7, num_workers=workers)
    for _ in range(2):
        assert batches(parallel) == batches(single)


def test_another_seed_gives_another_order(numbers: list[int]) -> None:
    assert batches(shuffled(numbers, seed=7)) != batches(shuffled(numbers, seed=8))


@pytest.mark.parametrize("workers", [0, 2])
def test_images_equal_those_of_the_resident_loader(train_set: CIFAR10, workers: int) -> None:
    samplers = [epoch_sampler(train_set, shuffle=True, seed=1) for _ in range(2)]
    pairs = zip(
        DataLoader(train_set, 64, sampler=samplers[0], num_workers=workers),
        ResidentLoader(train_set, 64, samplers[1]),
        strict=True,
    )
    for (images, targets), (resident_images, resident_targets) in pairs:
        torch.testing.assert_close(resident_images, images, rtol=0, atol=0)
        torch.testing.assert_close(resident_targets, targets, rtol=0, atol=0)


@pytest.mark.cuda
def test_pins_memory(train_set: CIFAR10) -> None:
    images, targets = next(iter(DataLoader(train_set, 64, pin_memory=True)))
    assert images.is_pinned()
    assert targets.is_pinned()


@pytest.mark.data
def test_real_test_set_equals_that_of_the_resident_loader(real_data: Path) -> None:
    test_set = CIFAR10(real_data, train=False, transform=ToTensor())
    images_seen = 0
    pairs = zip(DataLoader(test_set, 64), ResidentLoader(test_set, 64), strict=True)
    for (images, targets), (resident_images, resident_targets) in pairs:
        torch.testing.assert_close(resident_images, images, rtol=0, atol=0)
        torch.testing.assert_close(resident_targets, targets, rtol=0, atol=0)
        images_seen += len(targets)
    assert images_seen == 10_000
