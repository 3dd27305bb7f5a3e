"""The `versions` of a claim: what differs between versions of torch."""

import importlib.metadata
import re
import tomllib
from pathlib import Path

import pytest

from spec_tests import paths
from spec_tests.harness import claims, versions
from spec_tests.support.sample_claim import CLAIM, TEST, RunSuite

VERSIONS = """
now = "It was nothing at first."
now_zh = "起初什么也没有。"
versions = [
    { torch = "2.6", status = "erratum", value = "loud" },
    { torch = "2.10", status = "holds", value = "silent" },
]
"""


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ('"2.6"', '">=2.6"', "relu.zero: 'torch' must be a version such as \"2.9\", not '>=2.6'"),
        ('"2.6"', '"2.7"', "relu.zero: the first of 'versions' must be for torch 2.6"),
        ('"2.10"', '"2.6"', "relu.zero: 'versions' must ascend: 2.6 follows 2.6"),
        ('"2.10"', '"2.5.1"', "relu.zero: 'versions' must ascend: 2.5.1 follows 2.6"),
        ('"erratum"', '"errata"', "relu.zero: 'status' must be one of holds, erratum, changed"),
        (
            '"holds"',
            '"changed"',
            "the last of 'versions' must be 'holds', the claim's, not 'changed'",
        ),
        (
            ', value = "loud"',
            "",
            "relu.zero: 'versions' must have a 'value' in all entries or in none",
        ),
        (
            'erratum", value = "loud',
            'holds", value = "silent',
            "relu.zero: 'versions' has equal entries for 2.6 and 2.10",
        ),
        ("now =", "write =", "relu.zero: status 'erratum' needs 'now': what holds instead"),
        ("torch =", "pytorch =", "relu.zero: got an unexpected keyword argument 'pytorch'"),
    ],
    ids=["specifier", "first", "equal", "order", "status", "last", "value", "same", "now", "field"],
)
def test_broken_versions_are_refused(tmp_path: Path, old: str, new: str, line: str) -> None:
    register = CLAIM + VERSIONS.replace(old, new)
    (tmp_path / "relu.toml").write_text(register, encoding="utf-8")
    with pytest.raises(claims.RegisterError, match=re.escape(line)):
        claims.load(tmp_path)


@pytest.mark.parametrize(
    ("torch", "status", "value"),
    [
        ("2.6.0+cu124", "erratum", "loud"),
        ("2.9.1", "erratum", "loud"),
        ("2.10.0.dev20251130+cpu", "holds", "silent"),
        ("2.10.0", "holds", "silent"),
        ("3.0", "holds", "silent"),
    ],
)
def test_entry_counts_up_to_the_next_version(
    tmp_path: Path, torch: str, status: str, value: str
) -> None:
    (tmp_path / "relu.toml").write_text(CLAIM + VERSIONS, encoding="utf-8")
    claim = claims.load(tmp_path)["relu.zero"]
    assert (claim.for_torch(torch).status, claim.expected_on(torch)) == (status, value)


def test_claim_without_versions_has_one_status(tmp_path: Path) -> None:
    (tmp_path / "relu.toml").write_text(CLAIM, encoding="utf-8")
    claim = claims.load(tmp_path)["relu.zero"]
    assert claim.for_torch("2.6.0") == claim.for_torch("2.15.0") == claim
    with pytest.raises(claims.RegisterError, match=r"relu\.zero has no 'versions'"):
        claim.expected_on("2.6.0")


def test_oldest_torch_is_the_one_the_package_requires() -> None:
    pyproject = tomllib.loads((paths.ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert f"torch>={versions.OLDEST}" in pyproject["project"]["dependencies"]


def test_by_version_returns_the_value_for_the_installed_torch(
    run_suite: RunSuite, monkeypatch: pytest.MonkeyPatch
) -> None:
    test = TEST.replace("test_relu()", "test_relu(by_version)").replace(
        "max(-1, 0) == 0", 'by_version("relu.zero") == "silent"'
    )
    monkeypatch.setattr(importlib.metadata, "version", {"torch": "2.11.0"}.get)
    result = run_suite(CLAIM + VERSIONS, test)
    assert result.ret == 0
    result.assert_outcomes(passed=1)
