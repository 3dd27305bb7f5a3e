"""Batches of images: torch's DataLoader, and a loader that lives on the training device (P15)."""

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
IGNORED = -100  # cross_entropy's own ignore_index


def epoch_sampler(
    dataset: CIFAR10, *, shuffle: bool = False, seed: int = 0
) -> DistributedSampler[int]:
    """Return the order of the images: as they lie in the files, or shuffled anew in each epoch.

    The order depends on the seed and on `set_epoch(number)` alone, so that an epoch can be
    repeated by itself.
    """
    return DistributedSampler(dataset, num_replicas=1, rank=0, shuffle=shuffle, seed=seed)


class ResidentLoader:
    """All images as uint8 on the training device; batches are cut and scaled there.

    In memory the channels of a pixel lie side by side (channels_last): convolutions and pools
    take over that order from their input, and are faster in it.

    It gives what `DataLoader(dataset, batch_size, sampler=sampler)` gives where the data set's
    transform is ToTensor: float images from 0 to 1 of shape (N, 3, 32, 32) and int64 labels of
    shape (N,), the last batch with what is left.

    Args:
        dataset: the images; its transforms are not applied.
        batch_size: how many images make a batch.
        sampler: the order, as DataLoader takes it; by default the data set's own.
        device: where the images live and the batches are made.
        part: which images of each batch to take. Where that is none, it is the batch's first with
            the label -100, which cross entropy ignores: not every kernel takes an empty batch.

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
        self.white = torch.tensor(255.0, device=device)  # by a number, CUDA multiplies with 1/255
        self.batch_size = batch_size
        self.sampler = sampler
        self.shard = shard

    @property
    def sizes(self) -> list[int]:
        """How many images each batch has, all parts of it together."""
        images = range(len(self.images))
        return [len(images[start:][: self.batch_size]) for start in images[:: self.batch_size]]

    def __len__(self) -> int:
        return math.ceil(len(self.images) / self.batch_size)

    def __iter__(self) -> Iterator[Batch]:
        if self.sampler is None:
            order = torch.arange(len(self.images))
        else:
            order = torch.tensor(list(self.sampler))
        for batch in torch.split(order.to(self.images.device), self.batch_size):
            own = batch[self.shard]
            chosen = own if len(own) else batch[:1]
            images = self.images[chosen].permute(0, 3, 1, 2)
            targets = self.targets[chosen]
            yield images.float() / self.white, targets if len(own) else targets.fill_(IGNORED)
