"""Several processes get the same gradients, weights and test results as one."""

import itertools
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader
from torchvision.transforms import ToTensor

from reference.data.cifar10 import CIFAR10
from reference.data.loaders import ResidentLoader, epoch_sampler
from reference.errors import InputError
from reference.models.course import Tudui
from reference.training import distributed
from reference.training.distributed import Ranks, process_group
from reference.training.engine import evaluate, train_step
from spec_tests import paths
from spec_tests.support.multiprocess import run_ranks

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot fork processes")


@pytest.mark.parametrize("world", [1, 2, 3])
@pytest.mark.parametrize("batch_size", [2, 16, 250])
def test_parts_make_up_the_batches(small_cifar10: Path, world: int, batch_size: int) -> None:
    train_set = CIFAR10(small_cifar10)
    order = epoch_sampler(train_set, shuffle=True, seed=1)
    loaders = [
        ResidentLoader(train_set, batch_size, order, shard=Ranks(rank, world).shard)
        for rank in range(world)
    ]
    sizes = []
    for *parts, (images, targets) in zip(
        *loaders, ResidentLoader(train_set, batch_size, order), strict=True
    ):
        for rank, (part_images, part_targets) in enumerate(parts):
            if rank < len(targets):
                assert torch.equal(part_images, images[rank::world])
                assert torch.equal(part_targets, targets[rank::world])
            else:  # an image that is ignored, so that the part is not empty
                assert torch.equal(part_images, images[:1])
                assert part_targets.tolist() == [-100]
        sizes.append(len(targets))
    assert all(loader.sizes == sizes for loader in loaders)


@pytest.mark.parametrize("world", [1, 2, 3, 4])
@pytest.mark.parametrize("size", [1, 2, 7, 64])
def test_losses_of_the_parts_average_to_the_batches_mean(world: int, size: int) -> None:
    torch.manual_seed(size)
    logits = torch.randn(size, 10, dtype=torch.float64, requires_grad=True)
    targets = torch.randint(10, (size,))
    mean = nn.CrossEntropyLoss()(logits, targets)
    shared = sum(
        ranks.loss_fn(size)(logits[ranks.shard], targets[ranks.shard]) / world
        for ranks in (Ranks(rank, world) for rank in range(world))
    )
    torch.testing.assert_close(shared, mean, rtol=1e-14, atol=0)
    torch.testing.assert_close(
        *(torch.autograd.grad(loss, logits) for loss in (shared, mean)), rtol=1e-14, atol=0
    )


def test_ranks_draw_different_numbers_in_each_epoch() -> None:
    numbers = {}
    for epoch, rank in itertools.product(range(3), range(3)):
        torch.manual_seed(0)
        Ranks(rank, 3).reseed(0, epoch)
        numbers[epoch, rank] = torch.rand(4).tolist()
    torch.manual_seed(0)
    single = torch.rand(4).tolist()
    assert all(numbers[epoch, 0] == single for epoch in range(3))
    others = [values for (_, rank), values in numbers.items() if rank] + [single]
    assert len({tuple(values) for values in others}) == 7


@pytest.mark.parametrize(
    ("name", "line"),
    [
        (
            "cuda",
            "2 processes need a GPU each, but this machine has 1: give torchrun ",
        ),
        (
            "auto",
            "2 processes need a GPU each, but this machine has 1: give torchrun ",
        ),
        ("cuda:0", "under torchrun each process uses the CPU or its own GPU: give --device "),
        ("mps", "under torchrun each process uses the CPU or its own GPU: give --device cpu"),
    ],
)
def test_processes_without_a_gpu_each_are_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, line: str
) -> None:
    device = torch.device("cuda" if name == "auto" else name)
    monkeypatch.setattr(distributed, "select_device", lambda _: device)
    monkeypatch.setattr("torch.distributed.is_initialized", lambda: True)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 1)
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")
    monkeypatch.setenv("LOCAL_RANK", "1")
    with pytest.raises(InputError) as caught:
        Ranks(1, 2).device(name)
    assert str(caught.value).startswith(f"--device {name}: {line}")


def test_process_uses_only_its_own_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    current = [0]
    monkeypatch.setattr("torch.cuda.set_device", current.append)

    def select(name: str) -> torch.device:
        assert current == [0, 1]
        return torch.device(name)

    monkeypatch.setattr(distributed, "select_device", select)
    monkeypatch.setattr("torch.distributed.is_initialized", lambda: True)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert Ranks(1, 2).device("cuda") == torch.device("cuda:1")


