"""Saving and loading weights: whole or not at all, and without running code (P26)."""

from __future__ import annotations

import contextlib
import os
import warnings
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from reference.checkpoints.pickle_reader import DamagedError, referenced_globals
from reference.checkpoints.pickled_module import (
    LAYERS,
    RefusedError,
    network_class,
    state_of,
    unpickle,
)
from reference.errors import InputError, RunError

if TYPE_CHECKING:
    from collections.abc import Iterator

KEYS = ("model", "optimizer", "epoch", "step", "rng", "config")  # of a checkpoint of ours
MAX_DEPTH = 8  # an optimizer's state takes 4


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

    Raises:
        RunError: it cannot be written, as on a full disk; an older file there is whole.
    """
    try:
        with replacing(path) as part:
            torch.save(checkpoint, part)
    except (OSError, RuntimeError) as error:  # torch reports a full disk as the latter
        reason = str(error).splitlines()[0]
        raise RunError(f"{path} cannot be written ({reason}): is the disk full?") from error


def load_checkpoint(path: Path | str, device: torch.device | str = "cpu") -> dict[str, Any]:
    """Read a checkpoint of ours, a bare state_dict, or a whole network as the course saves it.

    Nothing in the file is run: a whole network is read without its class, for its weights.

    Args:
        path: the file.
        device: where its tensors go, wherever they were when it was written.

    Returns:
        The checkpoint; of a bare state_dict {"model": state_dict}; of a whole network
        {"model": state_dict, "network": its class's name}.

    Raises:
        InputError: the file is missing, damaged or no checkpoint, or would run code.

    Source: P26, P32.
    """
    try:
        file = Path(path).open("rb")  # noqa: SIM115 - closed below; reading fails in other ways
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from error
    try:
        with file, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch remarks on old formats
            checkpoint = _read(file, torch.device(device))
    except RefusedError as error:
        raise InputError(
            f"{path} asks to run code when it is loaded ({error}): nothing of it was run; "
            "save the state_dict alone: torch.save(model.state_dict(), path)"
        ) from error
    except Exception as error:
        raise InputError(
            f"{path} is damaged or no checkpoint: save it again, or give another epoch's file"
        ) from error
    state = checkpoint["model"]
    if isinstance(state, dict) and state and all(map(_is_weight, state.items())):
        return checkpoint
    raise InputError(f"{path} is no checkpoint: it holds neither a run's state nor a state_dict")


def _read(file: IO[bytes], device: torch.device) -> dict[str, Any]:
    names = referenced_globals(file)
    network = network_class(names)
    content = unpickle(file, names)
    if names & LAYERS or network:
        return {"model": _plain(state_of(content), device), "network": network or "torch.nn"}
    content = _plain(content, device)
    if isinstance(content, dict) and "model" in content:
        return {key: content[key] for key in KEYS if key in content}
    return {"model": content}


def _plain(content: object, device: torch.device) -> Any:  # noqa: ANN401 - of any kind
    """Copy tensors and plain values, and leave behind whatever else hangs on them."""
    copies: dict[int, Any] = {}

    def copy(value: Any, depth: int) -> Any:  # noqa: ANN401 - of any kind
        if id(value) not in copies:
            copies[id(value)] = fresh(value, depth + 1)
        return copies[id(value)]

    def fresh(value: Any, depth: int) -> Any:  # noqa: ANN401 - of any kind
        if depth > MAX_DEPTH:
            raise DamagedError("it is nested deeply, or contains itself")
        if isinstance(value, dict):
            items = dict.items(value)  # an OrderedDict's own may be the file's
            return {copy(key, MAX_DEPTH - 1): copy(entry, depth) for key, entry in items}
        if isinstance(value, list | tuple):
            return type(value)(copy(entry, depth) for entry in value)
        if isinstance(value, Tensor):
            if value.nbytes > value.untyped_storage().nbytes():
                raise DamagedError("a tensor is larger than its storage")
            return value.detach().to(device)
        if value is None or isinstance(value, str | int | float):
            return value
        raise DamagedError(f"it holds a {type(value).__name__}")

    return copy(content, 0)


def _is_weight(entry: tuple[object, object]) -> bool:
    key, value = entry
    if not (isinstance(key, str) and isinstance(value, Tensor)):
        return False
    return value.layout is torch.strided and not (value.is_quantized or value.is_complex())


def convert(old: Path, new: Path) -> str:
    """Write the weights of a whole network's file as a state_dict.

    Args:
        old: the whole network, as the course saves it with any torch since 1.0.
        new: the file to write, which must not exist; it appears whole or not at all.

    Returns:
        The name of the network's class.

    Raises:
        InputError: `old` cannot be read, or is no whole network; or `new` cannot be written.

    Source: P26.
    """
    if new.exists():
        raise InputError(f"{new} exists already: choose another name")
    if not new.parent.is_dir():
        raise InputError(f"{new} cannot be written: there is no folder {new.parent}")
    checkpoint = load_checkpoint(old)
    if "network" not in checkpoint:
        raise InputError(f"{old} holds no whole network: it can be used as it is")
    save_checkpoint(new, checkpoint["model"])
    return str(checkpoint["network"])


def load_weights(model: nn.Module, state: dict[str, Tensor], path: Path | str) -> None:
    """Put weights into a network.

    Args:
        model: the network.
        state: its state_dict, from `path`.
        path: the file to name in an error.

    Raises:
        InputError: the keys or the shapes are another network's, or a weight is no number.
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
        raise InputError(
            f"{path} holds another network than {type(model).__name__}: {said}{_cause(own, state)}"
        )
    if broken := [key for key, value in state.items() if not value.isfinite().all()]:
        raise InputError(
            f"{path} holds weights that are no numbers ({broken[0]}): its training diverged; "
            "train with a smaller --lr"
        )
    model.load_state_dict(state)


def _cause(own: dict[str, Tensor], state: dict[str, Tensor]) -> str:
    """Say the likely cause of keys or shapes that do not fit."""
    for prefix, wrapper in {"module.": "DataParallel", "_orig_mod.": "torch.compile"}.items():
        if state.keys() == {prefix + key for key in own}:
            inner = prefix.removesuffix(".")
            return f"; it was saved from {wrapper}: save model.{inner}.state_dict() instead"
    head = next(reversed(own)).rpartition(".")[0]
    differing = {
        key
        for key in own.keys() | state.keys()
        if key not in own or key not in state or own[key].shape != state[key].shape
    }
    if all(key.startswith(f"{head}.") for key in differing):
        return f"; it was trained with another head, the last layer {head}"
    return ""
