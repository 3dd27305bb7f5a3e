"""The course's training loop as the course writes it, and the reference's, behind one interface."""

from __future__ import annotations

import functools
from abc import ABC, abstractmethod
from collections import deque
from itertools import chain, islice, repeat
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.utils.data import DataLoader
from torch.utils.tensorboard import SummaryWriter
from torchvision.transforms import ToTensor

from reference.data.cifar10 import CIFAR10
from reference.environment import select_device
from reference.models.course import Tudui
from reference.training.config import Config
from reference.training.engine import Evaluation, evaluate
from reference.training.runs import Run
from reference.training.trainer import Trainer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from torch import Tensor

SEED = 0


class Loop(ABC):
    """Training and evaluation of the course's network."""

    device: torch.device

    @abstractmethod
    def steps(self) -> Iterator[Tensor]:
        """Take the steps of one epoch, and yield the loss of each."""

    @abstractmethod
    def evaluate(self) -> Evaluation:
        """Evaluate the network on the test images."""

    def train_epoch(self) -> Evaluation:
        """Train for one epoch, then evaluate."""
        deque(self.steps(), maxlen=0)
        return self.evaluate()

    @functools.cached_property
    def _endless(self) -> Iterator[Tensor]:
        return chain.from_iterable(loop.steps() for loop in repeat(self))

    def take_steps(self, count: int) -> list[float]:
        """Take `count` steps, epoch after epoch, and return their losses."""
        # Read from the device once, at the end: .item() after each step would synchronise it.
        losses: list[float] = torch.stack(
            [loss.detach() for loss in islice(self._endless, count)]
        ).tolist()
        return losses


class Course(Loop):
    """The course's loop (P27-P31): PIL images, ToTensor, DataLoader, eager operations.

    Args:
        data: the folder of `cifar-10-batches-py/`.
        folder: the folder of the TensorBoard log.
        device: `cpu` or `cuda`.
        batch_size: the batch size of training and of evaluation.
        precision: must be `fp32`, the only one that the course uses.
    """

    def __init__(
        self, data: Path, folder: Path, device: str, batch_size: int, precision: str = "fp32"
    ) -> None:
        assert precision == "fp32"
        self.device = select_device(device)  # turns TF32 off, as for the reference
        self.train_data = CIFAR10(data, train=True, transform=ToTensor())
        self.test_data = CIFAR10(data, train=False, transform=ToTensor())
        self.train_dataloader = DataLoader(self.train_data, batch_size=batch_size)
        self.test_dataloader = DataLoader(self.test_data, batch_size=batch_size)
        torch.manual_seed(SEED)
        self.tudui = Tudui().to(self.device)
        self.loss_fn = nn.CrossEntropyLoss().to(self.device)
        self.optimizer = torch.optim.SGD(self.tudui.parameters(), lr=1e-2)
        self.total_train_step = 0
        self.writer = SummaryWriter(folder)

    def steps(self) -> Iterator[Tensor]:
        """Take the steps of one epoch, as in P27."""
        self.tudui.train()
        for data in self.train_dataloader:
            imgs, targets = data
            imgs = imgs.to(self.device)
            targets = targets.to(self.device)
            outputs = self.tudui(imgs)
            loss = self.loss_fn(outputs, targets)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            self.total_train_step += 1
            if self.total_train_step % 100 == 0:
                self.writer.add_scalar("train_loss", loss.item(), self.total_train_step)
            yield loss

    def evaluate(self) -> Evaluation:
        """Evaluate the network, as in P28 and P29."""
        self.tudui.eval()
        total_test_loss, total_accuracy = 0.0, 0
        with torch.no_grad():
            for data in self.test_dataloader:
                imgs, targets = data
                imgs = imgs.to(self.device)
                targets = targets.to(self.device)
                outputs = self.tudui(imgs)
                loss = self.loss_fn(outputs, targets)
                total_test_loss = total_test_loss + loss.item()
                accuracy = (outputs.argmax(1) == targets).sum()
                total_accuracy = total_accuracy + accuracy
        return Evaluation(
            len(self.test_data), int(total_accuracy), total_test_loss, len(self.test_dataloader)
        )


class Reference(Loop):
    """The loop of `course train`; the arguments are those of `Course`."""

    def __init__(
        self, data: Path, folder: Path, device: str, batch_size: int, precision: str = "fp32"
    ) -> None:
        config = Config(
            data=str(data), device=device, batch_size=batch_size, precision=precision, seed=SEED
        )
        self.trainer = Trainer(Run.start(folder, config), lambda *_: None)
        self.device = self.trainer.device

    def steps(self) -> Iterator[Tensor]:
        """Take the steps of one epoch, on images that are kept on the device."""
        self.trainer.model.train()
        batches = self.trainer.train_batches
        yield from map(self.trainer.take_step, batches, batches.sizes)

    def evaluate(self) -> Evaluation:
        """Evaluate the network, as `course train` does."""
        trainer = self.trainer
        return evaluate(
            trainer.model, trainer.loss_fn, trainer.test_batches, trainer.config.precision
        )


LOOPS: dict[str, type[Loop]] = {"course": Course, "reference": Reference}
