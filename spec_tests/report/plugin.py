"""The pytest plugin that reports a run: a summary of the claims, and with --report DIR files.

It records the outcome of each test, from which `results` builds a document; `summary` and `page`
render it.
"""

import importlib.metadata
import json
import platform
import shlex
import tempfile
from collections.abc import Callable, Generator, Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from spec_tests.harness import claims
from spec_tests.implementations import UnsupportedSkip, implementation_of
from spec_tests.report import page, results, summary
from spec_tests.report.results import Results, TestOutcome

PACKAGES = ("torch", "torchvision", "numpy", "pillow", "tensorboard", "pytest", "hypothesis")

FILES: dict[str, Callable[[Results], str]] = {
    "results.json": lambda document: json.dumps(document, ensure_ascii=False, indent=1) + "\n",
    "summary.md": summary.markdown,
    "badge.svg": summary.badge,
    "index.html": page.render,
}

OUTCOME = pytest.StashKey[tuple[str, str]]()  # of a test: the outcome and its detail
UNCOLLECTED = pytest.StashKey[list[str]]()  # files that could not be collected
LINES = pytest.StashKey[list[str]]()  # what to print at the end of the run


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.getgroup("course").addoption(
        "--report",
        metavar="DIR",
        help=f"write {', '.join(FILES)} to this folder, which is created if it does not exist",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.stash[UNCOLLECTED] = []
    config.stash[LINES] = []
    if (folder := _folder(config)) is None:
        return
    if config.getoption("-n", None):
        raise pytest.UsageError("--report: leave out -n: the outcomes stay in the workers of xdist")
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
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    if not report.passed:
        collector.config.stash[UNCOLLECTED].append(collector.nodeid)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    before, _ = item.stash.get(OUTCOME, ("", ""))  # of an earlier phase: setup or call
    raised = call.excinfo.value if call.excinfo else None
    if report.failed and before != "failed":
        item.stash[OUTCOME] = "failed", _message(report, call)
    elif not before and hasattr(report, "wasxfail") and report.skipped:
        item.stash[OUTCOME] = "known_difference", report.wasxfail.removeprefix("reason: ")
    elif not before and report.skipped:
        outcome = "not_implemented" if isinstance(raised, UnsupportedSkip) else "not_run"
        item.stash[OUTCOME] = outcome, str(raised)
    elif not before and report.when == "call":
        item.stash[OUTCOME] = "passed", ""
    return report


def _message(report: pytest.TestReport, call: pytest.CallInfo[None]) -> str:
    if call.excinfo is None:  # a strict xfail that passed
        return str(report.longrepr)
    if isinstance(call.excinfo.value, pytest.fail.Exception):
        return str(call.excinfo.value)
    return call.excinfo.exconly(tryshort=True)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    config, folder = session.config, _folder(session.config)
    summarize = claims.collects_suite(config) and not config.getoption("-n", None)
    if exitstatus == pytest.ExitCode.USAGE_ERROR or not (folder or summarize):
        return
    document = _results(session, exitstatus)
    config.stash[LINES].append(summary.summary_line(document))
    if folder is None:
        return
    try:
        write(folder, document)
    except OSError as error:
        config.stash[LINES].append(f"WARNING: the report was not written: {error}")
        session.exitstatus = session.exitstatus or pytest.ExitCode.TESTS_FAILED
    else:
        config.stash[LINES].append(f"report: {folder}")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> Iterator[None]:
    yield  # print after the lists of failures and skips, which may be long
    for line in config.stash[LINES]:
        terminalreporter.write_line(line)


def write(folder: Path, document: Results) -> None:
    """Write the files of a report, each atomically.

    Lone surrogates, such as those of an undecodable file name in a message, are written as escapes.
    """
    for name, render in FILES.items():
        part = folder / f".{name}.part"
        part.write_bytes(render(document).encode("utf-8", "backslashreplace"))
        part.replace(folder / name)


def _results(session: pytest.Session, exitstatus: int) -> Results:
    stopped = _stop_reason(session, exitstatus)
    columns: dict[str, dict[str, str]] = {}
    outcomes = []
    for item in session.items:
        outcome, detail = item.stash.get(OUTCOME, ("not_run", stopped))
        column = column_of(item, outcome)
        columns.setdefault(column["id"], column)
        outcomes.append(_test_outcome(item, column["id"], outcome, detail))
    register, torch = session.config.stash[claims.REGISTER], importlib.metadata.version("torch")
    return results.collect(
        outcomes,
        register={name: claim.for_torch(torch) for name, claim in register.items()},
        columns=list(columns.values()),
        run=_run_info(session, stopped),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        **results.specification(),
    )


def _test_outcome(item: pytest.Item, column: str, outcome: str, detail: str) -> TestOutcome:
    params = item.callspec.params if hasattr(item, "callspec") else {}
    is_vector = implementation_of(item) and getattr(item, "originalname", "") == "test_vector"
    case = params["case"] if is_vector else None
    return TestOutcome(
        test=item.nodeid,
        column=column,
        outcome=outcome,
        detail=detail,
        claims=tuple(claims.named_by(item)),
        vector=(case.operator, case.name) if case else None,
    )


def column_of(item: pytest.Item, outcome: str) -> dict[str, str]:
    """Return the results column of a test: that of PyTorch if it has no implementation."""
    implementation, device = implementation_of(item), _device(item, outcome)
    name = implementation.name if implementation else "torch"
    title = f"torch {_version('torch')}" if name == "torch" else str(implementation)
    if device == "cpu":
        return {"id": name, "title": title, "device": device}
    kind = device.partition(":")[0]
    return {"id": f"{name}-{kind}", "title": f"{title} on {_device_name(device)}", "device": device}


def _device(item: pytest.Item, outcome: str) -> str:
    if implementation := implementation_of(item):
        return item.config.getoption("--device") if implementation.use else "cpu"
    return "cuda" if item.get_closest_marker("cuda") and outcome in {"passed", "failed"} else "cpu"


@cache
def _device_name(device: str) -> str:
    import torch

    # Without CUDA, `--require cuda` fails the tests marked cuda, and they are reported here.
    available = device.startswith("cuda") and torch.cuda.is_available()
    return torch.cuda.get_device_name(device) if available else device


def _stop_reason(session: pytest.Session, exitstatus: int) -> str:
    """Return why some tests were not started; empty if all were."""
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


def _run_info(session: pytest.Session, stopped: str) -> dict[str, Any]:
    config = session.config
    selection = {"-k": config.getoption("-k"), "-m": config.getoption("-m")}
    partial = [
        claims.partial_run_reason(config),
        *(f"{flag} {expression}" for flag, expression in selection.items() if expression),
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
