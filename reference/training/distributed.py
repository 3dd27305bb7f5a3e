"""Training in the processes that torchrun starts, each on its part of every batch."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import sys
import threading
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import torch
from torch import distributed as dist
from torch import nn
from torch.distributed.rendezvous import rendezvous
from torch.nn.functional import cross_entropy
from torch.nn.parallel import DistributedDataParallel

from reference.environment import check_torchrun, select_device
from reference.errors import InputError, RunError, first_line, is_importing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    from torch import Tensor
    from torch._C._distributed_c10d import GradBucket, Store
    from torch.futures import Future

    T = TypeVar("T")


CONNECT_SECONDS = 60  # torchrun starts all processes at once; they only differ in their imports
ONE_BUCKET = 2**20  # MiB: larger than any network, so that DDP keeps all gradients in one buffer


@dataclass(frozen=True)
class Ranks:
    """This process's rank and world size. Methods marked collective must be called on every rank.

    Args:
        rank: from 0; only rank 0 prints and writes files.
        world_size: the number of processes.
    """

    rank: int = 0
    world_size: int = 1

    @property
    def shard(self) -> slice:
        """This rank's part of a batch; the parts of all ranks contain each image once."""
        return slice(self.rank, None, self.world_size)

    def device(self, name: str) -> torch.device:
        """Return the device to compute on, as `select_device` does; each process has its own GPU.

        Raises:
            InputError: this machine has no such device, or not one for each of its processes.
        """
        if not dist.is_initialized():
            return select_device(name)
        gpus, local_rank = torch.cuda.device_count(), int(os.environ["LOCAL_RANK"])
        if name != "cpu" and local_rank < gpus:
            # Before select_device allocates: otherwise every process takes memory of GPU 0.
            try:
                torch.cuda.set_device(local_rank)
            except RuntimeError as error:
                raise InputError(
                    f"--device {name}: {first_line(error)}; --device cpu works everywhere"
                ) from error
        device = select_device(name)
        if device.type == "cpu":
            return device
        if device != torch.device("cuda"):
            raise InputError(
                f"--device {name}: under torchrun each process uses the CPU or its own GPU: give "
                "--device cpu or --device cuda"
            )
        if (processes := int(os.environ["LOCAL_WORLD_SIZE"])) > gpus:
            raise InputError(
                f"--device {name}: {processes} processes need a GPU each, but this machine has "
                f"{gpus}: give torchrun --nproc-per-node {gpus}, or give --device cpu"
            )
        return torch.device("cuda", local_rank)

    def wrap_ddp(self, model: nn.Module) -> nn.Module:
        """Return the network to train: its gradients are the mean over all ranks. Collective.

        Every rank's `model` gets rank 0's weights and shares its parameters with the result. On the
        CPU the same gradients always have the same mean, to the last bit.
        """
        if not dist.is_initialized():
            return model
        if any(parameter.device.type != "cpu" for parameter in model.parameters()):
            return DistributedDataParallel(model)
        parallel = DistributedDataParallel(model, bucket_cap_mb=ONE_BUCKET)
        order: dict[Tensor, int] = {
            parameter: index for index, parameter in enumerate(model.parameters())
        }
        # A lambda: DDP rejects annotations that are strings, as they are in this module.
        parallel.register_comm_hook(None, lambda _, bucket: _mean_in_fixed_order(order, bucket))
        return parallel

    def loss_fn(self, global_batch_size: int) -> Callable[[Tensor, Tensor], Tensor]:
        """Return the cross entropy of this rank's part of a batch.

        The mean of this loss over the ranks, and so of its gradients, is the mean over the batch,
        even if the parts differ in size. A part may be empty, or all its labels -100 (ignored).

        Args:
            global_batch_size: the number of images in the whole batch.
        """
        return lambda logits, targets: (
            cross_entropy(logits, targets, reduction="sum") * self.world_size / global_batch_size
        )

    def mean(self, values: Tensor) -> Tensor:
        """Return the mean of each value over the ranks. Collective."""
        if dist.is_initialized():
            values = values.clone()
            dist.all_reduce(values)
        return values / self.world_size

    def gather(self, value: T) -> list[T]:
        """Return the values of all ranks, in the order of the ranks. Collective."""
        if not dist.is_initialized():
            return [value]
        values = [value] * self.world_size
        dist.all_gather_object(values, value)
        return values

    def broadcast(self, make: Callable[[], T]) -> T:
        """Call a function on rank 0 only and return its result on every rank. Collective."""
        results: list[Any] = [make() if self.rank == 0 else None]
        if dist.is_initialized():
            dist.broadcast_object_list(results)
        result: T = results[0]
        return result

    def reseed(self, seed: int, epoch: int) -> None:
        """Give each rank its own random numbers, for dropout, in each epoch.

        Rank 0 keeps its generator's state, so that it draws the same numbers as a single process.
        """
        if self.rank:
            torch.manual_seed(seed + epoch * self.world_size + self.rank)


