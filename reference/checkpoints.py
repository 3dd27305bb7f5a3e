"""Saving and loading weights: whole or not at all, and without running code (P26)."""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from reference.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a path to write to; on leaving without an error, it takes the place of `path` at once.

    A process that dies anywhere in between leaves the old file as it was.
    """
    part = path.with_name(f".{path.name}.part")
    try:
        yield part
        with part.open("rb") as file:
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def save_checkpoint(path: Path, checkpoint: dict[str, Any]) -> None:
    """Write a checkpoint, which appears whole or not at all.

    Args:
        path: the file; its folder must exist.
        checkpoint: "model" and "optimizer" (state_dicts), "epoch", "step", "rng" and "config":
            tensors and plain values only.
    """
    with replacing(path) as part:
        torch.save(checkpoint, part)


def load_checkpoint(path: Path | str, device: torch.device | str = "cpu") -> dict[str, Any]:
    """Read a checkpoint of ours, or a bare state_dict as the course saves it.

    Args:
        path: the file.
        device: where its tensors go, wherever they were when it was written.

    Returns:
        The checkpoint; of a bare state_dict {"model": state_dict}.

    Raises:
        InputError: the file is missing, damaged or no checkpoint, or would run code.

    Source: P26, P32.
    """
    try:
        file = Path(path).open("rb")  # noqa: SIM115 - closed below; reading fails in other ways
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from error
    try:
        with file:
            content = torch.load(file, map_location=device, weights_only=True)
    except Exception as error:
        raise InputError(f"{path} {_why_not_loaded(str(error))}") from error
    checkpoint = content if isinstance(content, dict) and "model" in content else {"model": content}
    state = checkpoint["model"]
    if isinstance(state, dict) and state and all(map(_is_weight, state.items())):
        return checkpoint
    raise InputError(f"{path} is no checkpoint: it holds neither a run's state nor a state_dict")


def _is_weight(entry: tuple[object, object]) -> bool:
    return isinstance(entry[0], str) and isinstance(entry[1], Tensor)


def _why_not_loaded(message: str) -> str:
    if found := re.search(r"nsupported (?:global: GLOBAL|GLOBAL|class) ([\w.]+)", message):
        return (
            f"asks to run code when it is loaded ({found[1]}): nothing of it was run; "
            "save the state_dict alone: torch.save(model.state_dict(), path)"
        )
    return "is damaged or no checkpoint: save it again, or give another epoch's file"


def load_weights(model: nn.Module, state: dict[str, Tensor], path: Path | str) -> None:
    """Put weights into a network.

    Args:
        model: the network.
        state: its state_dict, from `path`.
        path: the file to name in an error.

    Raises:
        InputError: the keys or the shapes are another network's.
    """
    own = model.state_dict()
    missing = sorted(own.keys() - state.keys())
    unexpected = sorted(state.keys() - own.keys())
    shapes = [
        f"{key} {tuple(state[key].shape)} for {tuple(own[key].shape)}"
        for key in own
        if key in state and state[key].shape != own[key].shape
    ]
    problems = {"missing": missing, "unexpected": unexpected, "wrong shape": shapes}
    if any(problems.values()):
        said = "; ".join(f"{what}: {', '.join(keys)}" for what, keys in problems.items() if keys)
        raise InputError(f"{path} holds another network than {type(model).__name__}: {said}")
    model.load_state_dict(state)
