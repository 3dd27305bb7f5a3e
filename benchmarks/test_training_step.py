"""A training step of the course's network at batch 64: `pytest benchmarks --benchmark-only`."""

import math

import pytest
import torch
from pytest_benchmark.fixture import BenchmarkFixture
from torch import nn

from reference.environment import select_device
from reference.models import Tudui
from reference.training import train_step

BATCH = 64


@pytest.mark.parametrize("name", ["cpu", pytest.param("cuda", marks=pytest.mark.cuda)])
def test_training_step(benchmark: BenchmarkFixture, name: str) -> None:
    device = select_device(name)
    torch.manual_seed(0)
    model = Tudui().to(device)
    loss_fn = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    batch = (
        torch.rand(BATCH, 3, 32, 32, device=device),
        torch.randint(10, (BATCH,), device=device),
    )

    def step() -> float:
        return train_step(model, loss_fn, optimizer, batch).item()  # .item() waits for CUDA

    assert step() == pytest.approx(math.log(10), abs=0.1)  # chance, over ten classes
    benchmark.pedantic(step, warmup_rounds=5, rounds=20)
    benchmark.extra_info |= {
        "device": torch.cuda.get_device_name() if name == "cuda" else "cpu",
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        "images_per_second": BATCH / benchmark.stats.stats.median,
    }