def _mean_in_fixed_order(order: dict[Tensor, int], bucket: GradBucket) -> Future[Tensor]:
    """Average a bucket's gradients over the ranks, laid out in the order of the parameters.

    gloo cuts a buffer into one chunk for each rank, and adds each chunk in another order of the
    ranks. With three ranks or more, a sum therefore depends on the gradient's place in the buffer,
    and DDP changes the places after its first step. A run that is resumed has a first step where
    the uninterrupted run has a later one.

    Args:
        order: the place of each parameter.
        bucket: of DDP; it must contain all gradients.
    """
    pairs = zip(bucket.parameters(), bucket.gradients(), strict=True)
    gradients = [gradient for _, gradient in sorted(pairs, key=lambda pair: order[pair[0]])]
    flat = torch.cat([gradient.flatten() for gradient in gradients]).div_(dist.get_world_size())

    def copy_back(reduced: Future[list[Tensor]]) -> Tensor:
        reduced.value()  # raises the error of the reduction, if any
        parts = flat.split([gradient.numel() for gradient in gradients])
        for gradient, part in zip(gradients, parts, strict=True):
            gradient.copy_(part.view_as(gradient))
        return bucket.buffer()

    return dist.all_reduce(flat, async_op=True).get_future().then(copy_back)


SINGLE_PROCESS = Ranks()


@contextlib.contextmanager
def process_group() -> Iterator[Ranks]:
    """Join torchrun's other processes; without torchrun, this process is rank 0 of 1.

    Tensors on the CPU are sent by gloo, those on a GPU by NCCL. Only the first process that fails
    prints its error: the others fail as a consequence of it.

    Raises:
        InputError: an environment variable of torchrun is missing or has an impossible value.
        RunError: another process was lost or cannot be reached, or torchrun is stopping this one.
    """
    check_torchrun()
    if not dist.is_torchelastic_launched():
        yield SINGLE_PROCESS
        return
    try:
        store, rank, world_size = _connect()
    except (OSError, KeyError, RuntimeError, ValueError) as error:
        sys.stderr = sys.__stderr__  # nobody else may be there to print it
        raise RunError(
            f"torchrun's processes cannot connect ({first_line(error)}): check its MASTER_ADDR "
            "and MASTER_PORT, and that all its processes are started"
        ) from error
    # torchrun stops processes with SIGTERM, which by default ends them without a message.
    signal.signal(signal.SIGTERM, _stop)
    try:
        yield Ranks(rank, world_size)
    except BaseException as error:
        # torchrun may send further signals while this process reports its error.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        first = True
        with contextlib.suppress(RuntimeError):  # the store's process is gone: print in any case
            first = store.add("failed", 1) == 1
        # Ranks above 0 have a silenced stderr; whichever rank fails first must print.
        sys.stderr = sys.__stderr__ if first else io.StringIO()
        if _is_lost_process(error):
            # NCCL's message names a cause; gloo's only the closed connection.
            has_cause = isinstance(error, dist.DistBackendError)
            cause = f" ({str(error).splitlines()[0]})" if has_cause else ""
            raise RunError(
                f"a process of this run was lost or stopped{cause}: course train --resume --out "
                "FOLDER continues it, with any number of processes"
            ) from error
        raise


def _stop(_number: int, frame: FrameType | None) -> None:
    """Exit with 1: the first process that failed reports why."""
    if is_importing(frame):  # as DDP does when it is made
        os._exit(1)
    sys.exit(1)


def _connect() -> tuple[Store, int, int]:
    """Wait for torchrun's other processes; return their store, this rank and the world size.

    Raises:
        TimeoutError: a process is missing. The other errors are torch's.
    """
    results: list[tuple[Store, int, int]] = []
    errors: list[BaseException] = []

    def connect() -> None:
        nccl = torch.cuda.is_available() and dist.is_nccl_available()
        backend = "cpu:gloo,cuda:nccl" if nccl else "gloo"
        try:
            # The store is opened here and not by init_process_group, to count the failures later.
            limit = timedelta(seconds=CONNECT_SECONDS)
            store, rank, world_size = next(rendezvous("env://", timeout=limit))
            dist.init_process_group(backend, store=store, rank=rank, world_size=world_size)
            results.append((store, rank, world_size))
        except BaseException as error:  # noqa: BLE001 - raised again below
            errors.append(error)

    # In a thread: torch tries for up to twice its limit, and Ctrl-C does not interrupt it.
    thread = threading.Thread(target=connect, daemon=True)
    with _redirect_to_devnull(1, 2):
        thread.start()
        thread.join(CONNECT_SECONDS)
    if errors:
        raise errors[0]
    if not results:
        raise TimeoutError(f"no connection in {CONNECT_SECONDS} s")
    return results[0]


@contextlib.contextmanager
def _redirect_to_devnull(*descriptors: int) -> Iterator[None]:
    """Discard what C++ prints: gloo in torch 2.9 logs its connections, others each failed try."""
    saved = {descriptor: os.dup(descriptor) for descriptor in descriptors}
    devnull = os.open(os.devnull, os.O_WRONLY)
    for descriptor in descriptors:
        os.dup2(devnull, descriptor)
    os.close(devnull)
    try:
        yield
    finally:
        for descriptor, copy in saved.items():
            os.dup2(copy, descriptor)
            os.close(copy)


def _is_lost_process(error: BaseException) -> bool:
    """Return whether torchrun's signal or a lost connection to another process is the cause."""
    return isinstance(error, SystemExit | dist.DistError) or (
        # gloo raises a plain RuntimeError; its message starts with the path of its source file.
        isinstance(error, RuntimeError) and "/gloo/" in str(error)
    )
