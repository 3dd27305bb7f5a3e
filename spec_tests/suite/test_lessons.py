"""The list of lessons: it is complete, and mistakes in it are reported."""

import re
from pathlib import Path

import pytest

from spec_tests import paths
from spec_tests.harness import lessons
from spec_tests.harness.claims import RegisterError


def test_lessons_are_p1_to_p33() -> None:
    assert [lesson.id for lesson in lessons.load()] == [f"P{i}" for i in range(1, 34)]


def test_every_module_of_the_reference_belongs_to_a_lesson() -> None:
    """Check each module; helpers, and what explains a learner's code, belong to no lesson."""
    taught = {module for lesson in lessons.load() for module in lesson.modules}
    modules = {
        path.relative_to(paths.REFERENCE).with_suffix("").as_posix()
        for path in paths.REFERENCE.rglob("*.py")
        if not path.stem.startswith("__")
    }
    modules -= {name for name in modules if re.match(r"explainer/|checker/(?!rules/)", name)}
    helpers = {
        "app/messages",
        "app/output",
        "claims",
        "errors",
        "files",
        "functional/_checks",
        "locks",
    }
    helpers |= {"app/check", "app/explain", "app/findings_text"}
    assert modules - taught == helpers


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        (
            '"data/loaders"',
            '"data/loader"',
            "P15: reference/data/loader.py does not exist: correct 'modules'",
        ),
        ('title = "DataLoader"', 'title = ""', "P15: 'title' and 'zh' must not be empty"),
        ('id = "P15"', 'id = "P14"', "lessons.toml: the lessons must be P1 to P33, in this order"),
        ("title =", "name =", "lessons.toml: not a list of [[lesson]] entries: Lesson.__init__()"),
        ("[[lesson]]", "[[claim]]", "lessons.toml: not a list of [[lesson]] entries: 'lesson'"),
    ],
    ids=["module", "title", "order", "field", "table"],
)
def test_mistake_is_reported(tmp_path: Path, old: str, new: str, line: str) -> None:
    text = paths.LESSONS.read_text(encoding="utf-8")
    assert old in text
    (tmp_path / "lessons.toml").write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(RegisterError, match=re.escape(line)):
        lessons.load(tmp_path / "lessons.toml")
