"""A training step and an evaluation (P24, P27-P29)."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from reference.training.distributed import ALONE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from torch import Tensor, nn

    from reference.data.loaders import Batch
    from reference.training.distributed import Ranks


def autocast(device: torch.device, precision: str) -> torch.autocast:
    """Return the context in which the network computes: fp32 as it is, bf16 where torch can."""
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16")


def train_step(
    model: nn.Module,
    loss_fn: Callable[[Tensor, Tensor], Tensor],
    optimizer: torch.optim.Optimizer,
    batch: Batch,
    precision: str = "fp32",
) -> Tensor:
    """Take one step of gradient descent.

    Args:
        model: maps images to logits of shape (N, 10).
        loss_fn: maps logits and labels to a scalar.
        optimizer: of the model's parameters.
        batch: images, float of shape (N, 3, 32, 32), and labels, int64 of shape (N,).
        precision: `fp32` or `bf16`.

    Returns:
        The loss before the step, a scalar without gradient, on the device.

    Source: P24, P27.
    """
    images, targets = batch
    with autocast(images.device, precision):
        loss = loss_fn(model(images), targets)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.detach()


@dataclass(frozen=True)
class Evaluation:
    """What a network makes of labelled images.

    `total_loss` adds up the mean losses of the batches, as the course does.
    """

    images: int
    correct: int
    total_loss: float
    batches: int

    @property
    def accuracy(self) -> float:
        """The share of the images that were evaluated and classified rightly."""
        return self.correct / self.images


def evaluate(
    model: nn.Module,
    loss_fn: Callable[[Tensor, Tensor], Tensor],
    batches: Iterable[Batch],
    precision: str = "fp32",
    ranks: Ranks = ALONE,
) -> Evaluation:
    """Run a network over labelled images, in evaluation mode and without gradients.

    Args:
        model: maps images to logits of shape (N, 10).
        loss_fn: maps logits and labels to the batch's mean loss.
        batches: at least one, as a loader gives them, and the same on each rank.
        precision: `fp32` or `bf16`.
        ranks: the processes that take turns at the batches; the result is the same on each.

    Source: P28, P29.
    """
    model.eval()
    images, losses = 0, []
    hits: Tensor | int = 0
    with torch.no_grad():
        for inputs, targets in itertools.islice(batches, ranks.rank, None, ranks.world_size):
            with autocast(inputs.device, precision):
                outputs = model(inputs)
                loss = loss_fn(outputs, targets)
            # On the CPU a number: small tensors among the large ones would tear memory to pieces.
            losses.append(loss.item() if loss.device.type == "cpu" else loss)
            hits = hits + (outputs.argmax(1) == targets).sum()
            images += len(targets)
    mine = images, int(hits), [float(loss) for loss in losses]
    all_images, all_hits, all_losses = zip(*ranks.gather(mine), strict=True)
    rounds = itertools.zip_longest(*all_losses)
    in_order = [loss for turns in rounds for loss in turns if loss is not None]
    return Evaluation(sum(all_images), sum(all_hits), sum(in_order), len(in_order))
