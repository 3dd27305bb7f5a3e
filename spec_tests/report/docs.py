"""Generate documents from the register, the rules, the tolerances and the known differences.

- `docs/ERRATA.md` and its Chinese version: the claims that do not hold today;
- `docs/RULES.md` and its Chinese version: what `course check` finds;
- `docs/LESSONS.md`: the modules of each lesson, its claims, and the files that test them;
- `docs/TOLERANCES.md`: how far results may be from the expected values;
- `docs/KNOWN_DIFFERENCES.md`: where other libraries differ from the vectors;
- `reference/claims.json`: the claims, for the installed program.

    python -m spec_tests.report.docs

writes them; `test_docs.py` fails if they are out of date.
"""

import io
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest

from spec_tests import paths
from spec_tests.harness import claims, lessons
from spec_tests.harness.claims import Claim
from spec_tests.harness.lessons import Lesson
from spec_tests.report.claims_json import claims_json
from spec_tests.report.known_differences import known_differences_document
from spec_tests.report.markdown import escaped
from spec_tests.report.rules import FILES, rules_document
from spec_tests.report.tolerances import tolerances_document

COMMAND = "python -m spec_tests.report.docs"

Register = Mapping[str, Claim]
TestFiles = Mapping[str, frozenset[str]]  # by test file: the IDs of the claims it checks


@dataclass(frozen=True, kw_only=True)
class Language:
    """The texts of the errata in one language, and the names of the fields to read.

    Attributes:
        file: the name of the document in docs/.
        says: the field of a claim with its statement.
        now: the field of a claim with what holds instead.
        untestable: the field of a claim with the reason why it cannot be tested.
        lesson: the field of a lesson with its title.
        title: the heading of the document.
        intro: the text below the heading.
        failing: the heading of the list of code that raises an error.
        contents: the heading of the table of contents.
        unchecked: the heading of the list of untestable claims.
        unchecked_intro: the text below that heading.
        quote: the words before a quoted statement.
        today: the words before what holds instead, by status.
    """

    file: str
    says: str
    now: str
    untestable: str
    lesson: str
    title: str
    intro: str
    failing: str
    contents: str
    unchecked: str
    unchecked_intro: str
    quote: str
    today: Mapping[str, str]


ENGLISH = Language(
    file="ERRATA.md",
    says="says",
    now="now",
    untestable="untestable",
    lesson="title",
    title="Errata: what the course says, and what holds today",
    intro=f"""[中文](ERRATA.zh-CN.md)

Statements of the course that are wrong, out of date, or true on some machines only, and what holds
instead. Each correction is checked by a test of this project, except for the statements listed at
the end. Names such as `imgs`, `tudui` or `writer` in the code come from the course's scripts.

`{COMMAND}` generates this page from `fixtures/claims`: edit the claims, not this page.""",
    failing="Course code that fails",
    contents="Lesson by lesson",
    unchecked="What no program can check",
    unchecked_intro="The register also contains these statements, but no test can decide them.",
    quote="The course: ",
    today={
        "changed": "**Since {since}**: ",
        "erratum": "**In fact**: ",
        "environment": "**It depends on the machine**: ",
    },
)
CHINESE = Language(
    file="ERRATA.zh-CN.md",
    says="zh",
    now="now_zh",
    untestable="untestable_zh",
    lesson="zh",
    title="勘误：课程的说法与现在的实际情况",
    intro=f"""[English](ERRATA.md)

本页列出课程中错误、过时或只在某些环境下成立的说法，并给出实际情况。
除文末列出的说法外，每条更正都有本项目的测试验证。
代码中的 `imgs`、`tudui`、`writer` 等变量名沿用课程脚本。

本页由 `{COMMAND}` 根据 `fixtures/claims` 生成，请修改 `fixtures/claims`，不要直接修改本页。""",
    failing="会报错的课程代码",
    contents="逐课列出",
    unchecked="程序无法检验的说法",
    unchecked_intro="以下说法也收录在 `fixtures/claims` 中，但无法用测试判定。",
    quote="课程：",
    today={
        "changed": "**自 {since} 起**：",
        "erratum": "**实际上**：",
        "environment": "**取决于环境**：",
    },
)


def errata(register: Register, language: Language) -> str:
    """Return the document of errata: the code that fails, then all errata by lesson."""
    errata_claims = [claim for claim in register.values() if claim.status != "holds"]
    errata_claims.sort(key=lambda claim: (not fails(claim), [*language.today].index(claim.status)))
    by_lesson = [
        (lesson, taught)
        for lesson in lessons.load()
        if (taught := [claim for claim in errata_claims if claim.lesson == lesson.id])
    ]
    failing = (_link(claim, language) for claim in errata_claims if fails(claim))
    parts = [f"# {language.title}", language.intro]
    parts += [f"## {language.failing}", _list(failing)]
    parts += [f"## {language.contents}", _list(_content(*entry, language) for entry in by_lesson)]
    for lesson, taught in by_lesson:
        parts += [f'<a id="{lesson.id}"></a>', f"## {_title(lesson, language)}"]
        parts += [part for claim in taught for part in _erratum(claim, language)]
    unchecked = (_unchecked(claim, language) for claim in register.values() if claim.untestable)
    parts += [f"## {language.unchecked}", language.unchecked_intro, _list(unchecked)]
    return "\n\n".join(parts) + "\n"


