"""The data, the clock, and the table at the end of a run."""

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

SIZES = dict.fromkeys(synthetic_cifar10.IMAGES, 1_024) | {"test_batch": 1_000}
RECORDS = pytest.StashKey[list[dict[str, Any]]]()
DEVICES = ("cpu", "cuda")
CELLS = (" ms", " x", " roofline")

each_device = pytest.mark.parametrize(
    "device", ["cpu", pytest.param("cuda", marks=pytest.mark.cuda)]
)
each_side = pytest.mark.parametrize(
    ("side", "precision"), [("course", "fp32"), ("reference", "fp32"), ("reference", "bf16")]
)


def pytest_configure(config: pytest.Config) -> None:
    config.stash[RECORDS] = []


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The root of a stand-in of 5,120 training images, whole batches, and 1,000 test images."""
    root = tmp_path_factory.mktemp("cifar10")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(synthetic_cifar10, "IMAGES", SIZES)
        synthetic_cifar10.write(root)
    return root


@pytest.fixture
def start() -> Iterator[Callable[..., Side]]:
    """Starts a side, which lives as long as the test; the arguments are those of `Side`."""
    with contextlib.ExitStack() as stack:
        yield lambda *arguments: stack.enter_context(Side(*arguments))


@pytest.fixture
def measure(benchmark: BenchmarkFixture, pytestconfig: pytest.Config) -> Callable[..., None]:
    """Time some work and record it: warmed up, CUDA synchronised at both ends of a round.

    What it is set `against` is timed before each round, so that both have the machine alike. Work
    that does the same several `times` is recorded as one of them.
    """

    def measured(
        work: Callable[[], Any],
        *,
        case: str,
        side: str,
        device: str = "cpu",
        precision: str = "fp32",
        images: int = 0,
        flop: int = 0,
        times: int = 1,
        rounds: int = 5,
        against: Callable[[], Any] | None = None,
        **more: Any,
    ) -> None:
        others = []

        def timed() -> None:
            work()
            machine.synchronize(device)

        def setup() -> None:
            machine.synchronize(device)
            if against:
                start = time.perf_counter()
                against()
                machine.synchronize(device)
                others.append(time.perf_counter() - start)

        benchmark.group = f"{case}, {device}" + (f", {times} in a round" if times > 1 else "")
        benchmark.pedantic(timed, setup=setup, rounds=rounds, warmup_rounds=1)
        if benchmark.disabled:
            return
        info = machine.describe(device) | {"case": case, "side": side, "precision": precision}
        found = benchmark.stats.stats.data
        seconds = median(found) / times
        if others:
            info["times_as_fast"] = median(map(operator.truediv, others[1:], found))
        if images:
            info["images_per_second"] = images / seconds
        if flop:
            info["flop"] = flop
            info["flop_per_second"] = flop / seconds
            info["roofline_flop_per_second"] = machine.roofline(device, precision)
            info["roofline_share"] = info["flop_per_second"] / info["roofline_flop_per_second"]
        benchmark.extra_info |= info | more
        pytestconfig.stash[RECORDS].append(info | {"seconds": seconds})

    return measured


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    if records := config.stash[RECORDS]:
        terminalreporter.section("CPU against CUDA; x: times as fast as the course or torch")
        for line in table(records):
            terminalreporter.write_line(line)


def table(records: list[dict[str, Any]]) -> list[str]:
    """Set the medians side by side, a line a case, a side and a precision."""
    lines: dict[tuple[str, str, str], dict[str, dict[str, Any]]] = {}
    for record in records:
        key = record["case"], record["side"], record["precision"]
        lines.setdefault(key, {})[record["device"]] = record
    rows = [
        ["", "", "", *(f"{name}{cell}" for name in ("CPU", "CUDA") for cell in CELLS), "CPU/CUDA"]
    ]
    for key, found in lines.items():
        cells = [cell for device in DEVICES for cell in _cells(found.get(device))]
        ratio = found["cpu"]["seconds"] / found["cuda"]["seconds"] if len(found) == 2 else None
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
    """Return the milliseconds, how many times as fast as the other side, the roofline's share."""
    if record is None:
        return [""] * len(CELLS)
    ratio, share = record.get("times_as_fast"), record.get("roofline_share")
    return [
        f"{record['seconds'] * 1e3:.2f}",
        f"{ratio:.2f}" if ratio else "",
        f"{share:.0%}" if share else "",
    ]
