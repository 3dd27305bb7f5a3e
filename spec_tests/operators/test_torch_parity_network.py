"""The course's CIFAR-10 network (P22) trained with `reference.functional` and `.optim`."""

from collections.abc import Iterator
from itertools import islice
from time import process_time
from types import ModuleType, SimpleNamespace

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from reference import functional as reference_functional
from reference import optim as reference_optim

TORCH = SimpleNamespace(**vars(functional), flatten=torch.flatten)
OURS, THEIRS = (reference_functional, reference_optim), (TORCH, torch.optim)
SHAPES = [
    *((32, 3, 5, 5), (32,), (32, 32, 5, 5), (32,), (64, 32, 5, 5), (64,)),
    *((64, 1024), (64,), (10, 64), (10,)),
]


@pytest.fixture
def _one_thread() -> Iterator[None]:
    """Compute on one thread: on a busy machine, two threads wait for each other for seconds."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def weights(dtype: torch.dtype) -> list[Tensor]:
    """Return random weights for the network, of about the size of torch.nn's initial ones."""
    generator = torch.Generator().manual_seed(0)
    return [
        ((torch.rand(shape, dtype=dtype, generator=generator) - 0.5) / 10).requires_grad_()
        for shape in SHAPES
    ]


def losses(
    f: ModuleType | SimpleNamespace, optim: ModuleType, images: Tensor, labels: Tensor
) -> Iterator[float]:
    """Train on one batch with the functions of `f`, and yield the loss of each step."""
    params = weights(images.dtype)
    optimizer = optim.SGD(params, lr=0.05)
    while True:
        features = images
        for weight, bias in (params[0:2], params[2:4], params[4:6]):
            features = f.max_pool2d(f.conv2d(features, weight, bias, padding=2), 2)
        hidden = f.linear(f.flatten(features, 1), *params[6:8])
        loss = f.cross_entropy(f.linear(hidden, *params[8:10]), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        yield loss.item()


@pytest.mark.usefixtures("_one_thread")
def test_losses_of_twenty_steps_of_the_convolutional_network_equal_those_of_torch() -> None:
    generator = torch.Generator().manual_seed(1)
    images = torch.rand(2, 3, 32, 32, dtype=torch.float64, generator=generator)
    labels = torch.tensor([3, 8])
    ours = list(islice(losses(*OURS, images, labels), 20))
    theirs = list(islice(losses(*THEIRS, images, labels), 20))
    assert theirs[-1] < theirs[0] / 2
    # An output sums up to 1024 products and a step feeds its rounding into the next: each loss
    # may be off by about 20 * 1024 * 2.2e-16 = 4.5e-12.
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-11)


@pytest.mark.slow
@pytest.mark.usefixtures("_one_thread")
def test_float32_step_of_the_convolutional_network_is_at_most_8_times_slower_than_torch() -> None:
    images, labels = torch.rand(64, 3, 32, 32), torch.randint(0, 10, (64,))
    runs = [losses(*modules, images, labels) for modules in (OURS, THEIRS)]
    seconds: list[list[float]] = [[], []]
    for _ in range(6):
        for run, durations in zip(runs, seconds, strict=True):
            start = process_time()  # not by the clock: another worker of xdist may have the core
            next(run)
            durations.append(process_time() - start)
    ours, theirs = map(min, seconds)  # the least disturbed steps
    assert ours <= 8 * theirs
