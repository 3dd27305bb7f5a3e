"""The trainer: epochs of training, testing, logging and saving (P27-P31)."""

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

from reference.checkpoints.files import UnreadableError, load_checkpoint, load_weights
from reference.data.cifar10 import CIFAR10
from reference.data.loaders import ResidentLoader, epoch_sampler
from reference.errors import InputError, RunError, is_accelerator_error, is_out_of_memory
from reference.models.registry import build
from reference.training.board import add_record, open_board, quiet_writer_thread
from reference.training.config import MAX_LR, Config
from reference.training.cuda_graph import GraphedStep
from reference.training.distributed import SINGLE_PROCESS
from reference.training.engine import evaluate, train_step
from reference.training.metrics_log import LOG_EVERY
from reference.training.runs import checkpoint_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torch import Tensor

    from reference.data.loaders import Batch
    from reference.training.board import Board
    from reference.training.distributed import Ranks
    from reference.training.runs import Run


class SGD(torch.optim.SGD):
    """`torch.optim.SGD` without the decorators that only torch.compile needs.

    The first call of a decorated method imports the compiler, which takes two seconds and 120 MB
    even if nothing is compiled. `inspect.unwrap` returns the methods below the decorators; torch's
    `step` needs `no_grad`, which was one of them.
    """

    add_param_group = inspect.unwrap(torch.optim.SGD.add_param_group)
    load_state_dict = inspect.unwrap(torch.optim.SGD.load_state_dict)
    state_dict = inspect.unwrap(torch.optim.SGD.state_dict)
    step = torch.no_grad()(inspect.unwrap(torch.optim.SGD.step))
    zero_grad = inspect.unwrap(torch.optim.SGD.zero_grad)


