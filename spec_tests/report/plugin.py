"""The pytest plugin that reports a run: a summary of the claims, and with --report DIR files.

From the outcomes of `recorder`, `results` builds a document; `summary` and `page` render it.
"""

import importlib.metadata
import json
import platform
import shlex
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from spec_tests.harness import claims
from spec_tests.report import page, results, summary
from spec_tests.report.recorder import Recorder
from spec_tests.report.results import Results

PACKAGES = ("torch", "torchvision", "numpy", "pillow", "tensorboard", "pytest", "hypothesis")

FILES: dict[str, Callable[[Results], str]] = {
    "results.json": lambda document: json.dumps(document, ensure_ascii=False, indent=1) + "\n",
    "summary.md": summary.markdown,
    "badge.svg": summary.badge,
    "index.html": page.render,
}

RECORDER = pytest.StashKey[Recorder]()
LINES = pytest.StashKey[list[str]]()  # what to print at the end of the run


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.getgroup("course").addoption(
        "--report",
        metavar="DIR",
        help=f"write {', '.join(FILES)} to this folder, which is created if it does not exist",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.stash[LINES] = []
    config.stash[RECORDER] = Recorder()
    config.pluginmanager.register(config.stash[RECORDER])
    if (folder := _folder(config)) is None or _is_worker(config):
        return
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


def _is_worker(config: pytest.Config) -> bool:
    """Return whether this is a process of xdist, whose main process writes the report."""
    return hasattr(config, "workerinput")


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    config, folder = session.config, _folder(session.config)
    if _is_worker(config) or not (folder or claims.collects_suite(config)):
        return
    if exitstatus == pytest.ExitCode.USAGE_ERROR:
        return
    document = _results(session, exitstatus)
    if config.getoption("--impl", None):
        config.stash[LINES] += _operators(config.stash[RECORDER])
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
    recorder = session.config.stash[RECORDER]
    register, torch = session.config.stash[claims.REGISTER], importlib.metadata.version("torch")
    return results.collect(
        recorder.outcomes(stopped),
        register={name: claim.for_torch(torch) for name, claim in register.items()},
        columns=list(recorder.columns.values()),
        run=_run_info(session, stopped),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        **results.specification(),
    )


def _operators(recorder: Recorder) -> Iterator[str]:
    """Yield the lines of a table by operator for each implementation."""
    outcomes = recorder.outcomes("")
    for column in recorder.columns.values():
        tests = [test for test in outcomes if test.column == column["id"]]
        yield from summary.by_operator(column["title"], tests)


def _stop_reason(session: pytest.Session, exitstatus: int) -> str:
    """Return why some tests were not started; empty if all were."""
    recorder = session.config.stash[RECORDER]
    if recorder.all_started():
        return ""
    if session.config.getoption("--collect-only"):
        return "--collect-only"
    if recorder.uncollected:
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
        *(f"{name} was not collected" for name in config.stash[RECORDER].uncollected),
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
