"""What a file of torch.save holds, read as data: nothing that it names is imported or run (P26)."""

from __future__ import annotations

import io
import itertools
import pickletools
import re
import shutil
import zipfile
from typing import IO, Any, NamedTuple

MAX_OPCODES = 30_000  # VGG16 takes 5400; tuples nested much deeper would overflow the C stack
MAGIC = 0x1950A86A20F9469CFC6C  # begins a file of torch before 1.6
ZIP_MAGIC = b"PK\x03\x04"
MEMBERS = r"data\.pkl|version|byteorder|data/[0-9]+|\.[\w/]+"  # what torch.save puts into a zip

ITEM_SIZES = {
    "torch.DoubleStorage": 8,
    "torch.LongStorage": 8,
    "torch.FloatStorage": 4,
    "torch.IntStorage": 4,
    "torch.HalfStorage": 2,
    "torch.BFloat16Storage": 2,
    "torch.ShortStorage": 2,
    "torch.ByteStorage": 1,
    "torch.CharStorage": 1,
    "torch.BoolStorage": 1,
}


class DamagedError(ValueError):
    """A file is not as torch.save writes it."""


class Name(str):
    """A function or a class that a pickle asks for, as `module.name`."""

    __slots__ = ()


class Opcode(NamedTuple):
    """An instruction of a pickle; `value` is its argument, or what it fetches from the memo."""

    name: str
    value: Any
    source: bytes


def referenced_globals(file: IO[bytes]) -> set[str]:
    """Say what a file of torch.save asks for when it is loaded.

    Args:
        file: a zip, or a file in the format of torch before 1.6; it is left at its beginning.

    Returns:
        The functions and classes, each as `module.name`.

    Raises:
        DamagedError: torch.save has not written it so, or its tensors are not in it.
    """
    size = file.seek(0, 2)
    file.seek(0)
    try:
        if is_zip(file):
            return _globals_in_zip(file, size)
        pickles = legacy_pickles(file)
        if sum(_storages([*itertools.chain(*pickles)]).values()) > size:
            raise DamagedError("its tensors are larger than the file")
        return set().union(*map(_names, pickles))
    except (ValueError, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise DamagedError(str(error)) from error
    finally:
        file.seek(0)


def is_zip(file: IO[bytes]) -> bool:
    """Say whether torch takes a file for a zip; it is left at its beginning."""
    start = file.read(len(ZIP_MAGIC))
    file.seek(0)
    return start == ZIP_MAGIC


def legacy_pickles(file: IO[bytes]) -> list[list[Opcode]]:
    """Read the magic number, version, system, object and tensors' keys; of another file, one."""
    first = read_opcodes(file)
    if [step.value for step in first[1:]] != [MAGIC, None]:
        return [first]
    return [first, *(read_opcodes(file) for _ in range(4))]


def read_opcodes(file: IO[bytes]) -> list[Opcode]:
    """Read the instructions of one pickle, and leave the file behind its end."""
    start = file.tell()
    read: list[tuple[Any, Any, Any]] = list(
        itertools.islice(pickletools.genops(file), MAX_OPCODES + 1)
    )
    if len(read) > MAX_OPCODES:
        raise DamagedError("it takes more steps than a network of the course")
    end = file.tell()
    file.seek(start)
    source = file.read(end - start)
    bounds = itertools.pairwise([*(position - start for _, _, position in read), end - start])
    found: list[Opcode] = []
    memo: dict[int, Any] = {}
    last = None
    for (code, value, _), (begin, finish) in zip(read, bounds, strict=True):
        if code.name in ("BINPUT", "LONG_BINPUT"):
            memo[value] = last
        elif code.name in ("BINGET", "LONG_BINGET"):
            last = memo.get(value)
        else:
            last = Name(value.replace(" ", ".")) if code.name in ("GLOBAL", "INST") else value
        shown = value if code.name.endswith("PUT") else last
        found.append(Opcode(code.name, shown, source[begin:finish]))
    return found


def copy_zip(file: IO[bytes], copy: IO[bytes]) -> None:
    """Copy the members that `referenced_globals` read: torch may find another zip in the file."""
    with zipfile.ZipFile(file) as archive, zipfile.ZipFile(copy, "w") as new:
        for member in archive.infolist():
            with archive.open(member) as source, new.open(member.filename, "w") as target:
                shutil.copyfileobj(source, target)
    copy.seek(0)


def _globals_in_zip(file: IO[bytes], size: int) -> set[str]:
    with zipfile.ZipFile(file) as archive:
        members = archive.infolist()
        top = members[0].filename.partition("/")[0]
        sizes = {member.filename.removeprefix(f"{top}/"): member.file_size for member in members}
        strange = not top.strip(".") or any(not re.fullmatch(MEMBERS, name) for name in sizes)
        shifted = min(member.header_offset for member in members) > 0
        if strange or shifted or len(sizes) < len(members):
            raise DamagedError("it has members that torch.save does not write")
        if any(member.compress_type for member in members) or sum(sizes.values()) > size:
            raise DamagedError("it is compressed")
        if "byteorder" in sizes and archive.read(f"{top}/byteorder") != b"little":
            raise DamagedError("its bytes are in another order")
        if "data.pkl" not in sizes:
            raise DamagedError("it has no data.pkl")
        pickle = read_opcodes(io.BytesIO(archive.read(f"{top}/data.pkl")))
    for key, claimed in _storages(pickle).items():
        if sizes.get(f"data/{key}") != claimed:
            raise DamagedError(f"tensor {key} has not the size of its member")
    return _names(pickle)


def _names(pickle: list[Opcode]) -> set[str]:
    found: set[str] = set()
    texts = ["", ""]
    for step in pickle:
        if isinstance(step.value, Name):
            found.add(str(step.value))
        elif step.name == "STACK_GLOBAL":
            found.add(".".join(texts[-2:]))
        elif isinstance(step.value, str):
            texts.append(step.value)
    if not all(re.fullmatch(r"[\w.]{1,200}", name) for name in found):
        raise DamagedError("it asks for something without a name")
    return found


def _storages(pickle: list[Opcode]) -> dict[str, int]:
    """Return the bytes of each storage, by its key.

    The restricted unpickler of torch 2.6 believes a file that calls a storage longer than it is.
    """
    found: dict[str, int] = {}
    pushed = [step for step in pickle if not step.name.endswith("PUT")]
    for index, step in enumerate(pushed):
        if step.name != "BINPERSID" or is_module(pushed[max(index - 6, 0) : index]):
            continue
        items = [item for item in pushed[max(index - 7, 0) : index] if item.name != "NONE"]
        match [item.value for item in items[-5:]]:
            case [Name() as kind, str(key), str(), int(count), None]:
                size = count * ITEM_SIZES.get(kind, 0)
            case _:
                raise DamagedError("it names a storage in a strange way")
        if size < 0 or found.setdefault(key, size) != size:
            raise DamagedError(f"tensor {key} has two sizes")
    return found


def is_module(read: list[Opcode]) -> bool:
    """Whether the steps end in the tuple in which torch before 1.6 notes a class and its source."""
    match [step for step in read if not step.name.endswith("PUT")][-6:]:
        case [Opcode("MARK"), Opcode(value="module"), Opcode("GLOBAL"), _, _, Opcode("TUPLE")]:
            return True
    return False