class Trainer:
    """The state of a run: a network, its data and its optimizer.

    Args:
        run: the options, log and checkpoints.
        emit: called with the name of a line in `messages` and the line's values.
        ranks: the processes that train together. Each has a Trainer; only rank 0's writes files.

    Raises:
        InputError: the data, the device or the weights cannot be used.
    """

    def __init__(self, run: Run, emit: Callable[..., None], ranks: Ranks = SINGLE_PROCESS) -> None:
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
        self.model = self._build_model().to(self.device)
        self.wrapped = ranks.wrap_ddp(self.model)  # the model itself in a single process
        self.loss_fn = nn.CrossEntropyLoss()
        trainable = [parameter for parameter in self.model.parameters() if parameter.requires_grad]
        self.optimizer = SGD(trainable, lr=self.config.lr)
        self.epoch = self.step = 0
        self.take_step = self._make_step()

    def _build_model(self) -> nn.Module:
        weights = Path(self.config.weights) if self.config.weights else None
        return build(
            self.config.model, weights=weights, freeze_features=self.config.freeze_features
        )

    def _restore(self) -> None:
        """Load the run's newest checkpoint, if any, and the log up to it."""
        path = self.run.last_checkpoint()
        if path is not None:
            try:
                checkpoint = load_checkpoint(path, self.device)
                config = Config.from_stored(checkpoint["config"])
                self._load_state(path, checkpoint)
            except (LookupError, TypeError, ValueError, RuntimeError, AttributeError) as error:
                sound = isinstance(error, UnreadableError)  # for all that is known
                if sound or is_out_of_memory(error) or is_accelerator_error(error):
                    raise
                raise InputError(
                    f"{path} is not a checkpoint of this run: move it away, and --resume continues "
                    "from the one before"
                ) from error
            self.run.check_config(path, config)
            self.emit("resumed", self.epoch)
        self.run.read_records(self.epoch, self.step, len(self.train_batches))

    def _load_state(self, path: Path, checkpoint: dict[str, Any]) -> None:
        load_weights(self.model, checkpoint["model"], path)
        self._load_optimizer(checkpoint["optimizer"])
        self.epoch, self.step = checkpoint["epoch"], checkpoint["step"]
        if type(self.epoch) is not int or path.name != checkpoint_name(self.epoch):
            raise ValueError("its epoch is not that of its name")
        steps = self.epoch * len(self.train_batches)
        if type(self.step) is not int or self.step != min(steps, self.config.max_steps or steps):
            raise ValueError("its step is not the last of its epoch")
        torch.set_rng_state(checkpoint["rng"]["cpu"].cpu())
        if self.device.type != "cpu" and self.device.type in checkpoint["rng"]:
            torch.get_device_module(self.device).set_rng_state(
                checkpoint["rng"][self.device.type].cpu()
            )

    def _load_optimizer(self, stored: dict[str, Any]) -> None:
        """Load the learning rate; SGD without momentum has no other state.

        The rest of a parameter group follows from the options. It must be the same where the
        version of torch that saved it has it, too: torch checks neither names nor types.
        """
        state = self.optimizer.state_dict()
        for group, own in zip(stored["param_groups"], state["param_groups"], strict=True):
            if any(group[name] != own[name] for name in own.keys() & group.keys() - {"lr"}):
                raise ValueError("its optimizer is not that of the options")
            if type(group["lr"]) is not float or not 0 < group["lr"] < MAX_LR:
                raise ValueError("its learning rate is not a positive number")
            own["lr"] = group["lr"]
        self.optimizer.load_state_dict(state)

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
        """Return a function `(batch, global_batch_size) -> loss`.

        `batch` is this rank's part. On CUDA, in a single process, the step is replayed as a CUDA
        graph, which computes the same.
        """
        config = self.config

        def step(batch: Batch, global_batch_size: int) -> Tensor:
            loss_fn = self.ranks.loss_fn(global_batch_size)
            return train_step(self.wrapped, loss_fn, self.optimizer, batch, config.precision)

        # torch.compile and DDP are used without a graph: the combinations are untested.
        single = self.wrapped is self.model
        if not (self.device.type == "cuda" and config.cuda_graph and single) or config.compile:
            return step
        graphed = GraphedStep(lambda batch: step(batch, len(batch[1])), config.batch_size)
        return lambda batch, _: graphed(batch)

    def fit(self) -> None:
        """Train, test, log and save, epoch by epoch, to the end of the run. Collective.

        Raises:
            InputError: the run's folder or its last checkpoint cannot be used.
            RunError: the loss is nan or inf.
        """
        if not self.run.is_new:  # a new run's folder may still be that of another one
            self._restore()
        with self._open_log() as board:
            if self.config.compile:
                self.model.compile()  # after `open_board`, which traces the model's graph
            while self.epoch < self.config.epochs and self.step != self.config.max_steps:
                self._run_epoch(board)

    @contextlib.contextmanager
    def _open_log(self) -> Iterator[Board | None]:
        """Open the run's folder and its board on rank 0; yield None on the other ranks."""
        if self.ranks.rank:
            yield None
            return
        images, _ = next(iter(self.train_batches))
        with (
            quiet_writer_thread(),
            self.run.open(),
            open_board(self.run.folder, self.model, images) as board,
        ):
            for record in self.run.records:
                add_record(board, record)
            yield board

    def _run_epoch(self, board: Board | None) -> None:
        start = time.perf_counter()
        self.emit("epoch", self.epoch + 1)
        train_loss = self._train_epoch(board)
        self.epoch += 1
        evaluation = evaluate(
            self.model, self.loss_fn, self.test_batches, self.config.precision, self.ranks
        )
        self.emit("test_loss", self._require_finite(evaluation.total_loss))
        self.emit("test_accuracy", evaluation.accuracy)
        record = {
            "epoch": self.epoch,
            "step": self.step,
            "train_loss": train_loss,
            "test_loss": evaluation.total_loss,
            "test_accuracy": evaluation.accuracy,
            "images": evaluation.images,
            "seconds": round(time.perf_counter() - start, 3),
        }
        # Write the log first: a resumed run drops the lines after its checkpoint, but a checkpoint
        # without its lines would leave a gap in the log.
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
        # On the device: reading each loss would wait for its step.
        losses = torch.empty(len(self.train_batches), device=self.device)
        batches = tqdm(self.train_batches, disable=None, leave=False)
        for batch, size in zip(batches, self.train_batches.sizes, strict=True):
            losses[len(sizes)] = rank_loss = self.take_step(batch, size)
            sizes.append(size)
            self.step += 1
            if self.step % LOG_EVERY == 0:
                loss = self._require_finite(self.ranks.mean(rank_loss).item())
                self.emit("step", self.step, loss)
                record = {"step": self.step, "epoch": self.epoch + 1, "train_loss": loss}
                self._log(board, record)
            if self.step == self.config.max_steps:
                break
        means = self.ranks.mean(losses[: len(sizes)]).tolist()
        total = sum(map(operator.mul, means, sizes))
        return self._require_finite(total / sum(sizes))

    def _require_finite(self, loss: float) -> float:
        if not math.isfinite(loss):
            raise RunError(f"the loss is {loss} by step {self.step}: try a smaller --lr")
        return loss

    def _log(self, board: Board | None, record: dict[str, Any]) -> None:
        if board:
            self.run.record(record)
            add_record(board, record)
