"""The documents that are made from the register: what to read, not what to edit.

- `docs/ERRATA.md`, and the same in Chinese: what the course says that does not hold today;
- `docs/LESSONS.md`: each lesson's modules, its claims, and the files that test them.

    python -m spec_tests.report.docs

writes them; `test_docs.py` fails when they are stale.
"""

import io
import re
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

COMMAND = "python -m spec_tests.report.docs"

Register = Mapping[str, Claim]
TestFiles = Mapping[str, frozenset[str]]  # a file, and the claims that its tests name


@dataclass(frozen=True, kw_only=True)
class Language:
    """The words of a page of errata, and which fields of a claim and of a lesson it takes."""

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

What the course says that is wrong, out of date, or true on some machines only, and what holds
instead. Except for the statements listed at the end, a test of this project pins what is said here
of today. Names such as `imgs`, `tudui` or `writer` in the code are those of the course's scripts.

`{COMMAND}` makes this page from `fixtures/claims`: edit the claims, not the page.""",
    failing="Course code that fails",
    contents="Lesson by lesson",
    unchecked="What no program can check",
    unchecked_intro="The register holds these statements too, but no test decides them.",
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

本页列出课程中写错的、已经过时的，以及只在某些环境下成立的说法，并说明实际情况。
除文末列出的以外，每一条“现在如何”都有本项目的测试为证。
代码里的 `imgs`、`tudui`、`writer` 等名字沿用课程的脚本。

本页由 `{COMMAND}` 根据 `fixtures/claims` 生成：要修改请改那里，不要改本页。""",
    failing="会报错的课程代码",
    contents="逐课列出",
    unchecked="程序无法检验的说法",
    unchecked_intro="下面的说法也登记在册，但没有测试能够判定。",
    quote="课程：",
    today={
        "changed": "**自 {since} 起**：",
        "erratum": "**实际上**：",
        "environment": "**取决于环境**：",
    },
)


def errata(register: Register, language: Language) -> str:
    """Return the page of errata: the code that fails, then everything, lesson by lesson."""
    wrong = [claim for claim in register.values() if claim.status != "holds"]
    wrong.sort(key=lambda claim: (not fails(claim), [*language.today].index(claim.status)))
    course = [
        (lesson, found)
        for lesson in lessons.load()
        if (found := [claim for claim in wrong if claim.lesson == lesson.id])
    ]
    parts = [f"# {language.title}", language.intro]
    parts += [f"## {language.failing}", _list(_link(c, language) for c in wrong if fails(c))]
    parts += [f"## {language.contents}", _list(_content(*found, language) for found in course)]
    for lesson, found in course:
        parts += [f'<a id="{lesson.id}"></a>', f"## {_title(lesson, language)}"]
        parts += [part for claim in found for part in _erratum(claim, language)]
    unchecked = (_unchecked(claim, language) for claim in register.values() if claim.untestable)
    parts += [f"## {language.unchecked}", language.unchecked_intro, _list(unchecked)]
    return "\n\n".join(parts) + "\n"


def fails(claim: Claim) -> bool:
    """Whether code of the course raises an error, and there is code to write instead."""
    return claim.kind == "error" and bool(claim.write)


