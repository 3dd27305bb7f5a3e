"""A grammar of pickles: opcodes with right and wrong arguments, and edits of sound pickles."""

from __future__ import annotations

import itertools
import pickletools

from hypothesis import strategies as st

NAMES = (
    *("os system", "posix system", "builtins eval", "builtins exec", "builtins getattr"),
    *("builtins bytearray", "builtins print", "__builtin__ set", "subprocess Popen"),
    *("numpy.core.multiarray _reconstruct", "numpy._core.multiarray _reconstruct"),
    *("numpy ndarray", "numpy dtype", "numpy.core.multiarray scalar", "numpy load"),
    *("numpy.core.numeric _frombuffer", "numpy memmap", "_codecs encode", "codecs decode"),
    *("collections OrderedDict", "collections defaultdict", "copyreg _reconstructor"),
    *("torch._utils _rebuild_tensor_v2", "torch._utils _rebuild_parameter", "torch load"),
    *("torch._utils _rebuild_sparse_tensor", "torch._utils _rebuild_qtensor"),
    *("torch._utils _rebuild_wrapper_subclass", "torch._utils _rebuild_device_tensor_from_numpy"),
    *("torch._tensor _rebuild_from_type_v2", "torch Tensor", "torch device", "torch Size"),
    *("torch FloatStorage", "torch LongStorage", "torch.storage UntypedStorage"),
    *("torch.storage TypedStorage", "torch.nn.parameter Parameter", "torch.jit load"),
    *("torch.nn.modules.linear Linear", "torch.nn.modules.conv Conv2d", "__main__ Tudui"),
    *("torch.serialization _get_layout", "torch.hub load", "antigravity fly"),
)
WORDS = (
    *("data", "labels", "label_names", "model", "optimizer", "epoch", "step", "rng", "config"),
    *("storage", "cpu", "cuda:0", "meta", "0", "latin1", "u1", "O8", "|", "<", "b", "id", "state"),
)
LIMITS = (0, 1, 2, 3, 127, 128, 255, 256, 2**15, 2**16, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1)
TEXTS = (*WORDS, "0", "-1", "1" * 5000, "1e999", "nan", "'a'", "L", "\\", "é")
LARGEST = 2**22  # bytes of an instruction that is repeated
EDITS = ("replace", "insert", "remove", "repeat", "many", "swap", "name")
COUNTED = {
    pickletools.TAKEN_FROM_ARGUMENT1: 1,
    pickletools.TAKEN_FROM_ARGUMENT4: 4,
    pickletools.TAKEN_FROM_ARGUMENT4U: 4,
    pickletools.TAKEN_FROM_ARGUMENT8U: 8,
}


def _integers(size: int) -> st.SearchStrategy[bytes]:
    """Little-endian integers of so many bytes, often at a limit."""
    limit = 2 ** (8 * size)
    chosen = st.sampled_from(LIMITS).map(lambda value: value % limit)
    return (chosen | st.integers(0, limit - 1)).map(lambda value: value.to_bytes(size, "little"))


def _counted(size: int) -> st.SearchStrategy[bytes]:
    """Bytes after their length in so many bytes; the length may be wrong."""
    text = st.sampled_from(WORDS).map(str.encode) | st.binary(max_size=20)
    right = text.map(lambda data: len(data).to_bytes(size, "little") + data)
    return right | st.builds(bytes.__add__, _integers(size), text)


def _name(name: str) -> bytes:
    return name.replace(" ", "\n").encode() + b"\n"


def _argument(opcode: pickletools.OpcodeInfo) -> st.SearchStrategy[bytes]:
    if opcode.name in ("GLOBAL", "INST"):
        return st.sampled_from(NAMES).map(_name)
    if opcode.arg is None:
        return st.just(b"")
    if opcode.arg.n in COUNTED:
        return _counted(COUNTED[opcode.arg.n])
    if opcode.arg.n == pickletools.UP_TO_NEWLINE:
        line = st.sampled_from(TEXTS) | st.integers().map(str)
        return line.map(lambda text: f"{text}\n".encode())
    return _integers(opcode.arg.n)


def _instructions_of(opcode: pickletools.OpcodeInfo) -> st.SearchStrategy[bytes]:
    code = opcode.code.encode("latin-1")
    return _argument(opcode).map(lambda argument: code + argument)


INSTRUCTIONS = st.one_of([_instructions_of(opcode) for opcode in pickletools.opcodes])


def streams() -> st.SearchStrategy[bytes]:
    """Return a strategy for pickles of random opcodes."""
    header = st.sampled_from([b"\x80\x02", b"\x80\x04", b"", b"\x80\x05\x95\x08\0\0\0\0\0\0\0"])
    body = st.lists(INSTRUCTIONS, max_size=30).map(b"".join)
    return st.builds(lambda start, middle: start + middle + b".", header, body)


def split(pickled: bytes) -> list[bytes]:
    """Cut a sound pickle into its instructions."""
    starts = [position for _, _, position in pickletools.genops(pickled)]
    return [pickled[a:b] for a, b in itertools.pairwise([*starts, len(pickled)])]


def length(data: bytes) -> int:
    """Return the length of the sound pickle that data begin with, up to its STOP."""
    return max(position for _, _, position in pickletools.genops(data)) + 1


@st.composite
def edited(draw: st.DrawFn, pickled: bytes) -> bytes:
    """Return a pickle with a few of its instructions changed; what follows STOP is kept."""
    parts = split(pickled)
    for _ in range(draw(st.integers(1, 4))):
        if not parts:
            break
        where = draw(st.integers(0, len(parts) - 1))
        edit = draw(st.sampled_from(EDITS))
        if edit == "name":
            if names := [index for index, part in enumerate(parts) if part[:1] in b"ci"]:
                index = draw(st.sampled_from(names))
                parts[index] = parts[index][:1] + _name(draw(st.sampled_from(NAMES)))
        elif edit == "swap":
            other = draw(st.integers(0, len(parts) - 1))
            parts[where], parts[other] = parts[other], parts[where]
        elif edit == "many":
            # Not of an image's bytes: gigabytes would be the harness's memory, not the program's.
            most = max(LARGEST // len(parts[where]), 2)
            parts[where] *= min(draw(st.sampled_from([2, 100, 40_000])), most)
        elif edit == "remove":
            del parts[where]
        else:
            new = parts[where] if edit == "repeat" else draw(INSTRUCTIONS)
            parts[where : where + (edit == "replace")] = [new]
    return b"".join(parts)
