"""Read the pickles in a file of torch.save as data, without importing or running anything (P26)."""

from __future__ import annotations

import io
import itertools
import pickletools
import re
import shutil
import zipfile
from typing import IO, Any, NamedTuple

MAX_OPCODES = 30_000  # VGG16 has 5400; much deeper nested tuples would overflow the C stack
MAGIC = 0x1950A86A20F9469CFC6C  # the first pickle of a file written by torch before 1.6
ZIP_MAGIC = b"PK\x03\x04"
MEMBERS = r"data\.pkl|version|byteorder|data/[0-9]+|\.[\w/]+"  # what torch.save puts into a zip

ITEM_SIZES = {  # bytes of one element
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
    """A file differs from what torch.save writes; the message says how."""


class GlobalName(str):
    """A function or a class that a pickle refers to, as `module.name`."""

    __slots__ = ()


class Opcode(NamedTuple):
    """One opcode of a pickle.

    Args:
        name: as in pickletools, such as BINUNICODE.
        value: its argument; for BINGET and LONG_BINGET, the value that they fetch from the memo.
        source: its bytes, argument included.
    """

    name: str
    value: Any
    source: bytes


def referenced_globals(file: IO[bytes]) -> set[str]:
    """Return the functions and classes that a file of torch.save refers to.

    Args:
        file: a zip, or a file in the format of torch before 1.6; its position is reset to 0.

    Returns:
        The names, each as `module.name`.

    Raises:
        DamagedError: torch.save does not write such a file, or its tensors' data is missing.
    """
    size = file.seek(0, 2)
    file.seek(0)
    try:
        if is_zip(file):
            return _globals_in_zip(file, size)
        pickles = read_legacy_pickles(file)
        if sum(_storage_sizes([*itertools.chain(*pickles)]).values()) > size:
            raise DamagedError("its tensors are larger than the file")
        return set().union(*map(_globals_in, pickles))
    except (ValueError, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise DamagedError(str(error)) from error
    finally:
        file.seek(0)


def is_zip(file: IO[bytes]) -> bool:
    """Return whether torch would read a file as a zip; its position is reset to 0."""
    start = file.read(len(ZIP_MAGIC))
    file.seek(0)
    return start == ZIP_MAGIC


def read_legacy_pickles(file: IO[bytes]) -> list[list[Opcode]]:
    """Read the opcodes of each pickle in a file in the format of torch before 1.6.

    Such a file is five pickles, one after the other, and then the data of the storages:

        magic number, protocol version, system info, the saved object, keys of the storages

    Of a file that does not begin with the magic number only the first pickle is read: torch.load
    reads no further either.
    """
    first = read_opcodes(file)
    if [opcode.value for opcode in first[1:]] != [MAGIC, None]:  # PROTO, LONG1 and STOP
        return [first]
    return [first, *(read_opcodes(file) for _ in range(4))]


def read_opcodes(file: IO[bytes]) -> list[Opcode]:
    """Read the opcodes of one pickle, and leave the file's position after its end."""
    start = file.tell()
    parsed: list[tuple[Any, Any, Any]] = list(
        itertools.islice(pickletools.genops(file), MAX_OPCODES + 1)
    )
    if len(parsed) > MAX_OPCODES:
        raise DamagedError(f"it has more than {MAX_OPCODES} opcodes")
    end = file.tell()
    file.seek(start)
    source = file.read(end - start)
    bounds = itertools.pairwise([*(position - start for _, _, position in parsed), end - start])
    opcodes: list[Opcode] = []
    memo: dict[int, Any] = {}
    last = None  # the last opcode's value: what a PUT stores in the memo
    for (code, value, _), (begin, finish) in zip(parsed, bounds, strict=True):
        if code.name in ("BINPUT", "LONG_BINPUT"):
            memo[value] = last
        elif code.name in ("BINGET", "LONG_BINGET"):
            last = memo.get(value)
        else:  # pickletools separates module and name by a space
            is_global = code.name in ("GLOBAL", "INST")
            last = GlobalName(value.replace(" ", ".")) if is_global else value
        shown = value if code.name.endswith("PUT") else last
        opcodes.append(Opcode(code.name, shown, source[begin:finish]))
    return opcodes


def copy_zip(file: IO[bytes], copy: IO[bytes]) -> None:
    """Copy a zip's members, as `referenced_globals` reads them, into a new zip.

    A file can contain two zips, of which zipfile finds one and torch's own reader the other.
    Nothing but the members that were checked is in the copy.
    """
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
        unknown = not top.strip(".") or any(not re.fullmatch(MEMBERS, name) for name in sizes)
        shifted = min(member.header_offset for member in members) > 0  # data before the zip
        if unknown or shifted or len(sizes) < len(members):
            raise DamagedError("it has members that torch.save does not write")
        if any(member.compress_type for member in members) or sum(sizes.values()) > size:
            raise DamagedError("it is compressed")
        if "byteorder" in sizes and archive.read(f"{top}/byteorder") != b"little":
            raise DamagedError("its bytes are in another order")
        if "data.pkl" not in sizes:
            raise DamagedError("it has no data.pkl")
        pickle = read_opcodes(io.BytesIO(archive.read(f"{top}/data.pkl")))
    for key, claimed in _storage_sizes(pickle).items():
        if sizes.get(f"data/{key}") != claimed:
            raise DamagedError(f"storage {key} and its member differ in size")
    return _globals_in(pickle)


def _globals_in(pickle: list[Opcode]) -> set[str]:
    names: set[str] = set()
    texts = ["", ""]
    for opcode in pickle:
        if isinstance(opcode.value, GlobalName):
            names.add(str(opcode.value))
        elif opcode.name == "STACK_GLOBAL":  # takes module and name from the stack
            names.add(".".join(texts[-2:]))
        elif isinstance(opcode.value, str):
            texts.append(opcode.value)
    if not all(re.fullmatch(r"[\w.]{1,200}", name) for name in names):
        raise DamagedError("it refers to a function or a class by an invalid name")
    return names


def _storage_sizes(pickle: list[Opcode]) -> dict[str, int]:
    """Return the size in bytes of each storage, by its key, as the pickle claims it.

    Callers compare it with the data in the file, because torch 2.6 does not: its restricted
    unpickler trusts the size in the pickle even where the file has less data.
    """
    sizes: dict[str, int] = {}
    pushed = [opcode for opcode in pickle if not opcode.name.endswith("PUT")]
    for index, opcode in enumerate(pushed):
        if opcode.name != "BINPERSID" or ends_with_class_source(pushed[max(index - 6, 0) : index]):
            continue
        # MARK "storage" kind key device numel TUPLE; before 1.6 with None after numel
        items = [item for item in pushed[max(index - 7, 0) : index] if item.name != "NONE"]
        match [item.value for item in items[-5:]]:
            case [GlobalName() as kind, str(key), str(), int(numel), None]:  # TUPLE has no value
                size = numel * ITEM_SIZES.get(kind, 0)
            case _:
                raise DamagedError("it refers to a storage in an unknown form")
        if size < 0 or sizes.setdefault(key, size) != size:
            raise DamagedError(f"storage {key} has two sizes, or a negative one")
    return sizes


def ends_with_class_source(opcodes: list[Opcode]) -> bool:
    """Return whether the last opcodes build a class with its source code, as torch before 1.6 did.

    For each class of a saved module the file has the tuple ("module", class, path of the source
    file, source code), which BINPERSID then passes to the unpickler:

        MARK "module" GLOBAL path source TUPLE

    A PUT, which stores a value in the memo, can follow each of them but MARK. A GET from the memo
    can replace a text, and so can None where torch did not find the source.
    """
    match [opcode for opcode in opcodes if not opcode.name.endswith("PUT")][-6:]:
        case [Opcode("MARK"), Opcode(value="module"), Opcode("GLOBAL"), _, _, Opcode("TUPLE")]:
            return True
    return False