def test_gpu_that_cannot_be_selected_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def set_device(_index: int) -> None:
        raise RuntimeError("CUDA error: the devices are busy\nCUDA kernel errors")

    monkeypatch.setattr("torch.cuda.set_device", set_device)
    monkeypatch.setattr("torch.distributed.is_initialized", lambda: True)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    monkeypatch.setenv("LOCAL_RANK", "1")
    with pytest.raises(InputError) as caught:
        Ranks(1, 2).device("cuda")
    assert str(caught.value) == (
        "--device cuda: CUDA error: the devices are busy; --device cpu works everywhere"
    )


def test_process_on_the_cpu_uses_no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.set_device", lambda _: pytest.fail("a GPU was selected"))
    monkeypatch.setattr("torch.distributed.is_initialized", lambda: True)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert Ranks(1, 2).device("cpu") == torch.device("cpu")


def steps_in_float64(model: nn.Module, loader: DataLoader, step: Callable[..., None]) -> list[dict]:
    """Take 20 steps over a loader's epochs; return the gradients of each and the last weights."""
    states = []
    for epoch in itertools.count():
        loader.sampler.set_epoch(epoch)
        for number, (images, targets) in enumerate(loader):
            step(number, images.double(), targets)
            states.append({name: p.grad.clone() for name, p in model.named_parameters()})
            if len(states) == 20:
                return [*states, model.state_dict()]
    raise AssertionError


def network(seed: int, dtype: torch.dtype = torch.float64) -> nn.Module:
    torch.manual_seed(seed)
    return Tudui().to(dtype)


def train_and_evaluate(data: Path, batch_size: int, folder: Path) -> None:
    """Run as one rank: save the states of 20 steps and the result of an evaluation."""
    with process_group() as ranks:
        model = network(seed=ranks.rank)  # replaced by rank 0's weights
        parallel = ranks.wrap_ddp(model)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        order = epoch_sampler(CIFAR10(data), shuffle=True, seed=7)
        loader = ResidentLoader(CIFAR10(data), batch_size, order, shard=ranks.shard)

        def step(number: int, *batch: torch.Tensor) -> None:
            train_step(parallel, ranks.loss_fn(loader.sizes[number]), optimizer, batch)

        states = steps_in_float64(model, loader, step)
        tests = ResidentLoader(CIFAR10(data, train=False), 62)
        result = evaluate(network(5, torch.float32), nn.CrossEntropyLoss(), tests, ranks=ranks)
        torch.save((states, asdict(result)), folder / f"{ranks.rank}.pt")


def test_torchruns_signal_during_an_import_raises_nothing_in_it(tmp_path: Path) -> None:
    """An exception in an import of torch's compiled modules aborted the process."""
    module = "import os, signal\ntry:\n os.kill(os.getpid(), signal.SIGTERM)\nfinally:\n print(1)\n"
    (tmp_path / "stopped.py").write_text(module, encoding="utf-8")
    program = (
        "from reference.training.distributed import process_group\n"
        "with process_group():\n    import stopped\n"
    )
    environment = dict(os.environ, PYTHONPATH=f"{paths.ROOT}{os.pathsep}{tmp_path}")
    alone = {"MASTER_ADDR": "localhost", "MASTER_PORT": "0", "TORCHELASTIC_RUN_ID": "1"}
    alone |= dict.fromkeys(("WORLD_SIZE", "LOCAL_WORLD_SIZE"), "1") | {
        "RANK": "0",
        "LOCAL_RANK": "0",
    }
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment | alone, capture_output=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (1, b"", b"")


@pytest.mark.parametrize(("world", "batch_size"), [(2, 16), (3, 31)])
def test_steps_and_evaluation_equal_those_of_one_process(
    small_cifar10: Path, tmp_path: Path, world: int, batch_size: int
) -> None:
    """With batches of 31, the last has 2 images for 3 ranks; the test set has 2 batches."""
    results = run_ranks(world, tmp_path, train_and_evaluate, small_cifar10, batch_size, tmp_path)
    assert [rank.code for rank in results] == [0] * world, results

    model = network(seed=0)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    train_set = CIFAR10(small_cifar10, transform=ToTensor())
    order = epoch_sampler(train_set, shuffle=True, seed=7)

    def step(_number: int, images: torch.Tensor, targets: torch.Tensor) -> None:
        optimizer.zero_grad()
        nn.CrossEntropyLoss()(model(images), targets).backward()
        optimizer.step()

    states = steps_in_float64(model, DataLoader(train_set, batch_size, sampler=order), step)
    tests = ResidentLoader(CIFAR10(small_cifar10, train=False), 62)
    result = evaluate(network(5, torch.float32), nn.CrossEntropyLoss(), tests)
    for rank in range(world):
        rank_states, rank_result = torch.load(tmp_path / f"{rank}.pt", weights_only=True)
        torch.testing.assert_close(rank_states, states, rtol=0, atol=1e-10)
        assert rank_result == asdict(result)
