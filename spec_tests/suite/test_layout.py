"""The layout: limits on the size of folders and files, and packages with a docstring."""

from collections import Counter

from spec_tests import paths

MAX_FILES = 35
MAX_LINES = 320
CODE = {".css", ".j2", ".js", ".py"}
FILES = [
    path
    for folder in ("benchmarks", "docs", "fixtures", "reference", "spec_tests")
    for path in sorted((paths.ROOT / folder).rglob("*"))
    if path.is_file() and path.suffix != ".pyc" and "node_modules" not in path.parts
]


def test_folders_have_few_files() -> None:
    counts = Counter(path.parent.relative_to(paths.ROOT).as_posix() for path in FILES)
    assert {folder: count for folder, count in counts.items() if count > MAX_FILES} == {}


def test_files_of_code_are_short() -> None:
    lengths = {
        path.relative_to(paths.ROOT).as_posix(): len(path.read_text(encoding="utf-8").splitlines())
        for path in FILES
        if path.suffix in CODE
    }
    assert {name: lines for name, lines in lengths.items() if lines > MAX_LINES} == {}


def test_packages_say_what_belongs_in_them() -> None:
    packages = [path for path in FILES if path.name == "__init__.py"]
    silent = [path for path in packages if not path.read_text(encoding="utf-8").startswith('"""')]
    assert silent == []
