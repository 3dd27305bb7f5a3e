"""The machine: its description, and its roofline, the most that it can compute per second."""

import functools
import platform
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from reference.app.doctor import driver_version

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}
MATRIX_SIZES = {"cpu": (512, 1024, 2048), "cuda": (4096, 8192, 16384)}
REPEATS = 5


def synchronize(device: str) -> None:
    """Wait until the device has finished all work queued on it."""
    if device != "cpu":
        torch.cuda.synchronize()


@functools.cache
def roofline(device: str, precision: str) -> float:
    """Return the most FLOP/s that a square matrix product reaches (oneDNN or cuBLAS)."""
    best = 0.0
    for n in MATRIX_SIZES[device]:
        a, b = torch.rand(2, n, n, device=device, dtype=DTYPES[precision])
        for _ in range(REPEATS):
            synchronize(device)
            start = time.perf_counter()
            a @ b
            synchronize(device)
            best = max(best, 2 * n**3 / (time.perf_counter() - start))
    return best


def count_flop(work: Callable[[], Any]) -> int:
    """Count the floating-point operations of the convolutions and matrix products in `work`."""
    with FlopCounterMode(display=False) as counter:
        work()
    return int(counter.get_total_flops())


def describe(device: str) -> dict[str, Any]:
    """Return the device's name and driver, the versions and the number of threads."""
    description: dict[str, Any] = {"device": device, "name": _processor()}
    if device == "cuda":
        description |= {
            "name": torch.cuda.get_device_name(),
            "driver": driver_version(),
            "cuda": torch.version.cuda,
        }
    return description | {
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "python": platform.python_version(),
    }


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.is_file() else []
    names = [line.partition(": ")[2] for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
