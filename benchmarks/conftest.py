"""The data, the clock, and the table at the end of a run."""

from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks import machine
from reference import standin

SIZES = dict.fromkeys(standin.IMAGES, 1_024) | {"test_batch": 1_000}
RECORDS = pytest.StashKey[list[dict[str, Any]]]()
DEVICES = ("cpu", "cuda")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[RECORDS] = []


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The root of a stand-in of 5,120 training images, whole batches, and 1,000 test images."""
    root = tmp_path_factory.mktemp("cifar10")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(standin, "IMAGES", SIZES)
        standin.write(root)
    return root


@pytest.fixture
def measure(benchmark: BenchmarkFixture, pytestconfig: pytest.Config) -> Callable[..., None]:
    """Time some work and record it: warmed up, CUDA synchronised at both ends of a round."""

    def measured(
        work: Callable[[], Any],
        *,
        case: str,
        side: str,
        device: str = "cpu",
        precision: str = "fp32",
        images: int = 0,
        flop: int = 0,
        rounds: int = 5,
        **more: Any,
    ) -> None:
        def timed() -> None:
            work()
            machine.synchronize(device)

        benchmark.group = f"{case}, {device}"
        benchmark.pedantic(
            timed, setup=lambda: machine.synchronize(device), rounds=rounds, warmup_rounds=1
        )
        if benchmark.disabled:
            return
        info = machine.describe(device) | {"case": case, "side": side, "precision": precision}
        seconds = median(benchmark.stats.stats.data)
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
        terminalreporter.section("CPU against CUDA, and against the course (or torch)")
        for line in table(records):
            terminalreporter.write_line(line)


def table(records: list[dict[str, Any]]) -> list[str]:
    """Set the medians side by side, a line a case, a side and a precision."""
    seconds = {(r["case"], r["side"], r["precision"], r["device"]): r["seconds"] for r in records}
    shares = {
        (r["case"], r["side"], r["precision"], r["device"]): r.get("roofline_share")
        for r in records
    }
    rows = [
        (
            "",
            "",
            "",
            "CPU ms",
            "x course",
            "roofline",
            "CUDA ms",
            "x course",
            "roofline",
            "CPU/CUDA",
        )
    ]
    for case, side, precision in dict.fromkeys(key[:3] for key in seconds):
        row = [case, side, precision]
        for device in DEVICES:
            own = seconds.get((case, side, precision, device))
            other = next(
                (
                    seconds[case, base, "fp32", device]
                    for base in ("course", "torch")
                    if (case, base, "fp32", device) in seconds
                ),
                None,
            )
            share = shares.get((case, side, precision, device))
            row += [
                f"{own * 1e3:.2f}" if own else "",
                f"{other / own:.2f}" if own and other else "",
                f"{share:.0%}" if share else "",
            ]
        cpu, cuda = (seconds.get((case, side, precision, device)) for device in DEVICES)
        rows.append((*row, f"{cpu / cuda:.1f}" if cpu and cuda else ""))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if index < 3 else cell.rjust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
