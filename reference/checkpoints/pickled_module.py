"""Read a pickled whole network without its class and without running any code in it (P26)."""

from __future__ import annotations

import contextlib
import errno
import io
import itertools
import re
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
    ends_with_class_source,
    is_zip,
    read_legacy_pickles,
)
from reference.errors import first_line, is_out_of_memory

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# What the file of a network refers to: tensors, and what else torch.save wrote since torch 1.0.
PLAIN = {"collections.OrderedDict", "torch._utils._rebuild_tensor_v2", *ITEM_SIZES}
HELPERS = {"__builtin__.set", "builtins.set", "torch._utils._rebuild_parameter"}
THNN = "torch.nn.backends.thnn._get_thnn_function_backend"  # in each network of torch 1.0 to 1.4
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
CLAIMED = re.compile(r"allocate ([0-9]+) bytes")  # in torch's errors
MAX_ENTRIES = 1000  # layers and weights together; VGG16 has 40 and 32


class RefusedError(ValueError):
    """A file refers to something that no network of the course needs; the message names it."""


class _InertModule:
    """Replaces a module's class while a file is unpickled: stores the state, and runs nothing."""

    __slots__ = ("state",)
    class_name = ""

    def __new__(cls, *_args: object) -> Self:
        module = super().__new__(cls)
        module.state = None
        return module

    def __init__(self, *_args: object) -> None:
        """Refuse to be called.

        The pickle of a module calls __new__ alone (NEWOBJ) and then sets the state. A file that
        calls the class (REDUCE) wants its __init__ to run.
        """
        raise RefusedError(self.class_name)

    def __setstate__(self, state: object) -> None:
        self.state = state


def _no_thnn() -> None:
    """Replace THNN, a backend that torch no longer has or needs."""


def network_class(names: set[str]) -> str | None:
    """Return the class of a saved network, among the names that its file refers to.

    Args:
        names: functions and classes, each as `module.name`.

    Returns:
        The only name that neither torch nor Python defines; None if there is none.

    Raises:
        RefusedError: the file refers to something that no network of the course needs.
    """
    unknown = names - PLAIN - HELPERS - LAYERS - {THNN}
    user_defined = {name for name in unknown if not _is_library(name.partition(".")[0])}
    if unknown - user_defined:
        raise RefusedError(", ".join(sorted(unknown - user_defined)))
    if len(user_defined) > 1:
        raise RefusedError(" and ".join(sorted(user_defined)))
    return next(iter(user_defined), None)


def _is_library(package: str) -> bool:
    return package in sys.stdlib_module_names | {"__builtin__", "torch"}


@contextlib.contextmanager
def _only_safe_globals(replacements: Sequence[tuple[Any, str]]) -> Iterator[None]:
    """Let torch's restricted unpickler build these objects for these names, besides its defaults.

    torch's list of safe globals is one for the process. It is cleared first, because an entry that
    the caller's program has added, such as a real layer, would be built in place of ours.
    """
    added_before = torch.serialization.get_safe_globals()
    torch.serialization.clear_safe_globals()
    torch.serialization.add_safe_globals(list(replacements))
    try:
        yield
    finally:
        torch.serialization.clear_safe_globals()
        torch.serialization.add_safe_globals(added_before)


def unpickle(file: IO[bytes], names: set[str]) -> object:
    """Load a file with torch's restricted unpickler; each module becomes an inert one.

    Args:
        file: a file of torch.save; its tensors are loaded to the CPU, wherever they were.
        names: what the file refers to, after `network_class` has accepted it.
    """
    classes = names - PLAIN - HELPERS - {THNN}
    replacements: list[tuple[Any, str]] = [
        (type("InertModule", (_InertModule,), {"__slots__": (), "class_name": name}), name)
        for name in classes
    ]
    replacements.append((_no_thnn, THNN))
    with tempfile.SpooledTemporaryFile(2**24) as copy, _only_safe_globals(replacements):
        if is_zip(file):
            # torch's zip reader could find other members than zipfile did when they were checked:
            # it reads a new zip of the checked members only.
            copy_zip(file, copy)
            file = copy
        elif classes:
            file = _without_sources(file)
        return torch.load(file, map_location="cpu", weights_only=True)


