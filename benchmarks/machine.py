"""What the machine is, and the most that it can do: the roofline."""

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
SIDES = {"cpu": (512, 1024, 2048), "cuda": (4096, 8192, 16384)}  # of the matrices
TRIES = 5


def synchronize(device: str) -> None:
    """Wait until the device has done what it was asked for."""
    if device != "cpu":
        torch.cuda.synchronize()


@functools.cache
def roofline(device: str, precision: str) -> float:
    """Return the most FLOP/s of a matrix product by oneDNN or cuBLAS, over sizes and tries."""
    best = 0.0
    for side in SIDES[device]:
        a, b = torch.rand(2, side, side, device=device, dtype=DTYPES[precision])
        for _ in range(TRIES):
            synchronize(device)
            start = time.perf_counter()
            a @ b
            synchronize(device)
            best = max(best, 2 * side**3 / (time.perf_counter() - start))
    return best


def flop(work: Callable[[], Any]) -> int:
    """Count the floating point operations of some work, convolutions and matrix products."""
    with FlopCounterMode(display=False) as counter:
        work()
    return counter.get_total_flops()


def describe(device: str) -> dict[str, Any]:
    """Return the name of the device, its driver, the versions and the number of threads."""
    described = {"device": device, "name": _processor()}
    if device == "cuda":
        described |= {
            "name": torch.cuda.get_device_name(),
            "driver": driver_version(),
            "cuda": torch.version.cuda,
        }
    return described | {
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "python": platform.python_version(),
    }


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.is_file() else []
    names = [line.partition(": ")[2] for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