def fails(claim: Claim) -> bool:
    """Return whether the claim is about code that raises an error and has a replacement."""
    return claim.kind == "error" and bool(claim.write)


def _list(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _title(lesson: Lesson, language: Language) -> str:
    return f"{lesson.id} {getattr(lesson, language.lesson)}"


def _link(claim: Claim, language: Language) -> str:
    return f"[{claim.lesson} `{claim.id}`](#{claim.id}) {escaped(getattr(claim, language.says))}"


def _content(lesson: Lesson, taught: list[Claim], language: Language) -> str:
    return f"[{_title(lesson, language)}](#{lesson.id}) ({len(taught)})"


def _erratum(claim: Claim, language: Language) -> Iterator[str]:
    yield f'<a id="{claim.id}"></a>'
    yield f"### `{claim.id}`"
    yield f"> {language.quote}{escaped(getattr(claim, language.says))}"
    today = language.today[claim.status].format(since=claim.since)
    yield today + escaped(getattr(claim, language.now))
    if claim.write:
        yield f"```python\n{claim.write.strip()}\n```"


def _unchecked(claim: Claim, language: Language) -> str:
    says, why = getattr(claim, language.says), getattr(claim, language.untestable)
    return f"`{claim.id}` {escaped(says)}\n  - {escaped(why)}"


def claims_by_file(items: Iterable[pytest.Item]) -> TestFiles:
    """Return the test files of spec_tests, with the claims that their tests name."""
    files: dict[str, set[str]] = {}
    for item in items:
        if item.path.is_relative_to(paths.SPEC_TESTS):
            name = item.path.relative_to(paths.SPEC_TESTS).as_posix()
            files.setdefault(name, set()).update(claims.named_by(item))
    return {name: frozenset(files[name]) for name in sorted(files)}


def lesson_list(register: Register, files: TestFiles) -> str:
    """Return the document of lessons: their modules, their claims, and the files that test them."""
    parts = [LESSONS_INTRO]
    for lesson in lessons.load():
        taught = [claim for claim in register.values() if claim.lesson == lesson.id]
        parts += [f"## {lesson.id} {lesson.title} · {lesson.zh}"]
        parts += [_modules(lesson)]
        parts += ["\n".join(line for claim in taught for line in _claim(claim, files))]
    return "\n\n".join(part for part in parts if part) + "\n"


LESSONS_INTRO = f"""# Lessons, claims and tests

For each lesson of the course: the modules of `reference/` that implement it, its claims (with their
status if it is not *holds*; [ERRATA.md](ERRATA.md) lists what holds instead), and the files that
test each claim.

`{COMMAND}` generates this page from the register and the tests: do not edit it."""


def _modules(lesson: Lesson) -> str:
    links = (f"[`{name}`](../reference/{name}.py)" for name in lesson.modules)
    return f"Modules: {', '.join(links)}" if lesson.modules else ""


def _claim(claim: Claim, files: TestFiles) -> Iterator[str]:
    status = "" if claim.status == "holds" else f" *({claim.status})*"
    yield f"- **{claim.id}**{status} {escaped(claim.says)}"
    if claim.untestable:
        yield f"  - not tested: {escaped(claim.untestable)}"
    tested_in = [file for file, named in files.items() if claim.id in named]
    if tested_in:
        yield "  - " + ", ".join(f"[{file}](../spec_tests/{file})" for file in tested_in)


def documents(register: Register, files: TestFiles) -> dict[Path, str]:
    """Return the text of each document by its path."""
    pages = {
        paths.DOCS / language.file: errata(register, language) for language in (ENGLISH, CHINESE)
    }
    pages |= {paths.DOCS / name: rules_document(register, lang) for lang, name in FILES.items()}
    return pages | {
        paths.DOCS / "LESSONS.md": lesson_list(register, files),
        paths.DOCS / "TOLERANCES.md": tolerances_document(),
        paths.DOCS / "KNOWN_DIFFERENCES.md": known_differences_document(),
        paths.REFERENCE / "claims.json": claims_json(register, lessons.load()),
    }


class _Collector:
    """A pytest plugin that records the collected test files."""

    files: TestFiles

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self.files = claims_by_file(session.items)


def main() -> int:
    """Collect the tests and write the documents; return pytest's exit code if that fails."""
    collector = _Collector()
    options = ["--collect-only", "-qqq", "--assert=plain", "-p", "no:cacheprovider"]
    with redirect_stdout(io.StringIO()) as output:
        code = pytest.main([*options, str(paths.SPEC_TESTS)], [collector])
    if code:
        print(output.getvalue())
        return int(code)
    for path, text in documents(claims.load(), collector.files).items():
        path.write_text(text, encoding="utf-8", newline="\n")
        print(f"wrote {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
