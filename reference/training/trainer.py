"""An epoch, and the whole run (P27-P31)."""

from __future__ import annotations

import contextlib
import inspect
import math
import operator
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from tqdm import tqdm

from reference.checkpoints.files import load_checkpoint, load_weights
from reference.data.cifar10 import CIFAR10
from reference.data.loaders import ResidentLoader, epoch_sampler
from reference.errors import InputError, RunError
from reference.models.registry import build
from reference.training.board import add_record, open_board
from reference.training.cuda_graph import GraphedStep
from reference.training.distributed import ALONE
from reference.training.engine import evaluate, train_step

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torch import Tensor

    from reference.data.loaders import Batch
    from reference.training.board import Board
    from reference.training.distributed import Ranks
    from reference.training.runs import Run

LOG_EVERY = 100


class SGD(torch.optim.SGD):
    """torch's own, without the decorators that are for torch.compile alone.

    Their first call imports the compiler: two seconds and 120 MB, also where nothing is compiled.
    """

    add_param_group = inspect.unwrap(torch.optim.SGD.add_param_group)
    load_state_dict = inspect.unwrap(torch.optim.SGD.load_state_dict)
    state_dict = inspect.unwrap(torch.optim.SGD.state_dict)
    step = torch.no_grad()(inspect.unwrap(torch.optim.SGD.step))
    zero_grad = inspect.unwrap(torch.optim.SGD.zero_grad)


