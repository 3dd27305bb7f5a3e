"""The documents made from the register are up to date, and whole."""

import re
from pathlib import Path

import pytest

from spec_tests import paths
from spec_tests.harness import claims
from spec_tests.harness.claims import Claim
from spec_tests.report import docs
from spec_tests.report.docs import CHINESE, ENGLISH, Language, Tests

STALE = f"stale: run `{docs.COMMAND}`"


@pytest.fixture(scope="module")
def register() -> dict[str, Claim]:
    return claims.load()


@pytest.fixture
def tests(request: pytest.FixtureRequest) -> Tests:
    """Every test function of the suite; skips where only a part of it was collected."""
    if not (items := request.config.stash[claims.SUITE]):
        pytest.skip("needs the whole suite collected: pytest spec_tests -k test_docs")
    return docs.tests_of(items)


def _written(name: str) -> str:
    """Return a document as it stands, whatever ends its lines."""
    return Path(paths.DOCS, name).read_text(encoding="utf-8")


@pytest.mark.parametrize("language", [ENGLISH, CHINESE], ids=lambda language: language.file)
def test_errata_are_up_to_date(register: dict[str, Claim], language: Language) -> None:
    assert _written(language.file) == docs.errata(register, language), STALE


def test_lessons_are_up_to_date(register: dict[str, Claim], tests: Tests) -> None:
    assert _written("LESSONS.md") == docs.lesson_list(register, tests), STALE


def test_no_test_can_go_unnoticed(tests: Tests) -> None:
    """Every test function stands in the list: without it the list is stale."""
    lines = re.findall(r"- \[(test_\w+\.py)\]\(\S+\): (.*)", _written("LESSONS.md"))
    listed = {f"{file}::{name}" for file, names in lines for name in re.findall("`(.+?)`", names)}
    assert listed == set(tests)
    assert len(listed) > 500


@pytest.mark.parametrize("language", [ENGLISH, CHINESE], ids=lambda language: language.file)
def test_every_erratum_stands_once_and_links_lead_to_it(
    register: dict[str, Claim], language: Language
) -> None:
    text = _written(language.file)
    anchors = re.findall(r'<a id="([^"]+)">', text)
    assert len(anchors) == len(set(anchors))
    assert {claim.id for claim in register.values() if claim.status != "holds"} < set(anchors)
    assert set(re.findall(r"\]\(#([^)]+)\)", text)) < set(anchors)


def test_marks_of_markdown_are_kept_out_of_prose() -> None:
    claim = {"zh": "z", "kind": "error", "oracle": "printed", "status": "erratum", "lesson": "P6"}
    text = "`a_*b*` __len__ is a * b, _ or <b> for a_b"
    claim |= {"id": "a.b", "source": ("1",), "says": text, "now": text, "now_zh": "z"}
    page = docs.errata({"a.b": Claim(**claim)}, ENGLISH)
    told = r"`a_*b*` \_\_len\_\_ is a \* b, \_ or \<b> for a_b"
    assert f"> The course: {told}\n\n**In fact**: {told}\n" in page


def test_links_to_files_lead_somewhere() -> None:
    for name in (ENGLISH.file, CHINESE.file, "LESSONS.md"):
        for target in re.findall(r"\]\(([^#)]+)\)", _written(name)):
            assert (paths.DOCS / target).is_file(), target
