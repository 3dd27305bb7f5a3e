"""Malicious checkpoints, as zips and in the format of torch before 1.6."""

from __future__ import annotations

import functools
import io
import zipfile
from typing import TYPE_CHECKING, NamedTuple

from hypothesis import strategies as st

from spec_tests.support.pickle_builder import legacy, zipped
from spec_tests.torture.attempts import Attempt, Kind
from spec_tests.torture.generators import opcodes, zips
from spec_tests.torture.generators.damage import damaged
from spec_tests.torture.generators.pickle_values import pickles, tensors
from spec_tests.torture.judge import Problem
from spec_tests.torture.process import run
from spec_tests.torture.samples import copy_run

if TYPE_CHECKING:
    from pathlib import Path

    from spec_tests.torture.samples import Samples

KEYS = ("model", "optimizer", "epoch", "step", "rng", "config", "state", "_modules")
COMMANDS = ("evaluate", "predict", "convert", "resume")


class Case(NamedTuple):
    """A checkpoint's content, and the command that reads it."""

    command: str
    data: bytes


def _cases(samples: Samples) -> st.SearchStrategy[Case]:
    return st.builds(Case, st.sampled_from(COMMANDS), _files(samples))


@functools.cache
def _files(samples: Samples) -> st.SearchStrategy[bytes]:
    """Return a strategy for the content of checkpoints."""
    canary = str(samples.canary)
    sound = {name: path.read_bytes() for name, path in samples.files.items()}
    archives = [name for name in sorted(sound) if name.endswith("-zip")]
    old = [name for name in sorted(sound) if name.endswith("-legacy")]
    known = samples.malicious
    made = pickles(canary, KEYS, tensors()) | opcodes.streams()
    data = st.sampled_from([b"", bytes(16), bytes(10_000)])
    return st.one_of(
        st.sampled_from(archives).map(sound.get).flatmap(zips.edited),
        st.sampled_from(archives)
        .map(lambda name: _pickle(sound[name]))
        .flatmap(opcodes.edited)
        .map(zipped),
        st.builds(_zip, made, data),
        st.builds(_legacy, made, st.sampled_from([b"]", b"]X\1\0\0\x000a", b"N"]), data),
        st.sampled_from(old).flatmap(lambda name: _edited_legacy(sound[name])),
        st.sampled_from(sorted(known)).map(lambda name: known[name]),
        st.sampled_from(sorted(known)).flatmap(lambda name: damaged(known[name])),
    )


def _zip(pickled: bytes, data: bytes) -> bytes:
    return zipped(pickled, {"archive/data/0": data})


def _legacy(pickled: bytes, keys: bytes, data: bytes) -> bytes:
    return legacy(pickled, keys, data)


def _pickle(archive: bytes) -> bytes:
    """Return the pickle in a checkpoint's zip."""
    with zipfile.ZipFile(io.BytesIO(archive)) as source:
        return source.read(next(name for name in source.namelist() if name.endswith("data.pkl")))


def _edited_legacy(data: bytes) -> st.SearchStrategy[bytes]:
    """Return a strategy for edits of one of the pickles of a file, or of any of its bytes."""
    ends, position = [0], 0
    for _ in range(5):  # magic number, version, machine, object, keys
        position += opcodes.length(data[position:])
        ends.append(position)

    def edited(index: int) -> st.SearchStrategy[bytes]:
        start, end = ends[index], ends[index + 1]
        changed = opcodes.edited(data[start:end])
        return changed.map(lambda new: data[:start] + new + data[end:])

    return st.sampled_from([3, 3, 3, 0, 1, 2, 4]).flatmap(edited) | damaged(data)


def attempt(case: Case, place: Path, samples: Samples) -> Attempt:
    """Read a checkpoint with a command."""
    path = place / "checkpoint.pth"
    path.write_bytes(case.data)
    done = Attempt()
    done.add(run(*arguments(case.command, path, place, samples), folder=place))
    if samples.canary.exists():
        samples.canary.unlink()
        done.problems.append(Problem("code in the checkpoint was run"))
    return done


def arguments(command: str, path: Path, place: Path, samples: Samples) -> tuple[str | Path, ...]:
    """Return the arguments of a command that reads a checkpoint, `resume` in a run's folder."""
    data = ("--data", samples.data, "--json", "--device=cpu")
    if command == "evaluate":
        return ("evaluate", path, *data)
    if command == "predict":
        image = samples.images["cat.png"]
        return ("predict", image, "--checkpoint", path, "--json", "--device=cpu")
    if command == "convert":
        return ("convert", path, place / "converted.pt", "--json")
    run_folder = copy_run(samples.half, place / "run")
    path.replace(run_folder / "checkpoints" / "epoch-001.pt")
    return samples.resume(run_folder, "--json")


KIND = Kind("checkpoints", 12, 25, _cases, attempt)
