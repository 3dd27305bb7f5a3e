"""A run's log, metrics.jsonl: a line for every hundredth step and a line for each epoch (P27)."""

from __future__ import annotations

import itertools
import json
import math
import os
from typing import TYPE_CHECKING, Any

from reference.errors import InputError
from reference.files import check_regular

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    Record = dict[str, Any]

LOG_EVERY = 100  # steps
MAX_BYTES = 2**28  # a million lines
MAX_LINE = 1000  # bytes; an epoch's line has at most 250
STEP_FIELDS = {"step": int, "epoch": int, "train_loss": float}
EPOCH_FIELDS = STEP_FIELDS | {
    "test_loss": float,
    "test_accuracy": float,
    "images": int,
    "seconds": float,
}


def append(path: Path, record: Record) -> None:
    """Append a line, and return when it is on the disk."""
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(record) + "\n")
        file.flush()
        os.fsync(file.fileno())


def read(path: Path, epoch: int, step: int, epoch_steps: int) -> list[Record]:
    """Return the records up to a checkpoint.

    What follows belongs to steps that will be taken and logged again. A run that is killed before
    it saves a checkpoint leaves lines of one more epoch, and the last line may be cut off.

    Args:
        path: metrics.jsonl.
        epoch: the checkpoint's, 0 for none.
        step: the checkpoint's.
        epoch_steps: the number of steps of an epoch.

    Raises:
        InputError: lines before the checkpoint are missing or damaged, or the lines after it show
            that later checkpoints were saved.
    """
    records: list[Record] = []
    before, later = True, False  # where the lines are: before the checkpoint, of later ones
    # No more lines are read than a run has by the end of the second epoch after the checkpoint.
    count = epoch + 2 + (step + 2 * epoch_steps) // LOG_EVERY
    for record in map(_parse, itertools.islice(_lines(path), count)):
        before = before and record is not None and record["step"] <= step
        if before and record:
            records.append(record)
        elif record and "test_loss" in record and record["epoch"] > epoch + 1:
            later = True
    complete = _complete_epochs(records)
    last_step = records[-1]["step"] if records else 0
    if (complete, last_step, len(records)) != (epoch, step, epoch + step // LOG_EVERY):
        first = min(complete + 1, epoch)
        raise InputError(
            f"{path} lacks lines of epoch {first}, or they are damaged: restore the file, or "
            f"delete the checkpoints from epoch-{first:03}.pt on and the log's lines from epoch "
            f"{first} on, and --resume repeats these epochs"
        )
    if later:
        raise InputError(
            f"{path} has epochs after epoch {epoch + 1}, but there is no checkpoint of this epoch: "
            "put the checkpoints back, or start again in another --out; to repeat the epochs "
            f"here, delete the log's lines from epoch {epoch + 1} on"
        )
    return records


def _lines(path: Path) -> Iterator[bytes]:
    """Yield the lines of the log, none if it is missing; a very long line in parts."""
    try:
        check_regular(path, MAX_BYTES)
    except FileNotFoundError:
        if path.is_symlink():  # to a log that cannot be reached now
            raise
        return
    with path.open("rb") as file:
        while line := file.readline(MAX_LINE):
            yield line


def _parse(line: bytes) -> Record | None:
    """Return the record in a line; None if the line is damaged or cut off."""
    if not line.endswith(b"\n"):
        return None
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(record, dict) or record.keys() not in (
        STEP_FIELDS.keys(),
        EPOCH_FIELDS.keys(),
    ):
        return None
    valid = all(_is_valid(value, EPOCH_FIELDS[name]) for name, value in record.items())
    return record if valid else None


def _is_valid(value: object, kind: type) -> bool:
    if type(value) is int:
        return kind is int and 0 < value < 2**63
    return kind is float and type(value) is float and math.isfinite(value)


def _complete_epochs(records: list[Record]) -> int:
    """Return how many epochs, from the first one, have all their lines."""
    complete, next_step = 0, LOG_EVERY
    for record in records:
        if record["epoch"] != complete + 1:
            break
        if "test_loss" in record:
            if record["step"] >= next_step:  # a step's line is missing
                break
            complete += 1
        elif record["step"] == next_step:
            next_step += LOG_EVERY
        else:
            break
    return complete
