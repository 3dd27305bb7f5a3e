"""Run folders with JSON of wrong types and sizes, and with links, pipes and folders as files."""

from __future__ import annotations

import json
import os
import shutil
from typing import TYPE_CHECKING, NamedTuple

from hypothesis import strategies as st

from spec_tests.torture.attempts import Attempt, Kind
from spec_tests.torture.generators import json_values
from spec_tests.torture.judge import Problem
from spec_tests.torture.process import run
from spec_tests.torture.samples import copy_run

if TYPE_CHECKING:
    from pathlib import Path

    from spec_tests.torture.samples import Samples

FILES = (
    *("config.json", "metrics.jsonl", "checkpoints", "checkpoints/epoch-001.pt", ".lock"),
    *("checkpoints/epoch-002.pt", "checkpoints/.epoch-002.pt.part", ".config.json.part"),
    *(".metrics.jsonl.part", "checkpoints/epoch-99999.pt", "events.out.tfevents.1"),
    *("checkpoints/epoch-١٢٣.pt", "checkpoints/epoch-" + "9" * 200 + ".pt"),
)
OBJECTS = ("pipe", "folder", "link", "dangling link", "cycle", "/dev/zero", "/dev/full", "empty")
VICTIM = b"must not be overwritten\n"


class Case(NamedTuple):
    """The changes of a run's folder.

    Attributes:
        texts: the new contents of some of its files, by name.
        objects: what takes the place of some files, by name: one of `OBJECTS`.
        resumed: whether --resume is given, or a new run is started there.
    """

    texts: dict[str, str]
    objects: dict[str, str]
    resumed: bool


def _cases(samples: Samples) -> st.SearchStrategy[Case]:
    config = json.loads((samples.half / "config.json").read_text(encoding="utf-8"))
    lines = (samples.half / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    records = [json.loads(line) for line in lines]
    text = st.text(max_size=50)
    # Each record is a line, so that a single one can be changed.
    log = json_values.edited(records).map(_lines) | text
    texts = st.fixed_dictionaries(
        {}, optional={"config.json": json_values.edited(config) | text, "metrics.jsonl": log}
    )
    objects = st.dictionaries(st.sampled_from(FILES), st.sampled_from(OBJECTS), max_size=2)
    changed = st.builds(Case, texts, st.just({}), st.just(True))  # noqa: FBT003 - resumed
    return changed | st.builds(Case, st.just({}), objects, st.integers(0, 3).map(bool))


def _lines(text: str) -> str:
    """Return the items of a JSON list as lines, if it is one."""
    return text.removeprefix("[").removesuffix("]").replace("}, {", "}\n{") + "\n"


def attempt(case: Case, place: Path, samples: Samples) -> Attempt:
    """Continue or start a run in the folder; nothing outside it may be touched."""
    work, outside = place / "work", place / "outside"
    for folder in (work, outside):
        folder.mkdir()
    victim = outside / "victim"
    victim.write_bytes(VICTIM)
    folder = copy_run(samples.half, work / "run")
    for name, text in case.texts.items():
        (folder / name).write_text(text, encoding="utf-8", errors="surrogateescape")
    for name, kind in case.objects.items():
        _replace(folder / name, kind, victim)
    done = Attempt()
    arguments = samples.resume(folder) if case.resumed else samples.train(folder)
    done.add(run(*arguments, "--json", folder=work))
    if victim.read_bytes() != VICTIM or list(outside.iterdir()) != [victim]:
        done.problems.append(Problem("a file outside the run's folder is changed"))
    return done


def _replace(path: Path, kind: str, victim: Path) -> None:
    """Put a pipe, a folder, a link or an empty file in the place of a file."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    elif path.is_symlink() or path.exists():
        path.unlink()
    if not path.parent.is_dir() or len(path.name) > os.pathconf(path.parent, "PC_NAME_MAX"):
        return
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
        (path / "file").touch()
    elif kind == "empty":
        path.touch()
    else:
        targets = {"link": victim, "dangling link": victim.parent / "new", "cycle": path}
        path.symlink_to(targets.get(kind, kind))


KIND = Kind("run-folders", 7, 25, _cases, attempt)