def _list(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _title(lesson: Lesson, language: Language) -> str:
    return f"{lesson.id} {getattr(lesson, language.lesson)}"


def _link(claim: Claim, language: Language) -> str:
    return f"[{claim.lesson} `{claim.id}`](#{claim.id}) {_plain(getattr(claim, language.says))}"


def _content(lesson: Lesson, found: list[Claim], language: Language) -> str:
    return f"[{_title(lesson, language)}](#{lesson.id}) ({len(found)})"


def _erratum(claim: Claim, language: Language) -> Iterator[str]:
    yield f'<a id="{claim.id}"></a>'
    yield f"### `{claim.id}`"
    yield f"> {language.quote}{_plain(getattr(claim, language.says))}"
    today = language.today[claim.status].format(since=claim.since)
    yield today + _plain(getattr(claim, language.now))
    if claim.write:
        yield f"```python\n{claim.write.strip()}\n```"


def _unchecked(claim: Claim, language: Language) -> str:
    says, why = getattr(claim, language.says), getattr(claim, language.untestable)
    return f"`{claim.id}` {_plain(says)}\n  - {_plain(why)}"


def _plain(text: str) -> str:
    """Keep Markdown from reading `__len__`, `k*k` and `<...>` as marks; code stays code."""
    prose = re.split(r"(`[^`]*`)", text)
    marks = r"[*<]|(?<!\w)_|_(?!\w)|(?<=_)_|_(?=_)"
    prose[::2] = (re.sub(marks, r"\\\g<0>", part) for part in prose[::2])
    return "".join(prose)


def test_files(items: Iterable[pytest.Item]) -> TestFiles:
    """Return the test files of this folder, each with the claims that its tests name."""
    found: dict[str, set[str]] = {}
    for item in items:
        if item.path.is_relative_to(paths.SPEC_TESTS):
            name = item.path.relative_to(paths.SPEC_TESTS).as_posix()
            found.setdefault(name, set()).update(claims.named_by(item))
    return {name: frozenset(found[name]) for name in sorted(found)}


def lesson_list(register: Register, files: TestFiles) -> str:
    """Return the page of the lessons: each lesson's modules, its claims, and their test files."""
    parts = [LESSONS_INTRO]
    for lesson in lessons.load():
        taught = [claim for claim in register.values() if claim.lesson == lesson.id]
        parts += [f"## {lesson.id} {lesson.title} · {lesson.zh}"]
        parts += [_modules(lesson)]
        parts += ["\n".join(line for claim in taught for line in _claim(claim, files))]
    return "\n\n".join(part for part in parts if part) + "\n"


LESSONS_INTRO = f"""# Lessons, claims and tests

For each lesson of the course: the modules of `reference/` that implement it, its claims (with the
status where that is not *holds*; [ERRATA.md](ERRATA.md) says what holds instead), and the files
that test each claim.

`{COMMAND}` generates this page from the register and the tests: do not edit it."""


def _modules(lesson: Lesson) -> str:
    links = (f"[`{name}`](../reference/{name}.py)" for name in lesson.modules)
    return f"Modules: {', '.join(links)}" if lesson.modules else ""


def _claim(claim: Claim, files: TestFiles) -> Iterator[str]:
    status = "" if claim.status == "holds" else f" *({claim.status})*"
    yield f"- **{claim.id}**{status} {_plain(claim.says)}"
    if claim.untestable:
        yield f"  - not tested: {_plain(claim.untestable)}"
    checked_in = [file for file, named in files.items() if claim.id in named]
    if checked_in:
        yield "  - " + ", ".join(f"[{file}](../spec_tests/{file})" for file in checked_in)


def documents(register: Register, files: TestFiles) -> dict[Path, str]:
    """Return the text of each document by its path."""
    pages = {
        paths.DOCS / language.file: errata(register, language) for language in (ENGLISH, CHINESE)
    }
    return pages | {paths.DOCS / "LESSONS.md": lesson_list(register, files)}


class _Collector:
    """A pytest plugin that keeps what was collected."""

    files: TestFiles

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self.files = test_files(session.items)


def main() -> int:
    """Collect the tests and write the documents; return 1 where the tests cannot be collected."""
    collector = _Collector()
    options = ["--collect-only", "-qqq", "--assert=plain", "-p", "no:cacheprovider"]
    with redirect_stdout(io.StringIO()) as told:
        code = pytest.main([*options, str(paths.SPEC_TESTS)], [collector])
    if code:
        print(told.getvalue())
        return int(code)
    for path, text in documents(claims.load(), collector.files).items():
        path.write_text(text, encoding="utf-8", newline="\n")
        print(f"wrote {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