class Trainer:
    """A network, its data and its optimizer: the state of one run.

    Args:
        run: options, log and checkpoints.
        emit: called with the name of a line of `messages` and its values.
        ranks: the processes that train together; each makes a Trainer, and rank 0's alone writes.

    Raises:
        InputError: the data, the device or the weights cannot be used.
    """

    def __init__(self, run: Run, emit: Callable[..., None], ranks: Ranks = ALONE) -> None:
        self.run, self.config, self.emit, self.ranks = run, run.config, emit, ranks
        self.device = ranks.device(self.config.device)
        train_set = CIFAR10(self.config.data, train=True)
        test_set = CIFAR10(self.config.data, train=False)
        run.check_data(dict(train_set.train_list + train_set.test_list))
        emit("train_size", len(train_set))
        emit("test_size", len(test_set))
        emit("device", self.device)
        batch_size = self.config.batch_size
        self.order = epoch_sampler(train_set, shuffle=self.config.shuffle, seed=self.config.seed)
        self.train_batches = ResidentLoader(
            train_set, batch_size, self.order, self.device, shard=ranks.shard
        )
        self.test_batches = ResidentLoader(test_set, batch_size, device=self.device)

        torch.manual_seed(self.config.seed)
        self.model = self._network().to(self.device)
        self.wrapped = ranks.wrap_ddp(self.model)
        self.loss_fn = nn.CrossEntropyLoss()
        learning = [weight for weight in self.model.parameters() if weight.requires_grad]
        self.optimizer = SGD(learning, lr=self.config.lr)
        self.epoch = self.step = 0
        self.take_step = self._make_step()

    def _network(self) -> nn.Module:
        weights = Path(self.config.weights) if self.config.weights else None
        return build(
            self.config.model, weights=weights, freeze_features=self.config.freeze_features
        )

    def _restore(self) -> None:
        """Take up the run's newest checkpoint, and the log up to there."""
        path = self.run.last_checkpoint()
        if path is not None:
            try:
                self._load_state(path)
            except (KeyError, TypeError, ValueError, RuntimeError, AttributeError) as error:
                raise InputError(
                    f"{path} is no checkpoint of this run: delete it, and --resume goes on from "
                    "the one before"
                ) from error
            self.emit("resumed", self.epoch)
        self.run.read_records(self.step)

    def _load_state(self, path: Path) -> None:
        checkpoint = load_checkpoint(path, self.device)
        load_weights(self.model, checkpoint["model"], path)
        self.optimizer.load_state_dict(checkpoint["optimizer"])
        self.epoch, self.step = int(checkpoint["epoch"]), int(checkpoint["step"])
        torch.set_rng_state(checkpoint["rng"]["cpu"].cpu())
        if self.device.type != "cpu" and self.device.type in checkpoint["rng"]:
            torch.get_device_module(self.device).set_rng_state(
                checkpoint["rng"][self.device.type].cpu()
            )

    def _state(self) -> dict[str, Any]:
        rng = {"cpu": torch.get_rng_state()}
        if self.device.type != "cpu":
            rng[self.device.type] = torch.get_device_module(self.device).get_rng_state()
        return {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "rng": rng,
        }

    def _make_step(self) -> Callable[[Batch, int], Tensor]:
        """Return what takes a step with this rank's part of a batch of so many images.

        On CUDA, in one process, it is a graph, which computes the same.
        """
        config = self.config

        def step(batch: Batch, size: int) -> Tensor:
            loss_fn = self.ranks.loss_fn(size)
            return train_step(self.wrapped, loss_fn, self.optimizer, batch, config.precision)

        eager = config.compile or config.eager or self.wrapped is not self.model
        if self.device.type != "cuda" or eager:
            return step
        graph = GraphedStep(lambda batch: step(batch, len(batch[1])), config.batch_size)
        return lambda batch, _: graph(batch)

    def fit(self) -> None:
        """Train, test, log and save, epoch by epoch, to the end of the run.

        Raises:
            InputError: the run's folder or its last checkpoint cannot be used.
            RunError: the loss is no number any more.
        """
        self._restore()
        with self._logging() as board:
            if self.config.compile:
                self.model.compile()
            while self.epoch < self.config.epochs and self.step != self.config.max_steps:
                self._one_epoch(board)

    @contextlib.contextmanager
    def _logging(self) -> Iterator[Board | None]:
        """Open the run's folder and its board, on rank 0; the others log nothing."""
        if self.ranks.rank:
            yield None
            return
        images, _ = next(iter(self.train_batches))
        with self.run.open(), open_board(self.run.folder, self.model, images) as board:
            for record in self.run.records:
                add_record(board, record)
            yield board

    def _one_epoch(self, board: Board | None) -> None:
        start = time.perf_counter()
        self.emit("epoch", self.epoch + 1)
        train_loss = self._train_epoch(board)
        self.epoch += 1
        found = evaluate(
            self.model, self.loss_fn, self.test_batches, self.config.precision, self.ranks
        )
        self.emit("test_loss", self._finite(found.total_loss))
        self.emit("test_accuracy", found.accuracy)
        record = {
            "epoch": self.epoch,
            "step": self.step,
            "train_loss": train_loss,
            "test_loss": found.total_loss,
            "test_accuracy": found.accuracy,
            "images": found.images,
            "seconds": round(time.perf_counter() - start, 3),
        }
        self._log(board, record)
        if board:
            self.run.save(self.epoch, self._state())
        self.emit("saved")

    def _train_epoch(self, board: Board | None) -> float:
        """Take the steps of one epoch and return the mean loss over its images."""
        self.model.train()
        self.order.set_epoch(self.epoch)
        self.ranks.reseed(self.config.seed, self.epoch)
        sizes: list[int] = []
        losses = torch.empty(len(self.train_batches), device=self.device)
        batches = tqdm(self.train_batches, disable=None, leave=False)
        for batch, size in zip(batches, self.train_batches.sizes, strict=True):
            losses[len(sizes)] = own_loss = self.take_step(batch, size)
            sizes.append(size)
            self.step += 1
            if self.step % LOG_EVERY == 0:
                loss = self._finite(self.ranks.mean(own_loss).item())
                self.emit("step", self.step, loss)
                record = {"step": self.step, "epoch": self.epoch + 1, "train_loss": loss}
                self._log(board, record)
            if self.step == self.config.max_steps:
                break
        means = self.ranks.mean(losses[: len(sizes)]).tolist()
        total = sum(map(operator.mul, means, sizes))
        return self._finite(total / sum(sizes))

    def _finite(self, loss: float) -> float:
        if not math.isfinite(loss):
            raise RunError(f"the loss is {loss} by step {self.step}: try a smaller --lr")
        return loss

    def _log(self, board: Board | None, record: dict[str, Any]) -> None:
        if board:
            self.run.record(record)
            add_record(board, record)
