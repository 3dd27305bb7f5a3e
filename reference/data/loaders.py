"""Batches of images: an order for torch's DataLoader, and a loader on the training device (P15)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch.utils.data.distributed import DistributedSampler

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor
    from torch.utils.data import Sampler

    from reference.data.cifar10 import CIFAR10

    Batch = tuple[Tensor, Tensor]

ALL = slice(None)
IGNORED = -100  # the default ignore_index of cross_entropy


def epoch_sampler(
    dataset: CIFAR10, *, shuffle: bool = False, seed: int = 0
) -> DistributedSampler[int]:
    """Return a sampler in the order of the files, or one that shuffles differently in each epoch.

    The order depends on nothing but the seed and `set_epoch(number)`, so that any single epoch
    can be repeated.
    """
    # One replica: a batch is divided among the ranks by ResidentLoader's shard, not here.
    return DistributedSampler(dataset, num_replicas=1, rank=0, shuffle=shuffle, seed=seed)


class ResidentLoader:
    """A loader that keeps all images as uint8 on the training device and makes the batches there.

    The batches equal those of `DataLoader(dataset, batch_size, sampler=sampler)` for a data set
    whose transform is ToTensor: float images from 0 to 1 of shape (N, 3, 32, 32) and int64 labels
    of shape (N,), the last batch with the remaining images.

    The memory format is channels_last: convolutions and poolings keep the format of their input
    and are faster in this one.

    Args:
        dataset: the images; its transforms are not applied.
        batch_size: images per batch.
        sampler: the order, as for DataLoader; by default that of the data set.
        device: the device of the images and the batches.
        shard: the images of each batch to return. If a batch has none of them, its first image is
            returned with the label -100, which cross entropy ignores, because not every kernel
            accepts an empty batch.

    Source: P15.
    """

    def __init__(
        self,
        dataset: CIFAR10,
        batch_size: int = 1,
        sampler: Sampler[int] | None = None,
        device: torch.device | str = "cpu",
        shard: slice = ALL,
    ) -> None:
        self.images = torch.from_numpy(dataset.data).to(device).contiguous()
        self.targets = torch.tensor(dataset.targets, device=device)
        # A tensor divisor: CUDA turns a Python scalar into a multiplication by 1/255, which rounds
        # differently.
        self.white = torch.tensor(255.0, device=device)
        self.batch_size = batch_size
        self.sampler = sampler
        self.shard = shard

    @property
    def sizes(self) -> list[int]:
        """The number of images of each batch, over all shards."""
        indices = range(len(self.images))
        return [len(indices[start:][: self.batch_size]) for start in indices[:: self.batch_size]]

    def __len__(self) -> int:
        return math.ceil(len(self.images) / self.batch_size)

    def __iter__(self) -> Iterator[Batch]:
        if self.sampler is None:
            order = torch.arange(len(self.images))
        else:
            order = torch.tensor(list(self.sampler))
        for batch in torch.split(order.to(self.images.device), self.batch_size):
            shard = batch[self.shard]
            indices = shard if len(shard) else batch[:1]
            # (N, 32, 32, 3) -> (N, 3, 32, 32): a view, which is what makes it channels_last
            images = self.images[indices].permute(0, 3, 1, 2)
            targets = self.targets[indices]
            yield images.float() / self.white, targets if len(shard) else targets.fill_(IGNORED)
