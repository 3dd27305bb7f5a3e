"""Malicious and damaged checkpoints, and harmless ones that are made of the same parts.

Each generator yields pairs of a name, which the tests report, and the file's content.
"""

import itertools
import os
import pickle
import struct
import zipfile
from collections.abc import Callable, Iterator

import torch

from reference.models.course import Tudui
from spec_tests.support.pickle_builder import (
    MAGIC,
    call,
    entry,
    legacy,
    network,
    number,
    pickle_of,
    saved,
    storage,
    tensor,
    text,
    with_member,
    zip_of_tensor,
    zipped,
)

# A function that a pickle calls, as (module, name, argument). {canary} is replaced by the path of
# a file that exists only if the call was made.
CALLS = {
    "os.system": ("os", "system", "touch {canary}"),
    "posix.system": ("posix", "system", "touch {canary}"),
    "os.popen": ("os", "popen", "touch {canary}"),
    "subprocess.getoutput": ("subprocess", "getoutput", "touch {canary}"),
    "subprocess.Popen": ("subprocess", "Popen", "touch"),
    "builtins.eval": ("builtins", "eval", "open('{canary}', 'w')"),
    "builtins.exec": ("builtins", "exec", "open('{canary}', 'w')"),
    "__builtin__.eval": ("__builtin__", "eval", "open('{canary}', 'w')"),
    "builtins.open": ("builtins", "open", "{canary}"),
    "builtins.__import__": ("builtins", "__import__", "antigravity"),
    "importlib.import_module": ("importlib", "import_module", "antigravity"),
    "socket.create_connection": ("socket", "create_connection", "localhost"),
    "webbrowser.open": ("webbrowser", "open", "file://{canary}"),
    "ctypes.CDLL": ("ctypes", "CDLL", "libc.so.6"),
    "runpy.run_path": ("runpy", "run_path", "{canary}"),
    "code.interact": ("code", "interact", "{canary}"),
    "shutil.rmtree": ("shutil", "rmtree", "{canary}"),
    "operator.attrgetter": ("operator", "attrgetter", "system"),
    "functools.partial": ("functools", "partial", "system"),
    "pickle.loads": ("pickle", "loads", "cos"),
    "torch.load": ("torch", "load", "{canary}"),
    "torch.hub.load": ("torch.hub", "load", "{canary}"),
    "torch.serialization.load": ("torch.serialization", "load", "{canary}"),
    "torch.jit.load": ("torch.jit", "load", "{canary}"),
    "torch.utils.cpp_extension.load": ("torch.utils.cpp_extension", "load", "{canary}"),
    "numpy.load": ("numpy", "load", "{canary}"),
    "antigravity.fly": ("antigravity", "fly", "{canary}"),  # would be imported
}


def calls(canary: str) -> Iterator[tuple[str, bytes]]:
    """Yield pickles that call a function, in each format and at each place of the file."""
    for name, (module, function, argument) in CALLS.items():
        yield (
            f"zip {name}",
            zipped(pickle_of(call(module, function, argument.format(canary=canary)))),
        )
    touch = call("posix", "system", f"touch {canary}")
    for name in ("os.system", "builtins.exec", "torch.hub.load"):
        module, function, argument = CALLS[name]
        yield (
            f"legacy {name}",
            legacy(pickle_of(call(module, function, argument.format(canary=canary)))),
        )
    yield "legacy call in the magic number", pickle_of(touch)
    yield (
        "legacy call in the version",
        legacy(pickle_of(b"}")).replace(pickle.dumps(1001, 2), pickle_of(touch)),
    )
    yield "legacy call in the keys", legacy(pickle_of(entry("a", b"K\x01")), touch)
    yield "call in a state_dict", zipped(pickle_of(entry("model", entry("weight", touch))))
    yield "call in a network", zipped(pickle_of(network(entry("_parameters", touch))))
    yield "call in a legacy network", legacy(pickle_of(network(entry("_parameters", touch))))
    yield "call of the network's class", zipped(pickle_of(call("tudui", "Tudui", "touch")))
    yield (
        "object of subprocess.Popen",
        zipped(pickle_of(network(entry("args", text("x")), "subprocess\nPopen"))),
    )
    yield "inst", zipped(pickle_of(b"(" + text(f"touch {canary}") + b"iposix\nsystem\n"))
    for protocol in (0, 3, 4, 5):
        yield f"protocol {protocol}", pickle.dumps(Touch(canary), protocol)
        yield f"zip of protocol {protocol}", zipped(pickle.dumps(Touch(canary), protocol))
    attribute = b"cbuiltins\ngetattr\n" + b"cposix\n__dict__\n" + text("system") + b"\x86R"
    yield "getattr", zipped(pickle_of(attribute))
    rebuilt = b"ctorch._tensor\n_rebuild_from_type_v2\n(cposix\nsystem\n"
    yield "call through torch", zipped(pickle_of(rebuilt + b"ctorch\nTensor\n)}tR"))
    hooked = tensor(storage(4), 0, (4,), (1,)).replace(b"ccollections\nOrderedDict\n)R", touch)
    yield "call in the hooks", zip_of_tensor(hooked)
    source = b"(" + text("module") + b"cposix\nsystem\n" + text("a.py") + text("x") + b"tQ"
    yield (
        "legacy call in the source",
        legacy(pickle_of(source + text(f"touch {canary}") + b"\x85R")),
    )


