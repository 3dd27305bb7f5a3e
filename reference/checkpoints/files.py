"""Save weights atomically, and load them without running any code from the file (P26)."""

from __future__ import annotations

import logging
import os
import re
import warnings
from pathlib import Path
from typing import IO, Any

import torch
from torch import Tensor, nn

from reference.checkpoints.pickle_reader import DamagedError, is_zip, referenced_globals
from reference.checkpoints.pickled_module import (
    LAYERS,
    RefusedError,
    collect_state_dict,
    network_class,
    unpickle,
    why_unreadable,
)
from reference.errors import (
    InputError,
    RunError,
    first_line,
    is_accelerator_error,
    is_out_of_memory,
)
from reference.files import atomic_write, check_regular

LOGGER = logging.getLogger(__name__)
KEYS = ("model", "optimizer", "epoch", "step", "rng", "config")  # of a training run's checkpoint
# The errors of torch's file writer have no class of their own, and differ between versions.
WRITER_ERROR = re.compile(
    r"inline_container|PytorchStreamWriter|iostream|^Parent directory|cannot be opened"
)
MAX_DEPTH = 8  # levels of nesting; an optimizer's state has 4


class UnreadableError(InputError):
    """A file cannot be read on this machine now; it may be sound, and nobody should delete it."""


def save_checkpoint(path: Path, checkpoint: dict[str, Any]) -> None:
    """Write a checkpoint atomically.

    Args:
        path: the file; its folder must exist.
        checkpoint: "model" and "optimizer" (state_dicts), "epoch", "step", "rng" and "config":
            tensors and plain values only.

    Raises:
        RunError: the file cannot be written, for example because the disk is full; a file that
            was there before is unchanged.
    """
    try:
        with atomic_write(path) as part:
            torch.save(checkpoint, part)
    except (OSError, RuntimeError, MemoryError) as error:
        cause: BaseException = error
        # The first error in the chain: closing the unfinished file fails as a consequence of it.
        while cause.__context__:
            cause = cause.__context__
        raise RunError(
            f"{path} cannot be written ({first_line(cause)}): {_remedy(cause)}"
        ) from error


def _remedy(error: BaseException) -> str:
    """Return what to do about an error while saving: not every one is the disk's."""
    if is_accelerator_error(error):
        return (
            "the accelerator failed, not the disk; start the command again, with --resume if it "
            "trains"
        )
    if is_out_of_memory(error):
        return "the memory is full, not the disk; close other programs"
    if isinstance(error, OSError) or WRITER_ERROR.search(str(error)):
        return "check the disk's free space and permissions"
    return "the error is not the disk's; course doctor checks the installation"


def load_checkpoint(path: Path | str, device: torch.device | str = "cpu") -> dict[str, Any]:
    """Read a training run's checkpoint, a bare state_dict, or a whole network saved by torch.save.

    No code in the file is run: of a whole network only the weights are read, without its class.

    Args:
        path: the file.
        device: the device to move its tensors to, whichever device they were saved from.

    Returns:
        The checkpoint; for a bare state_dict {"model": state_dict}; for a whole network
        {"model": state_dict, "network": the name of its class}.

    Raises:
        UnreadableError: the file is missing or cannot be read.
        InputError: it is damaged, not a checkpoint, or would run code.

    Source: P26, P32.
    """
    try:
        check_regular(Path(path))
        file = Path(path).open("rb")  # noqa: SIM115 - closed below; reading has other errors
    except OSError as error:
        raise UnreadableError(f"{path} cannot be read: {error.strerror}") from error
    size = os.fstat(file.fileno()).st_size
    try:
        with file, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch warns about old formats
            has_checksums = is_zip(file)
            checkpoint = _read(file, torch.device(device))
    except RefusedError as error:
        raise InputError(
            f"{path} asks to run code when it is loaded ({error}); none of it was run: "
            "save only the state_dict, with torch.save(model.state_dict(), path)"
        ) from error
    except Exception as error:
        if is_accelerator_error(error):
            raise
        if reason := why_unreadable(error, size):
            raise UnreadableError(f"{path} cannot be read: {reason}") from error
        raise InputError(
            f"{path} is damaged or not a checkpoint: save it again, or give another epoch's file"
        ) from error
    state = checkpoint["model"]
    if isinstance(state, dict) and state and all(map(_is_weight, state.items())):
        if not has_checksums:
            LOGGER.warning(
                "%s is in the format of torch before 1.6, which has no checksums: damage to its "
                "weights can go unnoticed; save it again with torch.save",
                path,
            )
        return checkpoint
    raise InputError(
        f"{path} is not a checkpoint: it contains neither a run's state nor a state_dict; "
        "save one with torch.save(model.state_dict(), path)"
    )


def _read(file: IO[bytes], device: torch.device) -> dict[str, Any]:
    names = referenced_globals(file)
    network = network_class(names)
    content = unpickle(file, names)
    if names & LAYERS or network:
        state = _copy_plain(collect_state_dict(content), device)
        return {"model": state, "network": network or "torch.nn"}
    content = _copy_plain(content, device)
    if isinstance(content, dict) and "model" in content:
        return {key: content[key] for key in KEYS if key in content}
    return {"model": content}


