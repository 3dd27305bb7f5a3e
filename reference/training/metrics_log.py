"""A run's log, metrics.jsonl: a line for every hundredth step and a line for each epoch (P27)."""

from __future__ import annotations

import json
import math
import os
from typing import TYPE_CHECKING, Any

from reference.errors import InputError
from reference.files import read_regular

if TYPE_CHECKING:
    from pathlib import Path

    Record = dict[str, Any]

LOG_EVERY = 100  # steps
MAX_BYTES = 2**28  # a million lines
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


def read(path: Path, epoch: int, step: int) -> list[Record]:
    """Return the records up to a checkpoint.

    What follows belongs to steps that will be taken and logged again: it is not read. The last
    line may have been cut off when the run was killed.

    Args:
        path: metrics.jsonl.
        epoch: the checkpoint's, 0 for none.
        step: the checkpoint's.

    Raises:
        InputError: lines before the checkpoint are missing or damaged.
    """
    records: list[Record] = []
    text = read_regular(path, MAX_BYTES) if path.exists() else b""
    for line in text.split(b"\n")[:-1]:
        record = _parse(line)
        if record is None or record["step"] > step:
            break
        records.append(record)
    complete = _complete_epochs(records)
    last_step = records[-1]["step"] if records else 0
    if (complete, last_step, len(records)) != (epoch, step, epoch + step // LOG_EVERY):
        first = min(complete + 1, epoch)
        raise InputError(
            f"{path} lacks lines of epoch {first}, or they are damaged: restore the file, or "
            f"delete the checkpoints from epoch-{first:03}.pt on, and --resume repeats these epochs"
        )
    return records


def _parse(line: bytes) -> Record | None:
    """Return the record in a line; None if the line is damaged."""
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
