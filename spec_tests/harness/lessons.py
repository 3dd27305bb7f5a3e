"""The lessons of the course, `fixtures/lessons.toml`: P1 to P33 and the modules for each."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

from spec_tests import paths
from spec_tests.harness.claims import RegisterError


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """A lesson.

    Attributes:
        id: P1 to P33.
        title: the title in English.
        zh: the title in Chinese.
        modules: the modules of `reference/` that implement what it teaches, as `data/cifar10`.
    """

    id: str
    title: str
    zh: str
    modules: list[str]

    def __post_init__(self) -> None:
        if not (self.title and self.zh):
            raise RegisterError(f"{self.id}: 'title' and 'zh' must not be empty")
        for module in self.modules:
            if not (paths.REFERENCE / f"{module}.py").is_file():
                raise RegisterError(
                    f"{self.id}: reference/{module}.py does not exist: correct 'modules'"
                )


def load(path: Path = paths.LESSONS) -> list[Lesson]:
    """Read the lessons.

    Raises:
        RegisterError: the file or a lesson is invalid, or a lesson is missing.
    """
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8"))["lesson"]
        lessons = [Lesson(**entry) for entry in entries]
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, KeyError, TypeError) as error:
        raise RegisterError(f"{path.name}: not a list of [[lesson]] entries: {error}") from error
    if [lesson.id for lesson in lessons] != [f"P{number}" for number in range(1, 34)]:
        raise RegisterError(f"{path.name}: the lessons must be P1 to P33, in this order")
    return lessons
