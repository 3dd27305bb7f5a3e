"""Training in several processes, as torchrun starts them: each its part of every batch."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import torch
from torch import distributed as dist
from torch import nn
from torch.distributed.rendezvous import rendezvous
from torch.nn.functional import cross_entropy
from torch.nn.parallel import DistributedDataParallel

from reference.environment import select_device
from reference.errors import InputError, RunError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torch import Tensor

    T = TypeVar("T")


@dataclass(frozen=True)
class Ranks:
    """Which of how many processes this is; the methods that say so must be called by all of them.

    Args:
        rank: from 0; rank 0 alone prints and writes.
        world_size: how many there are.
    """

    rank: int = 0
    world_size: int = 1

    @property
    def shard(self) -> slice:
        """Which images of a batch this rank takes; together the ranks take each image once."""
        return slice(self.rank, None, self.world_size)

    def device(self, name: str) -> torch.device:
        """Choose the device to compute on, as `select_device` does: a GPU for each process.

        Raises:
            InputError: there is no such device here, or not for each process of this machine.
        """
        if not dist.is_initialized():
            return select_device(name)
        gpus, own = torch.cuda.device_count(), int(os.environ["LOCAL_RANK"])
        if name != "cpu" and own < gpus:
            torch.cuda.set_device(own)  # before anything is put on the first one
        device = select_device(name)
        if device.type == "cpu":
            return device
        if device != torch.device("cuda"):
            raise InputError(
                f"--device {name}: under torchrun each process takes the CPU or a GPU of its own: "
                "say --device cpu or --device cuda"
            )
        if (processes := int(os.environ["LOCAL_WORLD_SIZE"])) > gpus:
            raise InputError(
                f"--device {name}: {processes} processes want a GPU each, and there are {gpus}: "
                f"say torchrun --nproc-per-node {gpus}, or --device cpu"
            )
        return torch.device("cuda", own)

    def wrap_ddp(self, model: nn.Module) -> nn.Module:
        """Return the network to train: its gradients are the mean over all ranks. For all ranks.

        All of them start from rank 0's weights, which stay those of `model`.
        """
        return DistributedDataParallel(model) if dist.is_initialized() else model

    def loss_fn(self, size: int) -> Callable[[Tensor, Tensor], Tensor]:
        """Return the cross entropy of this rank's part of a batch.

        Its mean over the ranks, and so that of its gradients, is the mean over the batch, however
        unequal the parts; a part may be empty, or all its labels -100.

        Args:
            size: images in the whole batch.
        """
        return lambda logits, targets: (
            cross_entropy(logits, targets, reduction="sum") * self.world_size / size
        )

    def mean(self, values: Tensor) -> Tensor:
        """Return the mean over the ranks of each of the values. For all ranks."""
        if dist.is_initialized():
            values = values.clone()
            dist.all_reduce(values)
        return values / self.world_size

    def gather(self, value: T) -> list[T]:
        """Return the values of all ranks, in their order. For all ranks."""
        if not dist.is_initialized():
            return [value]
        values = [value] * self.world_size
        dist.all_gather_object(values, value)
        return values

    def broadcast(self, make: Callable[[], T]) -> T:
        """Call a function on rank 0 alone and return its result everywhere. For all ranks."""
        results: list[Any] = [make() if self.rank == 0 else None]
        if dist.is_initialized():
            dist.broadcast_object_list(results)
        result: T = results[0]
        return result

    def reseed(self, seed: int, epoch: int) -> None:
        """Let each rank drop out other values in each epoch; rank 0 goes on as one process does."""
        if self.rank:
            torch.manual_seed(seed + epoch * self.world_size + self.rank)


ALONE = Ranks()


@contextlib.contextmanager
def processes() -> Iterator[Ranks]:
    """Join the processes that torchrun started; without torchrun there is this one.

    gloo carries what is on the CPU, NCCL what is on a GPU. The first process that fails says why,
    and the others, which then fail too, are silent.

    Raises:
        RunError: another process was lost, or torchrun is stopping this one.
    """
    if not dist.is_torchelastic_launched():
        yield ALONE
        return
    nccl = torch.cuda.is_available() and dist.is_nccl_available()
    backend = "cpu:gloo,cuda:nccl" if nccl else "gloo"
    store, rank, world = next(rendezvous("env://"))
    with _nothing_printed():
        dist.init_process_group(backend, store=store, rank=rank, world_size=world)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # not silently, as by default
    try:
        yield Ranks(rank, world)
    except BaseException as error:
        for number in (signal.SIGINT, signal.SIGTERM):  # torchrun's, while this process is ending
            signal.signal(number, signal.SIG_IGN)
        first = True
        with contextlib.suppress(RuntimeError):  # the store is gone with its process
            first = store.add("failed", 1) == 1
        sys.stderr = sys.__stderr__ if first else io.StringIO()
        if _is_loss(error):
            said = isinstance(error, dist.DistBackendError)  # NCCL says why
            cause = f" ({str(error).splitlines()[0]})" if said else ""
            raise RunError(
                f"a process of this run was lost or stopped{cause}: course train --resume --out "
                "FOLDER goes on, with as many processes as you like"
            ) from error
        raise


@contextlib.contextmanager
def _nothing_printed() -> Iterator[None]:
    """Keep standard output clean: in torch 2.9 gloo writes there who is connected."""
    saved, nowhere = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    try:
        yield
    finally:
        os.dup2(saved, 1)
        os.close(saved)
        os.close(nowhere)


def _is_loss(error: BaseException) -> bool:
    """Whether torchrun's signal, or the end of a connection to another process, is the cause."""
    return isinstance(error, SystemExit | dist.DistError) or (
        isinstance(error, RuntimeError) and "/gloo/" in str(error)
    )