def why_unreadable(error: BaseException, size: int) -> str:
    """Return why a file that may be sound cannot be read, or "" if it is damaged.

    Args:
        error: raised while it was read and unpickled.
        size: the file's, in bytes.
    """
    cause: BaseException | None = error
    while cause is not None:  # zipfile raises its own error if reading fails
        if is_out_of_memory(cause):
            if (claimed := CLAIMED.search(str(cause))) and int(claimed[1]) > size:
                return ""  # no tensor of a sound file is larger than the file
            return f"out of memory ({first_line(cause)}): close other programs and try again"
        # A damaged file makes zipfile seek to an invalid position.
        if isinstance(cause, OSError) and cause.errno not in (None, errno.EINVAL):
            reason = str(cause.strerror)
            if cause.errno in (errno.ENOSPC, errno.EFBIG):  # of writing, in `unpickle`
                reason += f" in {tempfile.gettempdir()}: set TMPDIR to another folder"
            return reason
        cause = cause.__cause__ or cause.__context__
    try:
        stream = io.BytesIO()
        torch.save({}, stream)
        stream.seek(0)
        torch.load(stream, weights_only=True)
    except Exception as broken:  # noqa: BLE001 - environment variables, a broken installation
        return f"torch.load fails for every file here ({first_line(broken)}): run course doctor"
    return ""


def _without_sources(file: IO[bytes]) -> IO[bytes]:
    """Remove the source code of classes from a file in the format of torch before 1.6.

    The restricted unpickler refuses a class with its source. Only the fourth pickle, the saved
    object, contains source code; the data of the storages follows the fifth.
    """
    *head, network, keys = read_legacy_pickles(file)
    opcodes = [*itertools.chain(*head), *_unwrap_classes(network), *keys]
    return io.BytesIO(b"".join(opcode.source for opcode in opcodes) + file.read())


def _unwrap_classes(pickle: list[Opcode]) -> Sequence[Opcode]:
    """Replace each tuple of a class and its source code by the class alone."""
    kept: list[Opcode] = []
    for opcode in pickle:
        # The tuple takes at most 11 opcodes: MARK, and five others with a PUT after each.
        if opcode.name == "BINPERSID" and ends_with_class_source(kept[-12:]):
            start = next(i for i in reversed(range(len(kept))) if kept[i].name == "MARK")
            from_class = itertools.dropwhile(lambda kept: kept.name != "GLOBAL", kept[start:])
            kept[start:] = itertools.islice(from_class, 2)  # GLOBAL and its PUT
        elif opcode.name.endswith("GET") and type(opcode.value) is str:
            # The PUT of a text in the memo, such as "module", may be in a tuple that is removed:
            # write the text itself instead.
            kept.append(opcode._replace(source=_literal(opcode.value)))
        else:
            kept.append(opcode)
    return kept


def _literal(text: str) -> bytes:
    data = text.encode("utf-8", "surrogatepass")
    return BINUNICODE + len(data).to_bytes(4, "little") + data


def collect_state_dict(network: object) -> dict[str, object]:
    """Return the state_dict of a network that `unpickle` has built of inert modules.

    The values are as in the file: they need not be tensors.

    Raises:
        DamagedError: it is not a network, or it contains itself.
    """
    state: dict[str, object] = {}
    stack, visited = [("", network)], 0  # not recursive: a file can nest deeper than Python's stack
    while stack:
        prefix, module = stack.pop()
        visited += 1
        if visited + len(stack) + len(state) > MAX_ENTRIES or len(prefix) > MAX_ENTRIES:
            raise DamagedError("its network is too large, or contains itself")
        weights = [*_entries(module, "_parameters"), *_entries(module, "_buffers")]
        state |= {prefix + name: weight for name, weight in weights}
        children = [(f"{prefix}{name}.", child) for name, child in _entries(module, "_modules")]
        stack += reversed(children)  # the last is popped first: keys in the order of state_dict()
    return state


def _entries(module: object, kind: str) -> Iterator[tuple[str, object]]:
    """Yield the name and the value of each entry of a module that its state_dict would contain."""
    state: Any = module.state if isinstance(module, _InertModule) else None
    entries = state.get(kind, {}) if type(state) is dict else None
    if not isinstance(entries, dict) or not all(isinstance(name, str) for name in entries):
        raise DamagedError("it does not contain a network")
    non_persistent = state.get("_non_persistent_buffers_set")
    for name, value in dict.items(entries):  # not entries.items(): a pickle can replace it
        if value is not None and not (isinstance(non_persistent, set) and name in non_persistent):
            yield name, value