class Touch:
    """Creates a file when its pickle is loaded."""

    def __init__(self, canary: str) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, (f"touch {self.canary}",)


def containers() -> Iterator[tuple[str, bytes]]:
    """Yield damaged files, and files with more members or data than torch.save writes."""
    good, old = saved(Tudui().state_dict()), saved(Tudui().state_dict(), zipped=False)
    whole_network = saved(Tudui())
    for part in range(20):
        yield f"zip cut at {part}/20", good[: len(good) * part // 20]
        yield f"legacy cut at {part}/20", old[: len(old) * part // 20]
        yield f"network cut at {part}/20", whole_network[: len(whole_network) * part // 20]
    yield "another magic number", legacy(pickle_of(b"}"), magic=MAGIC + 1)
    yield "another zip signature", b"PK\x05\x06" + good[4:]
    yield "not a torch file", b"\x89PNG\r\n\x1a\n" + bytes(100)
    yield "bytes in the other order", with_member("archive/byteorder", b"big")
    yield "bytes in no order", with_member("archive/byteorder", b"middle")
    for name in ("archive/evil.py", "evil.py", "archive/code/a.py", "archive/constants.pkl"):
        yield f"extra member {name}", with_member(name)
    for name in ("../evil", "/etc/evil", "archive/../../evil", "archive/data/../0"):
        yield f"path {name}", with_member(name)
    above = zipped(
        pickle_of(entry("a", tensor(storage(4), 0, (4,), (1,)))), {"../data/0": bytes(16)}
    )
    yield "members above the folder", above.replace(b"archive/", b"../../x/")
    good_view, bad_view = (zip_of_tensor(tensor(storage(n), 0, (4,), (1,))) for n in (4, 5))
    yield "zip before the zip", bad_view + good_view
    for name, size in {"compressed": 16, "bomb of zeros": 2**26}.items():
        zeros = entry("a", tensor(storage(size, "ByteStorage"), 0, (size,), (1,)))
        members = {"archive/data/0": bytes(size)}
        yield name, zipped(pickle_of(zeros), members, zipfile.ZIP_DEFLATED)
    yield "bomb of a pickle", zipped(pickle_of(b"]" + b"N0" * 2**24), None, zipfile.ZIP_DEFLATED)
    claimed = bytearray(zipped(pickle_of(b"}"), {"archive/data/0": bytes(16)}))
    entry_start = claimed.rfind(b"PK\x01\x02")  # of the last entry in the central directory
    # at 20 the compressed size, at 24 the uncompressed one
    claimed[entry_start + 20 : entry_start + 28] = struct.pack("<2I", 2**31, 2**31)
    yield "member of 2 GB", bytes(claimed)


def tensors() -> Iterator[tuple[str, bytes]]:
    """Yield tensors that need more data than the file contains."""
    for numel in (5, 2**20, 2**40, 2**62, -1):
        yield f"storage of {numel}", zip_of_tensor(tensor(storage(numel), 0, (4,), (1,)))
        claim = tensor(storage(numel, end=b"N"), 0, (4,), (1,))
        rest = struct.pack("<q", 4) + bytes(16)
        stored = pickle_of(entry("a", claim))
        yield f"legacy storage of {numel}", legacy(stored, b"]" + text("0") + b"a", rest)
    for name, offset, size, stride in (
        ("huge", 0, (2**40,), (1,)),
        ("huger", 0, (2**62, 2**62), (1, 1)),
        ("expanded", 0, (2**40,), (0,)),
        ("expanded twice", 0, (2**20, 2**20), (0, 0)),
        ("expanded a little", 0, (5,), (0,)),
        ("negative size", 0, (-4,), (1,)),
        ("negative stride", 3, (4,), (-1,)),
        ("negative offset", -1, (4,), (1,)),
        ("offset", 4, (1,), (1,)),
        ("offset of 2**62", 2**62, (4,), (1,)),
        ("stride", 0, (4,), (2,)),
        ("stride of 2**62", 0, (4,), (2**62,)),
        ("fewer strides", 0, (2, 2), (1,)),
    ):
        yield f"tensor: {name}", zip_of_tensor(tensor(storage(4), offset, size, stride))
        stored = pickle_of(entry("a", tensor(storage(4, end=b"N"), offset, size, stride)))
        rest = struct.pack("<q", 4) + bytes(16)
        yield f"legacy tensor: {name}", legacy(stored, b"]" + text("0") + b"a", rest)
    yield "tensor without its member", zip_of_tensor(tensor(storage(4, key="1"), 0, (4,), (1,)))
    key = storage(2**20).replace(text("0"), text("0") + b"q\x07")
    swapped = key.replace(number(2**20) + b"t", number(4) + b"q\x08" + number(2**20) + b"t")
    yield "storage of six items", zip_of_tensor(tensor(swapped, 0, (4,), (1,)))
    yield "bytearray", zipped(pickle_of(b"cbuiltins\nbytearray\n" + number(2**40) + b"\x85R"))
    yield (
        "bytearray in a state_dict",
        zipped(pickle_of(entry("a", b"c__builtin__\nbytearray\n" + number(2**30) + b"\x85R"))),
    )
    yield "meta tensor", saved({"a": torch.zeros(4, device="meta")})
    yield "sparse tensor", saved({"a": torch.eye(3).to_sparse()})
    yield (
        "quantized tensor",
        saved({"a": torch.quantize_per_tensor(torch.ones(2), 1, 0, torch.qint8)}),
    )


def structures() -> Iterator[tuple[str, bytes]]:
    """Yield containers that contain themselves, or too much."""
    yield "dict in itself", zipped(pickle_of(b"}q\x00" + text("model") + b"h\x00s"))
    yield "list in itself", zipped(pickle_of(b"]q\x00h\x00a"))
    weights = text("model") + entry("a", tensor(storage(4), 0, (4,), (1,))) + b"s"
    members = {"archive/data/0": bytes(16)}
    circle = text("config") + b"}q\x00" + text("data") + b"h\x00ss"
    yield "config in itself", zipped(pickle_of(b"}" + weights + circle), members)
    deep = text("config") + b"]" * 5000 + b"a" * 4999 + b"s"
    yield "deep config", zipped(pickle_of(b"}" + weights + deep), members)
    yield "deep key", zipped(pickle_of(b"}" + b")" + b"\x85" * 20000 + b"Ns"))
    yield "deeper key", zipped(pickle_of(b"}" + b")" + b"\x85" * 10**6 + b"Ns"))
    yield "deep lists", zipped(pickle_of(b"]" * 10**5 + b"a" * (10**5 - 1)))
    yield "many opcodes", zipped(pickle_of(b"]" + b"NNNN" * 10**6))
    # "Billion laughs": each list contains the previous one 501 times.
    laughs = b"]q\x00" + b"".join(
        b"](" + b"h" + bytes([i]) + (b"h" + bytes([i])) * 500 + b"eq" + bytes([i + 1])
        for i in range(6)
    )
    yield "laughs", zipped(pickle_of(entry("model", b"]" + laughs)))
    child = entry("_modules", b"}" + text("a") + b"h\x00s")
    yield "network in itself", zipped(pickle_of(b"c__main__\nTudui\n)\x81q\x00" + child + b"b"))
    twice = b"}" + text("a") + b"h\x00s" + text("b") + b"h\x00s"
    double = b"c__main__\nTudui\n)\x81q\x00" + entry("_modules", twice) + b"b"
    yield "network twice in itself", zipped(pickle_of(double))
    for name, state in {
        "no state": b"N",
        "a list": b"]",
        "no weights": b"}",
        "parameters that are not tensors": entry("_parameters", entry("a", b"K\x01")),
        "parameters without names": entry("_parameters", b"}K\x01K\x01s"),
        "modules that are not modules": entry("_modules", entry("a", b"K\x01")),
        "a slot": b"N" + entry("__class__", b"K\x01") + b"\x86",
    }.items():
        yield f"network with {name}", zipped(pickle_of(network(state)))
    yield "class instead of a network", zipped(pickle_of(b"c__main__\nTudui\n"))
    yield "huge number", saved({"a": 2**2000, "model": 10**600})
    yield "strings instead of tensors", saved({"a": "b", "c": b"d"})


def files(canary: str) -> dict[str, bytes]:
    """Return the content of every malicious file, by name."""
    return dict(itertools.chain(calls(canary), containers(), tensors(), structures()))


def harmless() -> Iterator[tuple[str, bytes]]:
    """Yield valid files made of the same parts, which must load."""
    rest = struct.pack("<q", 4) + bytes(16)
    views = {"whole": (4,), "square": (2, 2)}
    for name, size in views.items():
        stride = (2, 1)[-len(size) :]
        weight = tensor(storage(4), 0, size, stride)
        old = tensor(storage(4, end=b"N"), 0, size, stride)
        members = {"archive/data/0": bytes(16)}
        parameters = entry("_parameters", entry("weight", weight))
        yield f"tensor: {name}", zip_of_tensor(weight)
        yield (
            f"legacy tensor: {name}",
            legacy(pickle_of(entry("a", old)), b"]" + text("0") + b"a", rest),
        )
        yield f"network: {name}", zipped(pickle_of(network(parameters)), members)
        config = b"}" + text("model") + entry("a", weight) + b"s" + text("config") + b"]]as"
        yield f"checkpoint: {name}", zipped(pickle_of(config), members)
        nested = network(entry("_modules", entry("a", network(parameters))))
        yield f"nested network: {name}", zipped(pickle_of(nested), members)
        methods = b"ccollections\nOrderedDict\n)R" + text("a") + weight + b"s"
        methods += entry("items", b"K\x01") + b"b"
        yield f"dict with methods: {name}", zipped(pickle_of(methods), members)
