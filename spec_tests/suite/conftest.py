"""A run of pytest inside a test, and the page of the report in a browser."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from spec_tests import paths
from spec_tests.harness import claims, shown_errors
from spec_tests.report import plugin
from spec_tests.report.page import DRAWN_OPERATORS, render
from spec_tests.support.chromium import OPTIONS, open_page
from spec_tests.support.sample_claim import RunSuite
from spec_tests.support.sample_results import sample_results

if TYPE_CHECKING:  # it may be missing: then the tests are skipped
    from playwright.sync_api import Browser, Page


@pytest.fixture
def run_suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> RunSuite:
    """Return a function that runs pytest over the given register and tests.

    Its arguments are the text of the only file of claims, the text of `spec_tests/test_act.py`, and
    pytest's arguments, by default the folder `spec_tests`. The project is written to
    `pytester.path`; pytest runs in this process, in the current folder.
    """
    monkeypatch.setattr(paths, "SPEC_TESTS", pytester.path / "spec_tests")
    monkeypatch.setattr(paths, "CLAIMS", pytester.path / "claims")
    monkeypatch.setattr(paths, "VECTORS", pytester.path / "vectors")  # there are none
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")

    def run(register: str, tests: str, *args: str) -> pytest.RunResult:
        paths.SPEC_TESTS.mkdir()
        paths.CLAIMS.mkdir()
        pytester.makefile(".ini", pytest="[pytest]\nmarkers =\n    claim\n    cuda\n    shows\n")
        (paths.CLAIMS / "relu.toml").write_text(register, encoding="utf-8")
        (paths.SPEC_TESTS / "test_act.py").write_text(tests, encoding="utf-8")
        return pytester.runpytest_inprocess(
            *(args or ["spec_tests"]),
            plugins=[claims, shown_errors, plugin],
            no_reraise_ctrlc=True,  # a test may interrupt the run
        )

    return run


@pytest.fixture(scope="module")
def page_results() -> dict[str, Any]:
    """The results of a run over the whole register, in two columns."""
    return sample_results("torch", "reference")


@pytest.fixture(scope="module")
def drawn_vectors(page_results: dict[str, Any]) -> list[dict[str, Any]]:
    """The vectors that are drawn."""
    return [
        v
        for v in page_results["vectors"]
        if v["operator"] in DRAWN_OPERATORS and "expected" in v["case"]
    ]


@pytest.fixture(scope="module")
def address(page_results: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> str:
    """The URL of the page."""
    path = tmp_path_factory.mktemp("report") / "index.html"
    path.write_text(render(page_results), encoding="utf-8")
    return path.as_uri()


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator["Browser"]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium, args=OPTIONS)
        yield launched
        launched.close()


@pytest.fixture
def page(browser: "Browser") -> Iterator["Page"]:
    """A page for an English reader; any message on its console fails the test."""
    yield from open_page(browser, locale="en-US")
