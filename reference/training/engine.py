"""A training step and an evaluation (P24, P27-P29)."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from reference.training.distributed import SINGLE_PROCESS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from torch import Tensor, nn

    from reference.data.loaders import Batch
    from reference.training.distributed import Ranks


def autocast(device: torch.device, precision: str) -> torch.autocast:
    """Return the context to run the network in: autocast to bfloat16 for bf16, no-op for fp32."""
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
        The loss before the step, a detached scalar on the device.

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
    """The result of an evaluation.

    `total_loss` is the sum of the batches' mean losses, as in the course.
    """

    images: int
    correct: int
    total_loss: float
    batches: int

    @property
    def accuracy(self) -> float:
        """The fraction of the images that are classified correctly."""
        return self.correct / self.images


def evaluate(
    model: nn.Module,
    loss_fn: Callable[[Tensor, Tensor], Tensor],
    batches: Iterable[Batch],
    precision: str = "fp32",
    ranks: Ranks = SINGLE_PROCESS,
) -> Evaluation:
    """Evaluate a network on labelled images, in evaluation mode and without gradients. Collective.

    Args:
        model: maps images to logits of shape (N, 10).
        loss_fn: maps logits and labels to the batch's mean loss.
        batches: at least one; the same batches on every rank.
        precision: `fp32` or `bf16`.
        ranks: the processes that share the batches; every rank returns the result over all.

    Source: P28, P29.
    """
    model.eval()
    images, losses = 0, []
    correct: Tensor | int = 0
    with torch.no_grad():
        for inputs, targets in itertools.islice(batches, ranks.rank, None, ranks.world_size):
            with autocast(inputs.device, precision):
                outputs = model(inputs)
                loss = loss_fn(outputs, targets)
            # On the CPU keep a float: small tensors that outlive a batch's large ones would
            # fragment the heap. On a GPU keep the tensor: item() would wait for the device.
            losses.append(loss.item() if loss.device.type == "cpu" else loss)
            correct = correct + (outputs.argmax(1) == targets).sum()
            images += len(targets)
    counts = images, int(correct), [float(loss) for loss in losses]
    all_images, all_correct, all_losses = zip(*ranks.gather(counts), strict=True)
    # Rank r had batches r, r + world_size, …: interleave, so that the losses are added in the
    # order of one process, and their sum is the same to the last bit.
    rounds = itertools.zip_longest(*all_losses)
    in_order = [loss for losses in rounds for loss in losses if loss is not None]
    return Evaluation(sum(all_images), sum(all_correct), sum(in_order), len(in_order))
