"""The documents generated from the register are up to date and complete."""

import re
from itertools import pairwise
from pathlib import Path
from string import Formatter

import pytest

from reference.checker.finding import Language as Lang
from reference.checker.rules import RULES
from spec_tests import paths
from spec_tests.harness import claims, lessons, vectors
from spec_tests.harness.claims import Claim
from spec_tests.implementations import known_differences
from spec_tests.report import docs
from spec_tests.report.claims_json import claims_json
from spec_tests.report.docs import CHINESE, ENGLISH, Language, TestFiles
from spec_tests.report.known_differences import known_differences_document
from spec_tests.report.rules import FILES, rules_document
from spec_tests.report.tolerances import tolerances_document

CODE = re.compile(r"```python\n.*?```", re.DOTALL)
STALE = f"stale: run `{docs.COMMAND}`"


@pytest.fixture(scope="module")
def register() -> dict[str, Claim]:
    return claims.load()


@pytest.fixture
def files(request: pytest.FixtureRequest) -> TestFiles:
    """The test files with the claims that they name; skips in a partial run."""
    if not (items := request.config.stash[claims.SUITE]):
        pytest.skip("needs the whole suite collected: pytest spec_tests -k test_docs")
    return docs.claims_by_file(items)


def _read(name: str) -> str:
    """Return a document of docs/, with universal newlines."""
    return Path(paths.DOCS, name).read_text(encoding="utf-8")


@pytest.mark.parametrize("language", [ENGLISH, CHINESE], ids=lambda language: language.file)
def test_errata_are_up_to_date(register: dict[str, Claim], language: Language) -> None:
    assert _read(language.file) == docs.errata(register, language), STALE


@pytest.mark.parametrize(("lang", "name"), FILES.items())
def test_rules_are_up_to_date(register: dict[str, Claim], lang: Lang, name: str) -> None:
    assert _read(name) == rules_document(register, lang), STALE


@pytest.mark.parametrize(
    ("lang", "message"),
    [
        ("en", "Python has no Flase (NameError): write False."),
        ("zh", "Python 里没有 Flase（NameError）：请写 False。"),
    ],
)
def test_rules_are_shown_with_what_they_say(
    register: dict[str, Claim], lang: Lang, message: str
) -> None:
    text = rules_document(register, lang)
    fields = {name for rule in RULES for _, name, *_ in Formatter().parse(rule.message.en) if name}
    assert {"module", "names"} < fields
    assert [name for name in fields if f"{{{name}}}" in re.sub(CODE, "", text)] == []
    assert "‹" not in text
    assert f"\n\n{message}\n\n" in text


def test_lessons_are_up_to_date(register: dict[str, Claim], files: TestFiles) -> None:
    assert _read("LESSONS.md") == docs.lesson_list(register, files), STALE


def test_tolerances_are_up_to_date() -> None:
    assert _read("TOLERANCES.md") == tolerances_document(), STALE


def test_known_differences_are_up_to_date() -> None:
    assert _read("KNOWN_DIFFERENCES.md") == known_differences_document(), STALE


def test_known_differences_name_cases_that_exist() -> None:
    names = {op: {case.name for case in vectors.cases(op)} for op in vectors.operators()}
    for entry in known_differences():
        cases = set(entry["cases"]) - {"test_drawn"}
        assert cases <= names[entry["operator"]], entry
        assert len(entry["cases"]) == len(set(entry["cases"])), entry


def test_tolerances_of_every_operator_and_dtype() -> None:
    """In the table and by hand: 2 x 32 x 25 products and sums, and the bias, of 2^-24 each."""
    text = _read("TOLERANCES.md")
    assert {*re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)} | {"backward"} == {
        *vectors.operators()
    }
    conv2d = next(line for line in text.splitlines() if line.startswith("| `conv2d` |"))
    assert conv2d.endswith("| 1601 | 1.8e-13 | 9.5e-05 | 1.1e-03 | 7.9e-03 |")


def test_claims_of_the_installed_program_are_up_to_date(register: dict[str, Claim]) -> None:
    stored = Path(paths.REFERENCE, "claims.json").read_text(encoding="utf-8")
    assert stored == claims_json(register, lessons.load()), STALE


def test_every_claim_leads_to_a_test_file(register: dict[str, Claim]) -> None:
    lines = _read("LESSONS.md").splitlines()
    listed = {}
    for line, following in pairwise([*lines, ""]):
        if claim := re.match(r"- \*\*(.+?)\*\*", line):
            listed[claim[1]] = re.findall(r"\[(\S+\.py)\]", following)
    assert listed.keys() == register.keys()
    assert [
        name for name, files in listed.items() if not (files or register[name].untestable)
    ] == []


@pytest.mark.parametrize("language", [ENGLISH, CHINESE], ids=lambda language: language.file)
def test_every_erratum_appears_once_and_links_lead_to_it(
    register: dict[str, Claim], language: Language
) -> None:
    text = _read(language.file)
    anchors = re.findall(r'<a id="([^"]+)">', text)
    assert len(anchors) == len(set(anchors))
    assert {claim.id for claim in register.values() if claim.status != "holds"} < set(anchors)
    assert set(re.findall(r"\]\(#([^)]+)\)", text)) < set(anchors)


def test_markdown_is_escaped_in_prose() -> None:
    claim = {"zh": "z", "kind": "error", "oracle": "printed", "status": "erratum", "lesson": "P6"}
    text = "`a_*b*` __len__ is a * b, _ or <b> for a_b"
    claim |= {"id": "a.b", "source": ("1",), "says": text, "now": text, "now_zh": "z"}
    page = docs.errata({"a.b": Claim(**claim)}, ENGLISH)
    escaped = r"`a_*b*` \_\_len\_\_ is a \* b, \_ or \<b> for a_b"
    assert f"> The course: {escaped}\n\n**In fact**: {escaped}\n" in page


def test_links_to_files_lead_somewhere() -> None:
    for name in (ENGLISH.file, CHINESE.file, "LESSONS.md"):
        for target in re.findall(r"\]\(([^#)]+)\)", _read(name)):
            assert (paths.DOCS / target).is_file(), target
