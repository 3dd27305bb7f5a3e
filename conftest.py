"""Options, marks and fixtures that the tests and the benchmarks share."""

import importlib.util
import os
import shutil
from pathlib import Path

import pytest

pytest_plugins = [
    "pytester",
    "spec_tests.harness.claims",
    "spec_tests.harness.shown_errors",
    "spec_tests.report.plugin",
]


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("course")
    group.addoption(
        "--data",
        metavar="DIR",
        default=os.environ.get("COURSE_DATA"),
        help="folder of the real CIFAR-10 and of the ants and bees (default: $COURSE_DATA)",
    )
    group.addoption(
        "--require",
        action="append",
        default=[],
        choices=["browser", "cuda", "data"],
        help="fail, rather than skip, the tests that need this",
    )
    group.addoption(
        "--screenshots",
        metavar="DIR",
        type=Path,
        default=Path("build", "screenshots"),
        help="folder for the pictures of the tests that need a browser (default: %(default)s)",
    )


def _missing(need: str, config: pytest.Config) -> str:
    """Return why the tests marked `need` cannot run here; empty if they can."""
    if need == "browser":
        return _missing_browser()
    if need == "cuda":
        import torch

        return "" if torch.cuda.is_available() else "no usable CUDA device: see `course doctor`"
    folder = config.getoption("--data")
    if not folder:
        return "needs the real data: give --data=DIR or set COURSE_DATA"
    return "" if Path(folder).is_dir() else f"--data {folder} is not a folder"


def _missing_browser() -> str:
    if not importlib.util.find_spec("playwright"):
        return "needs Playwright: pip install playwright, or nox -s browser"
    return "" if _chromium() else "needs Chromium: install the program chromium"


def _chromium() -> str | None:
    names = ("chromium", "chromium-browser", "google-chrome")
    return next(filter(None, map(shutil.which, names)), None)


def pytest_runtest_setup(item: pytest.Item) -> None:
    for need in ("browser", "cuda", "data"):
        if item.get_closest_marker(need) and (reason := _missing(need, item.config)):
            if need in item.config.getoption("--require"):
                pytest.fail(f"--require {need}: {reason}", pytrace=False)
            pytest.skip(reason)


@pytest.fixture(scope="session")
def real_data(request: pytest.FixtureRequest) -> Path:
    """The folder of the real CIFAR-10 and of the ants and bees; for tests marked `data`."""
    return Path(request.config.getoption("--data"))


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of the installed Chromium or Chrome; for tests marked `browser`."""
    return _chromium()


@pytest.fixture(scope="session")
def screenshots(request: pytest.FixtureRequest) -> Path:
    """The folder for screenshots, created if missing; for tests marked `browser`."""
    folder = request.config.rootpath / request.config.getoption("--screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder
