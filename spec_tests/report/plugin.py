"""The report of a run: the claims in figures at its end, and with --report DIR its files.

This module is the pytest plugin that sees what becomes of each test; `results` makes data of it,
`summary` tells it in short and `page` in full.
"""

import importlib.metadata
import json
import platform
import shlex
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from spec_tests.harness import claims
from spec_tests.implementations import TESTED, UnsupportedSkip, name_of, tested_by
from spec_tests.report import page, results, summary
from spec_tests.report.results import Results, TestOutcome

PACKAGES = ("torch", "torchvision", "numpy", "pillow", "tensorboard", "pytest", "hypothesis")

FILES: dict[str, Callable[[Results], str]] = {
    "results.json": lambda found: json.dumps(found, ensure_ascii=False, indent=1) + "\n",
    "summary.md": summary.markdown,
    "badge.svg": summary.badge,
    "index.html": page.render,
}

OUTCOME = pytest.StashKey[tuple[str, str]]()
UNCOLLECTED = pytest.StashKey[list[str]]()
LINES = pytest.StashKey[list[str]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.getgroup("course").addoption(
        "--report",
        metavar="DIR",
        help=f"write {', '.join(FILES)} to this folder, which is made where it is missing",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.stash[UNCOLLECTED] = []
    config.stash[LINES] = []
    if (folder := _folder(config)) is None:
        return
    if config.getoption("-n", None):
        raise pytest.UsageError("--report: leave out -n: only its workers know what they found")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise pytest.UsageError(
            f"--report {folder}: {error.strerror}: name a folder that can be written to"
        ) from error


def _folder(config: pytest.Config) -> Path | None:
    name = config.getoption("--report")
    return None if name is None else Path(config.invocation_params.dir, name)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Iterator[None]:
    report = yield
    if not report.passed:
        collector.config.stash[UNCOLLECTED].append(collector.nodeid)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    report = yield
    before, _ = item.stash.get(OUTCOME, ("", ""))
    if report.failed and before != "failed":
        item.stash[OUTCOME] = "failed", _message(report, call)
    elif not before and hasattr(report, "wasxfail") and report.skipped:
        item.stash[OUTCOME] = "known_difference", report.wasxfail.removeprefix("reason: ")
    elif not before and report.skipped:
        lack = isinstance(call.excinfo.value, UnsupportedSkip)
        item.stash[OUTCOME] = "not_implemented" if lack else "not_run", str(call.excinfo.value)
    elif not before and report.when == "call":
        item.stash[OUTCOME] = "passed", ""
    return report


def _message(report: pytest.TestReport, call: pytest.CallInfo[None]) -> str:
    if call.excinfo is None:  # an expected failure that did not come
        return str(report.longrepr)
    if isinstance(call.excinfo.value, pytest.fail.Exception):
        return str(call.excinfo.value)
    return call.excinfo.exconly(tryshort=True)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    config, folder = session.config, _folder(session.config)
    ran_here = claims.collects_suite(config) and not config.getoption("-n", None)
    if exitstatus == pytest.ExitCode.USAGE_ERROR or not (folder or ran_here):
        return
    found = _results(session, exitstatus)
    config.stash[LINES].append(summary.summary_line(found))
    if folder is None:
        return
    try:
        write(folder, found)
    except OSError as error:
        config.stash[LINES].append(f"WARNING: the report is not written: {error}")
        session.exitstatus = session.exitstatus or pytest.ExitCode.TESTS_FAILED
    else:
        config.stash[LINES].append(f"report: {folder}")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> Iterator[None]:
    yield  # the lists of failures and skips, which may be long, come first
    for line in config.stash[LINES]:
        terminalreporter.write_line(line)


def write(folder: Path, found: Results) -> None:
    """Write the files of a report, each of which appears whole or not at all.

    What is no Unicode, as of a file's name in a message, is written as JSON escapes it.
    """
    for name, text in FILES.items():
        part = folder / f".{name}.part"
        part.write_bytes(text(found).encode("utf-8", "backslashreplace"))
        part.replace(folder / name)


def _results(session: pytest.Session, exitstatus: int) -> Results:
    stopped = _why_stopped(session, exitstatus)
    columns: dict[str, dict[str, str]] = {}
    ran = []
    for item in session.items:
        outcome, detail = item.stash.get(OUTCOME, ("not_run", stopped))
        column = column_of(item, outcome)
        columns.setdefault(column["id"], column)
        ran.append(_ran(item, column["id"], outcome, detail))
    register, torch = session.config.stash[claims.REGISTER], importlib.metadata.version("torch")
    return results.collect(
        ran,
        register={name: claim.for_torch(torch) for name, claim in register.items()},
        columns=list(columns.values()),
        run=_run(session, stopped),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        **results.specification(),
    )


def _ran(item: pytest.Item, column: str, outcome: str, detail: str) -> TestOutcome:
    params = item.callspec.params if hasattr(item, "callspec") else {}
    case = params.get("case") if tested_by(item) and item.originalname == "test_vector" else None
    return TestOutcome(
        test=item.nodeid,
        column=column,
        outcome=outcome,
        detail=detail,
        claims=tuple(claims.named_by(item)),
        vector=(case.operator, case.name) if case else None,
    )


def column_of(item: pytest.Item, outcome: str) -> dict[str, str]:
    """Return what a test held against the course: PyTorch, where it was given nothing else."""
    name, device = tested_by(item) or "torch", _device(item, outcome)
    other = name != "torch"
    title = name_of(item.config.stash[TESTED][name]) if other else f"torch {_version('torch')}"
    if device == "cpu":
        return {"id": name, "title": title, "device": device}
    kind = device.partition(":")[0]
    return {"id": f"{name}-{kind}", "title": f"{title} on {_named(device)}", "device": device}


def _device(item: pytest.Item, outcome: str) -> str:
    if name := tested_by(item):
        movable = hasattr(item.config.stash[TESTED][name], "use")
        return item.config.getoption("--device") if movable else "cpu"
    return "cuda" if item.get_closest_marker("cuda") and outcome in {"passed", "failed"} else "cpu"


@cache
def _named(device: str) -> str:
    import torch

    # Where --require cuda fails a test for want of CUDA, the device has no name.
    known = device.startswith("cuda") and torch.cuda.is_available()
    return torch.cuda.get_device_name(device) if known else device


def _why_stopped(session: pytest.Session, exitstatus: int) -> str:
    """Say why some tests were not started; empty when all were."""
    if all(OUTCOME in item.stash for item in session.items):
        return ""
    if session.config.getoption("--collect-only"):
        return "--collect-only"
    if session.config.stash[UNCOLLECTED]:
        return "stopped after an error in collection"
    if reason := session.shouldfail or session.shouldstop:
        return str(reason)
    interrupted = exitstatus == pytest.ExitCode.INTERRUPTED
    return "interrupted" if interrupted else "not started"


def _run(session: pytest.Session, stopped: str) -> dict[str, Any]:
    config = session.config
    chosen = {"-k": config.getoption("-k"), "-m": config.getoption("-m")}
    partial = [
        claims.partial_run_reason(config),
        *(f"{flag} {expression}" for flag, expression in chosen.items() if expression),
        *(f"{name} was not collected" for name in config.stash[UNCOLLECTED]),
        stopped,
    ]
    return {
        "command": shlex.join(["pytest", *map(str, config.invocation_params.args)]),
        "partial": ", ".join(filter(None, partial)),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": {name: version for name in PACKAGES if (version := _version(name))},
    }


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
