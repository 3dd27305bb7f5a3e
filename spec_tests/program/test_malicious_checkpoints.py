"""P26: a file that wants to harm whoever loads it is refused in one line, and runs nothing."""

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
    "is damaged or no checkpoint",
    "is no checkpoint",
)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What came of loading and converting every hostile file in another process."""
    folder = tmp_path_factory.mktemp("hostile")
    program = [sys.executable, "-m", "spec_tests.support.load_malicious_files", folder]
    done = subprocess.run(program, check=True, capture_output=True, cwd=paths.ROOT)
    return json.loads(done.stdout)


def test_checkpoint_hostile_files_are_many(report: dict[str, Any]) -> None:
    assert len(report["files"]) > 150
    assert len({file["name"] for file in report["files"]}) == len(report["files"])


@pytest.mark.parametrize("way", ["load", "convert"], ids=["read", "rewritten"])
def test_checkpoint_hostile_file_is_refused_in_one_line(report: dict[str, Any], way: str) -> None:
    lines = {file["name"]: file[way] for file in report["files"]}
    assert {name: line for name, line in lines.items() if "\n" in line or len(line) > 500} == {}
    refused = {name for name, line in lines.items() if any(f".pth {r}" in line for r in REASONS)}
    assert lines.keys() - refused == set()


def test_checkpoint_hostile_file_runs_nothing(report: dict[str, Any]) -> None:
    assert {file["name"]: file["events"] for file in report["files"] if file["events"]} == {}
    assert not report["canary"]
    assert report["control"]["canary"]  # torch.load with weights_only=False does run it
    assert "os.system" in report["control"]["events"]


def test_checkpoint_hostile_file_writes_nothing(report: dict[str, Any]) -> None:
    assert [file["name"] for file in report["files"] if file["written"]] == []


def test_checkpoint_hostile_file_is_told_what_it_asked_for(report: dict[str, Any]) -> None:
    lines = {file["name"]: file["load"] for file in report["files"]}
    for name in CALLS:
        assert f"asks to run code when it is loaded ({name}): nothing" in lines[f"zip {name}"]
    for place in ("version", "keys", "magic number", "source"):
        assert "loaded (posix.system)" in lines[f"legacy call in the {place}"]


def test_checkpoint_hostile_file_takes_little_memory(report: dict[str, Any]) -> None:
    assert report["peak"] < 10**9


def test_checkpoint_of_the_same_parts_is_loaded(report: dict[str, Any]) -> None:
    assert set(report["good"].values()) == {"loaded!"}
