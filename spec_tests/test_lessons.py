"""The list of lessons is whole, and says so where it is not."""

import re
from pathlib import Path

import pytest

from spec_tests import lessons
from spec_tests.claims import RegisterError

FILE = lessons.ROOT / "fixtures" / "lessons.toml"


def test_there_are_33() -> None:
    assert [lesson.id for lesson in lessons.load()] == [f"P{i}" for i in range(1, 34)]


def test_every_module_of_the_reference_belongs_to_a_lesson() -> None:
    """All but the helpers, which belong to none."""
    taught = {module for lesson in lessons.load() for module in lesson.modules}
    modules = {path.stem for path in (lessons.ROOT / "reference").glob("*.py")}
    assert modules - taught == {"__init__", "__main__", "errors", "messages"}


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ('["loaders"]', '["loader"]', "P15: reference/loader.py is not there: mend 'modules'"),
        ('title = "DataLoader"', 'title = ""', "P15: 'title' and 'zh' must not be empty"),
        ('id = "P15"', 'id = "P14"', "lessons.toml: the lessons must be P1 to P33, in this order"),
        ("title =", "name =", "lessons.toml: not a list of [[lesson]] entries: Lesson.__init__()"),
        ("[[lesson]]", "[[claim]]", "lessons.toml: not a list of [[lesson]] entries: 'lesson'"),
    ],
    ids=["module", "title", "order", "field", "table"],
)
def test_mistake_is_one_line(tmp_path: Path, old: str, new: str, line: str) -> None:
    text = FILE.read_text(encoding="utf-8")
    assert old in text
    (tmp_path / "lessons.toml").write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(RegisterError, match=re.escape(line)):
        lessons.load(tmp_path / "lessons.toml")
