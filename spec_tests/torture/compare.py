"""Compare a run's folder with that of the uninterrupted run."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from spec_tests.torture.judge import Problem, strict_json

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LEFTOVERS = (".*.part", ".standin-*")  # temporary files of the program


class RunState(NamedTuple):
    """What a run has written: its checkpoints by name, and its log without the seconds."""

    checkpoints: dict[str, Any]
    log: list[dict[str, Any]]


def read_run(folder: Path) -> RunState:
    """Read a run's checkpoints and log."""
    files = sorted((folder / "checkpoints").glob("*.pt"))
    lines = (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    log = [{k: v for k, v in strict_json(line).items() if k != "seconds"} for line in lines]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return RunState({path.name: torch.load(path, weights_only=True) for path in files}, log)


def differences(folder: Path, expected: RunState) -> Iterator[Problem]:
    """Yield how a finished run differs from the uninterrupted one.

    The checkpoints must be equal bit for bit: weights, optimizer, random numbers, options.
    """
    try:
        state = read_run(folder)
    except Exception as error:  # noqa: BLE001 - a damaged file can raise almost anything
        yield Problem("the finished run cannot be read", repr(error))
        return
    if state.log != expected.log:
        yield Problem("another log than without the interruption", f"{state.log}")
    for name in sorted(state.checkpoints.keys() | expected.checkpoints.keys()):
        if name not in state.checkpoints or name not in expected.checkpoints:
            yield Problem(f"{name} is {'missing' if name in expected.checkpoints else 'too many'}")
            continue
        ours, theirs = state.checkpoints[name], expected.checkpoints[name]
        for key in sorted(ours.keys() | theirs.keys()):
            if not same(ours.get(key), theirs.get(key)):
                yield Problem(f"another {key} in {name} than without the interruption")
    yield from leftovers(folder)


def leftovers(folder: Path) -> Iterator[Problem]:
    """Yield the temporary files that a run has left."""
    for pattern in LEFTOVERS:
        for path in sorted(folder.rglob(pattern)):
            yield Problem(f"{path.relative_to(folder)} is left over")


def same(ours: Any, theirs: Any) -> bool:  # noqa: ANN401 - tensors and plain values
    """Return whether two values of checkpoints are equal, tensors bit for bit."""
    if isinstance(ours, torch.Tensor) and isinstance(theirs, torch.Tensor):
        alike = (ours.dtype, ours.shape) == (theirs.dtype, theirs.shape)
        return alike and ours.numpy().tobytes() == theirs.numpy().tobytes()
    if type(ours) is not type(theirs):
        return False
    if isinstance(ours, dict):
        return list(ours) == list(theirs) and all(same(ours[key], theirs[key]) for key in ours)
    if isinstance(ours, list | tuple):
        return len(ours) == len(theirs) and all(map(same, ours, theirs))
    return bool(ours == theirs)
