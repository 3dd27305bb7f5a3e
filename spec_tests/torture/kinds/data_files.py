"""Malicious files of a data set, with the checksums that they need to be read at all."""

from __future__ import annotations

import hashlib
import shutil
from typing import TYPE_CHECKING, NamedTuple

from hypothesis import strategies as st

from spec_tests.torture.attempts import Attempt, Kind
from spec_tests.torture.generators import opcodes
from spec_tests.torture.generators.damage import damaged
from spec_tests.torture.generators.numpy_values import arrays
from spec_tests.torture.generators.pickle_values import pickles
from spec_tests.torture.judge import Problem
from spec_tests.torture.process import run
from spec_tests.torture.samples import BATCHES

if TYPE_CHECKING:
    from pathlib import Path

    from spec_tests.torture.samples import Samples

KEYS = ("data", "labels", "label_names", "batch_label", "filenames", "num_vis")
NAMES = ("test_batch", "batches.meta", "data_batch_1", "data_batch_5")


class Case(NamedTuple):
    """The content of one of the files."""

    name: str
    data: bytes


def _cases(samples: Samples) -> st.SearchStrategy[Case]:
    canary = str(samples.canary)
    sound = {name: path.read_bytes() for name, path in samples.batches.items()}
    names = st.sampled_from(sorted(sound)).map(sound.get)
    edited = names.flatmap(lambda data: opcodes.edited(data) | damaged(data))
    made = pickles(canary, KEYS, arrays())
    return st.builds(
        Case, st.sampled_from(NAMES), edited | made | made.flatmap(damaged) | opcodes.streams()
    )


def attempt(case: Case, place: Path, samples: Samples) -> Attempt:
    """Read a data set with one malicious file."""
    data = place / "data"
    shutil.copytree(samples.data, data)
    (data / BATCHES / case.name).write_bytes(case.data)
    write_checksums(data)
    done = Attempt()
    done.add(run(*arguments(case.name, data, place, samples), folder=place))
    if samples.canary.exists():
        samples.canary.unlink()
        done.problems.append(Problem("code in a data file was run"))
    return done


def arguments(name: str, data: Path, place: Path, samples: Samples) -> tuple[str | Path, ...]:
    """Return the arguments of the quickest command that reads a file of a data set."""
    if name.startswith("data_batch"):
        options = ("--epochs=1", "--max-steps=1", "--device=cpu", "--json")
        return ("train", "--data", data, "--out", place / "run", *options)
    checkpoint = samples.files["run-zip"]
    return ("evaluate", checkpoint, "--data", data, "--json", "--device=cpu")


def write_checksums(data: Path) -> None:
    """Write the checksums that fit the files of a data set."""
    folder = data / BATCHES
    files = [path for path in sorted(folder.iterdir()) if path.name != "md5sums"]
    lines = [f"{hashlib.md5(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files]
    (folder / "md5sums").write_text("".join(lines), encoding="utf-8")


KIND = Kind("data-files", 10, 25, _cases, attempt)
