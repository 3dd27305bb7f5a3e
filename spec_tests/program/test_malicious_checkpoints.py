"""P26: a malicious file is refused with one line, and nothing in it is run."""

import json
import subprocess
import sys
from typing import Any

import pytest

from spec_tests import paths
from spec_tests.support.malicious_files import CALLS

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits memory as Linux does")

REASONS = (
    "asks to run code when it is loaded (",
    "is damaged or not a checkpoint",
    "is not a checkpoint",
)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return the outcomes of loading and converting each malicious file in another process."""
    folder = tmp_path_factory.mktemp("malicious")
    program = [sys.executable, "-m", "spec_tests.support.load_malicious_files", folder]
    done = subprocess.run(program, check=True, capture_output=True, cwd=paths.ROOT)
    return json.loads(done.stdout)


def test_files_are_many_and_named_uniquely(report: dict[str, Any]) -> None:
    assert len(report["files"]) > 150
    assert len({file["name"] for file in report["files"]}) == len(report["files"])


@pytest.mark.parametrize("function", ["load", "convert"], ids=["read", "rewritten"])
def test_file_is_refused_in_one_line(report: dict[str, Any], function: str) -> None:
    lines = {file["name"]: file[function] for file in report["files"]}
    assert {name: line for name, line in lines.items() if "\n" in line or len(line) > 500} == {}
    refused = {name for name, line in lines.items() if any(f".pth {r}" in line for r in REASONS)}
    assert lines.keys() - refused == set()


def test_file_runs_nothing(report: dict[str, Any]) -> None:
    assert {file["name"]: file["events"] for file in report["files"] if file["events"]} == {}
    assert not report["canary"]
    # The files do run code in torch.load with weights_only=False, and the audit hook records it.
    assert report["control"]["canary"]
    assert "os.system" in report["control"]["events"]


def test_file_writes_nothing(report: dict[str, Any]) -> None:
    assert [file["name"] for file in report["files"] if file["written"]] == []


def test_message_names_the_refused_function(report: dict[str, Any]) -> None:
    lines = {file["name"]: file["load"] for file in report["files"]}
    for name in CALLS:
        assert f"asks to run code when it is loaded ({name}); none" in lines[f"zip {name}"]
    for place in ("version", "keys", "magic number", "source"):
        assert "loaded (posix.system)" in lines[f"legacy call in the {place}"]


def test_file_takes_little_memory(report: dict[str, Any]) -> None:
    assert report["peak"] < 10**9


def test_harmless_file_of_the_same_parts_is_loaded(report: dict[str, Any]) -> None:
    assert set(report["good"].values()) == {"loaded!"}