def _copy_plain(content: object, device: torch.device) -> Any:  # noqa: ANN401 - of any kind
    """Copy tensors and plain values, without the attributes that a pickle may have set on them."""
    # Each object is copied once, by its id. Otherwise lists that contain the same list many times,
    # nested a few levels deep, would grow without bound.
    copies: dict[int, Any] = {}

    def copy(value: Any, depth: int) -> Any:  # noqa: ANN401 - of any kind
        if id(value) not in copies:
            copies[id(value)] = copy_uncached(value, depth + 1)
        return copies[id(value)]

    def copy_uncached(value: Any, depth: int) -> Any:  # noqa: ANN401 - of any kind
        if depth > MAX_DEPTH:
            raise DamagedError("it is nested too deeply, or contains itself")
        if isinstance(value, dict):
            # Not value.items(): a pickle can set an attribute `items` on an OrderedDict.
            # MAX_DEPTH - 1: a key must be a plain value or a tensor.
            items = dict.items(value)
            return {copy(key, MAX_DEPTH - 1): copy(entry, depth) for key, entry in items}
        if isinstance(value, list | tuple):
            return type(value)(copy(entry, depth) for entry in value)
        if isinstance(value, Tensor):
            # A stride of 0 lets a storage of a few bytes claim any number of elements.
            if value.nbytes > value.untyped_storage().nbytes():
                raise DamagedError("a tensor is larger than its storage")
            return value.detach().to(device)
        if value is None or isinstance(value, str | int | float):
            return value
        raise DamagedError(f"it contains an object of type {type(value).__name__}")

    return copy(content, 0)


def _is_weight(entry: tuple[object, object]) -> bool:
    key, value = entry
    if not (isinstance(key, str) and isinstance(value, Tensor)):
        return False
    return value.layout is torch.strided and not (value.is_quantized or value.is_complex())


def convert(old: Path, new: Path) -> str:
    """Write the weights of a whole network's file as a state_dict.

    Args:
        old: a whole network, saved as in the course with any torch since 1.0.
        new: the file to write atomically; it must not exist.

    Returns:
        The name of the network's class.

    Raises:
        InputError: `old` cannot be read or is not a whole network, or `new` exists or its folder
            does not.
        RunError: `new` cannot be written.

    Source: P26.
    """
    if new.exists():
        raise InputError(f"{new} already exists: choose another name")
    if not new.parent.is_dir():
        raise InputError(f"{new} cannot be written: there is no folder {new.parent}; create it")
    checkpoint = load_checkpoint(old)
    if "network" not in checkpoint:
        raise InputError(f"{old} is a checkpoint, not a whole network: it needs no conversion")
    save_checkpoint(new, checkpoint["model"])
    return str(checkpoint["network"])


def load_weights(model: nn.Module, state: dict[str, Tensor], path: Path | str) -> None:
    """Load a state_dict into a network, after checking its keys, shapes and values.

    Args:
        model: the network.
        state: its state_dict, read from `path`.
        path: the file, for error messages.

    Raises:
        InputError: the keys or the shapes are those of another network, or a weight is not finite.
    """
    expected = model.state_dict()
    problems = {
        "missing": sorted(expected.keys() - state.keys()),
        "unexpected": sorted(state.keys() - expected.keys()),
        "wrong shape": [
            f"{key} {tuple(state[key].shape)} for {tuple(expected[key].shape)}"
            for key in expected
            if key in state and state[key].shape != expected[key].shape
        ],
    }
    if any(problems.values()):
        listed = "; ".join(
            f"{problem}: {', '.join(keys)}" for problem, keys in problems.items() if keys
        )
        raise InputError(
            f"{path} does not fit the network {type(model).__name__}: {listed}"
            f"{_likely_cause(expected, state)}"
        )
    if not_finite := [key for key, value in state.items() if not value.isfinite().all()]:
        raise InputError(
            f"{path} contains weights that are not finite ({not_finite[0]}): its training "
            "diverged; train with a smaller --lr"
        )
    model.load_state_dict(state)


def _likely_cause(expected: dict[str, Tensor], state: dict[str, Tensor]) -> str:
    """Return the likely cause of a mismatch, to append to a message; an empty text if unknown."""
    for prefix, wrapper in {"module.": "DataParallel", "_orig_mod.": "torch.compile"}.items():
        if state.keys() == {prefix + key for key in expected}:
            inner = prefix.removesuffix(".")
            return f"; it was saved from {wrapper}: save model.{inner}.state_dict() instead"
    head = next(reversed(expected)).rpartition(".")[0]  # "model.8.bias" -> "model.8"
    differing = {
        key
        for key in expected.keys() | state.keys()
        if key not in expected or key not in state or expected[key].shape != state[key].shape
    }
    if all(key.startswith(f"{head}.") for key in differing):
        return f"; it was trained with another head, the last layer {head}"
    return ""
