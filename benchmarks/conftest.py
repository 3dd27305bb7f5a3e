"""Fixtures of the benchmarks: the data, the timing, and the table at the end of a run."""

import contextlib
import operator
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks import machine
from benchmarks.sides import Side
from reference.data import synthetic_cifar10

SIZES = dict.fromkeys(synthetic_cifar10.IMAGES_PER_FILE, 1_024) | {"test_batch": 1_000}
RECORDS = pytest.StashKey[list[dict[str, Any]]]()
DEVICES = ("cpu", "cuda")
CELLS = (" ms", " x", " roofline")

parametrize_devices = pytest.mark.parametrize(
    "device", ["cpu", pytest.param("cuda", marks=pytest.mark.cuda)]
)
parametrize_sides = pytest.mark.parametrize(
    ("side", "precision"), [("course", "fp32"), ("reference", "fp32"), ("reference", "bf16")]
)


def pytest_configure(config: pytest.Config) -> None:
    config.stash[RECORDS] = []


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a stand-in CIFAR-10 and return its root: 5,120 training and 1,000 test images.

    5,120 is a multiple of every batch size measured, so that each training batch is complete.
    """
    root = tmp_path_factory.mktemp("cifar10")
    synthetic_cifar10.write(root, images_per_file=SIZES)
    return root


@pytest.fixture
def start_side() -> Iterator[Callable[..., Side]]:
    """Yield a function that starts a `Side` from its arguments; it is stopped after the test."""
    with contextlib.ExitStack() as stack:
        yield lambda *arguments: stack.enter_context(Side(*arguments))


@pytest.fixture
def measure(benchmark: BenchmarkFixture, pytestconfig: pytest.Config) -> Callable[..., None]:
    """Return a function that times `work` and records the result.

    There is one warm-up round, and CUDA is synchronised at both ends of each round. `against` is
    timed before each round of `work`, so that both run on the machine in the same state. Where
    one call of `work` takes `repeats` equal steps, the time of one step is recorded.
    """

    def time_and_record(
        work: Callable[[], Any],
        *,
        case: str,
        side: str,
        device: str = "cpu",
        precision: str = "fp32",
        images: int = 0,
        flop: int = 0,
        repeats: int = 1,
        rounds: int = 5,
        against: Callable[[], Any] | None = None,
        **extra_info: Any,
    ) -> None:
        against_seconds: list[float] = []

        def run_work() -> None:
            work()
            machine.synchronize(device)

        def run_against() -> None:
            machine.synchronize(device)
            if against:
                start = time.perf_counter()
                against()
                machine.synchronize(device)
                against_seconds.append(time.perf_counter() - start)

        benchmark.group = f"{case}, {device}" + (f", {repeats} in a round" if repeats > 1 else "")
        pedantic: Callable[..., None] = benchmark.pedantic  # pytest-benchmark has no annotations
        pedantic(run_work, setup=run_against, rounds=rounds, warmup_rounds=1)
        if benchmark.disabled or benchmark.stats is None:
            return
        info = machine.describe(device) | {"case": case, "side": side, "precision": precision}
        round_seconds = benchmark.stats.stats.data
        seconds = median(round_seconds) / repeats
        if against_seconds:
            # The first time belongs to the warm-up round.
            ratios = map(operator.truediv, against_seconds[1:], round_seconds)
            info["times_as_fast"] = median(ratios)
        if images:
            info["images_per_second"] = images / seconds
        if flop:
            info["flop"] = flop
            info["flop_per_second"] = flop / seconds
            info["roofline_flop_per_second"] = machine.roofline(device, precision)
            info["roofline_share"] = info["flop_per_second"] / info["roofline_flop_per_second"]
        benchmark.extra_info |= info | extra_info
        pytestconfig.stash[RECORDS].append(info | {"seconds": seconds})

    return time_and_record


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    if records := config.stash[RECORDS]:
        terminalreporter.section("CPU against CUDA; x: times as fast as the course or torch")
        for line in table(records):
            terminalreporter.write_line(line)


def table(records: list[dict[str, Any]]) -> list[str]:
    """Return the lines of a table of the medians: a row for each case, side and precision."""
    lines: dict[tuple[str, str, str], dict[str, dict[str, Any]]] = {}
    for record in records:
        key = record["case"], record["side"], record["precision"]
        lines.setdefault(key, {})[record["device"]] = record
    rows = [
        ["", "", "", *(f"{name}{cell}" for name in ("CPU", "CUDA") for cell in CELLS), "CPU/CUDA"]
    ]
    for key, by_device in lines.items():
        cells = [cell for device in DEVICES for cell in _cells(by_device.get(device))]
        both = len(by_device) == len(DEVICES)
        ratio = by_device["cpu"]["seconds"] / by_device["cuda"]["seconds"] if both else None
        rows.append([*key, *cells, f"{ratio:.1f}" if ratio else ""])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if index < 3 else cell.rjust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def _cells(record: dict[str, Any] | None) -> list[str]:
    """Format the milliseconds, the ratio to the other side's time, and the roofline's share."""
    if record is None:
        return [""] * len(CELLS)
    ratio, share = record.get("times_as_fast"), record.get("roofline_share")
    return [
        f"{record['seconds'] * 1e3:.2f}",
        f"{ratio:.2f}" if ratio else "",
        f"{share:.0%}" if share else "",
    ]
