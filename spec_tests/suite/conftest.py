"""A run of pytest inside a test, with the suite's plugins and a register of its own."""

import pytest

from spec_tests import paths
from spec_tests.harness import claims
from spec_tests.report import plugin
from spec_tests.support.sample_claim import RunSuite


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
        pytester.makefile(".ini", pytest="[pytest]\nmarkers =\n    claim\n    cuda\n")
        (paths.CLAIMS / "relu.toml").write_text(register, encoding="utf-8")
        (paths.SPEC_TESTS / "test_act.py").write_text(tests, encoding="utf-8")
        return pytester.runpytest_inprocess(
            *(args or ["spec_tests"]),
            plugins=[claims, plugin],
            no_reraise_ctrlc=True,  # a test may interrupt the run
        )

    return run
