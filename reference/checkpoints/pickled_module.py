"""A whole network's file, read without its class and without running anything in it (P26)."""

from __future__ import annotations

import contextlib
import io
import itertools
import sys
import tempfile
from pickle import BINUNICODE
from typing import IO, TYPE_CHECKING, Any, Self

import torch

from reference.checkpoints.pickle_reader import (
    ITEM_SIZES,
    DamagedError,
    Opcode,
    copy_zip,
    is_module,
    is_zip,
    legacy_pickles,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PLAIN = {"collections.OrderedDict", "torch._utils._rebuild_tensor_v2", *ITEM_SIZES}
HELPERS = {"__builtin__.set", "builtins.set", "torch._utils._rebuild_parameter"}
THNN = "torch.nn.backends.thnn._get_thnn_function_backend"  # in every network of torch 1.0 to 1.4
LAYERS = {
    f"torch.nn.modules.{name}"
    for name in (
        "activation.ReLU",
        "activation.Sigmoid",
        "container.Sequential",
        "conv.Conv2d",
        "dropout.Dropout",
        "flatten.Flatten",
        "linear.Linear",
        "pooling.AdaptiveAvgPool2d",
        "pooling.MaxPool2d",
    )
}
MAX_PARTS = 1000  # VGG16 has 40 layers and 32 weights


class RefusedError(ValueError):
    """A file asks for something that no network of the course needs; the message names it."""


class _StandIn:
    """Takes the place of a layer's class: keeps the state that the file gives it, does nothing."""

    __slots__ = ("state",)
    asked_for = ""

    def __new__(cls, *_args: object) -> Self:
        made = super().__new__(cls)
        made.state = None
        return made

    def __init__(self, *_args: object) -> None:
        """Refuse: a layer is built from its state, and only what would run code is called."""
        raise RefusedError(self.asked_for)

    def __setstate__(self, state: object) -> None:
        self.state = state


def _no_backend() -> None:
    """Take the place of THNN, whose networks do without it today."""


def network_class(names: set[str]) -> str | None:
    """Find the class of a saved network among what its file asks for.

    Args:
        names: as `module.name`.

    Returns:
        The only name that torch does not define; None where there is none.

    Raises:
        RefusedError: the file asks for something that no network of the course needs.
    """
    foreign = names - PLAIN - HELPERS - LAYERS - {THNN}
    own = {name for name in foreign if not _is_library(name.partition(".")[0])}
    if foreign - own:
        raise RefusedError(", ".join(sorted(foreign - own)))
    if len(own) > 1:
        raise RefusedError(" and ".join(sorted(own)))
    return next(iter(own), None)


def _is_library(package: str) -> bool:
    return package in sys.stdlib_module_names | {"__builtin__", "torch"}


@contextlib.contextmanager
def _allowing(stand_ins: Sequence[tuple[Any, str]]) -> Iterator[None]:
    """Let torch's restricted unpickler take these for the names, and nothing else besides its own.

    What the process has allowed elsewhere, such as a real layer, would be built for real.
    """
    others = torch.serialization.get_safe_globals()
    torch.serialization.clear_safe_globals()
    torch.serialization.add_safe_globals(list(stand_ins))
    try:
        yield
    finally:
        torch.serialization.clear_safe_globals()
        torch.serialization.add_safe_globals(others)


def unpickle(file: IO[bytes], names: set[str]) -> object:
    """Load a file with torch's restricted unpickler, with stand-ins for the classes of networks.

    Args:
        file: its tensors go to the CPU, wherever they were.
        names: what the file asks for, all of it known to `network_class`.
    """
    classes = names - PLAIN - HELPERS - {THNN}
    stand_ins: list[tuple[Any, str]] = [
        (type("StandIn", (_StandIn,), {"__slots__": (), "asked_for": name}), name)
        for name in classes
    ]
    with tempfile.SpooledTemporaryFile(2**24) as copy, _allowing([*stand_ins, (_no_backend, THNN)]):
        if is_zip(file):
            copy_zip(file, copy)
            file = copy
        elif classes:
            file = _without_sources(file)
        return torch.load(file, map_location="cpu", weights_only=True)


def _without_sources(file: IO[bytes]) -> IO[bytes]:
    """Drop the source code that torch before 1.6 saves, which the restricted unpickler refuses."""
    *head, network, keys = legacy_pickles(file)
    kept = [*itertools.chain(*head), *_plain_classes(network), *keys]
    return io.BytesIO(b"".join(step.source for step in kept) + file.read())


def _plain_classes(pickle: list[Opcode]) -> Sequence[Opcode]:
    """Put the class alone in the place of each tuple of a class and its source code."""
    kept: list[Opcode] = []
    for step in pickle:
        if step.name == "BINPERSID" and is_module(kept[-12:]):
            start = next(i for i in reversed(range(len(kept))) if kept[i].name == "MARK")
            noted = itertools.dropwhile(lambda step: step.name != "GLOBAL", kept[start:])
            kept[start:] = itertools.islice(noted, 2)  # the class, and that it is memorised
        elif step.name.endswith("GET") and type(step.value) is str:
            kept.append(step._replace(source=_literal(step.value)))  # the place it had may be gone
        else:
            kept.append(step)
    return kept


def _literal(text: str) -> bytes:
    data = text.encode("utf-8", "surrogatepass")
    return BINUNICODE + len(data).to_bytes(4, "little") + data


def state_of(network: object) -> dict[str, object]:
    """Collect a network's weights from the stand-ins of its layers.

    Returns:
        What should be the network's state_dict.

    Raises:
        DamagedError: it is no network, or one that contains itself.
    """
    state: dict[str, object] = {}
    todo, seen = [("", network)], 0
    while todo:
        prefix, module = todo.pop()
        seen += 1
        if seen + len(todo) + len(state) > MAX_PARTS or len(prefix) > MAX_PARTS:
            raise DamagedError("its network is far too large, or contains itself")
        weights = [*_entries(module, "_parameters"), *_entries(module, "_buffers")]
        state |= {prefix + name: weight for name, weight in weights}
        children = [(f"{prefix}{name}.", child) for name, child in _entries(module, "_modules")]
        todo += reversed(children)
    return state


def _entries(module: object, kind: str) -> Iterator[tuple[str, object]]:
    """Give what a layer registered and saves, by name."""
    state: Any = module.state if isinstance(module, _StandIn) else None
    entries = state.get(kind, {}) if type(state) is dict else None
    if not isinstance(entries, dict) or not all(isinstance(name, str) for name in entries):
        raise DamagedError("it holds no network")
    passing = state.get("_non_persistent_buffers_set")
    for name, value in dict.items(entries):
        if value is not None and not (isinstance(passing, set) and name in passing):
            yield name, value
