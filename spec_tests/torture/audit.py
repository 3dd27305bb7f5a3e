"""Record what the program must not do, and count the file operations that it does.

Python's audit hooks see each of these before it is done. An attempt must not start programs,
connect to others, run code that a file brought along, import what the program itself does not use,
or write outside its working folder.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

FORBIDDEN = {
    *("os.system", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "pty.spawn"),
    *("subprocess.Popen", "webbrowser.open", "urllib.Request", "ctypes.dlopen", "code.__new__"),
}
# Forbidden, except where torch's processes talk to each other.
LOCAL = {"socket.connect", "socket.bind", "socket.sendto", "pickle.find_class"}
# Events that change files, with the positions of the paths among the arguments, and of the
# descriptors of the folders to which these are relative.
CHANGES = {
    "os.chmod": ((0, 2),),
    "os.chown": ((0, 3),),
    "os.link": ((1, 3),),
    "os.mkdir": ((0, 2),),
    "os.remove": ((0, 1),),
    "os.rename": ((0, 2), (1, 3)),
    "os.rmdir": ((0, 1),),
    "os.symlink": ((1, 2),),
    "os.truncate": ((0, None),),
    "shutil.rmtree": ((0, 1),),
}
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
MAX_LINE = 5000  # characters; the rest of an event is cut off
EXCLUSIVE = os.O_CREAT | os.O_EXCL
CURRENT = -1  # a path relative to the current folder

allowed_modules: set[str] = set()  # top-level names; see `allow_modules`
allowed_lines: set[str] = set()  # of the events that sound files cause, too
operation_hooks: list[Callable[[], None]] = []  # called before each change of a file


def allow_modules(names: Iterable[str]) -> None:
    """Add modules that an attempt may import, with all others of the same packages."""
    allowed_modules.update(name.partition(".")[0] for name in names)


def watch(folder: Path, descriptor: int, *, distributed: bool = False) -> None:
    """Watch this process from now on, and write each forbidden event as a line.

    Args:
        folder: outside which nothing may be written.
        descriptor: of the file for the lines.
        distributed: whether torch's processes may talk to each other.
    """
    root = os.path.realpath(folder)
    forbidden = FORBIDDEN if distributed else FORBIDDEN | LOCAL
    checks = {"compile": _compiled, "exec": _executed, "import": _imported, "marshal.loads": _data}

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        line = None
        if event in forbidden:
            line = f"{event} {arguments!r}"
        elif event in checks:
            line = checks[event](*arguments)
        elif event in CHANGES or (event == "open" and _is_writing(*arguments)):
            outside = [path for path in _paths(event, arguments) if not _is_inside(path, root)]
            line = f"write outside {outside}" if outside else None
            for before in operation_hooks:
                before()
        line = " ".join(line.split())[:MAX_LINE] if line else None
        if line and line not in allowed_lines:
            os.write(descriptor, line.encode("utf-8", "replace") + b"\n")

    sys.addaudithook(hook)


def _is_writing(path: object, _mode: object, flags: object) -> bool:
    return path != os.devnull and isinstance(flags, int) and bool(flags & WRITING)


def _paths(event: str, arguments: tuple[Any, ...]) -> list[str]:
    """Return the real paths that an event changes; only `open` follows a link, unless forbidden."""
    if event == "open":
        path, _, flags = arguments
        if isinstance(path, int):
            return []
        path = os.fsdecode(path)
        follows = not flags & os.O_NOFOLLOW and flags & EXCLUSIVE != EXCLUSIVE
        return [os.path.realpath(path) if follows else _in_real_folder(path)]
    paths = []
    for position, folder in CHANGES[event]:
        if isinstance(path := arguments[position], int):
            continue
        path = os.fsdecode(path)
        base = CURRENT
        if folder is not None and folder < len(arguments) and arguments[folder] is not None:
            base = arguments[folder]
        if base != CURRENT and not path.startswith(os.sep):
            path = os.path.join(f"/proc/self/fd/{base}", path)  # noqa: PTH118 - a plain text
        paths.append(_in_real_folder(path))
    return paths


def _in_real_folder(path: str) -> str:
    """Return a path whose folder is real; its last part may be a link."""
    parent, name = os.path.split(path.rstrip("/"))
    return os.path.join(os.path.realpath(parent or "."), name)  # noqa: PTH118 - a plain text


def _is_inside(path: str, root: str) -> bool:
    return path == root or path.startswith(root + os.sep)


def _imported(module: str, *_: object) -> str | None:
    return None if module.partition(".")[0] in allowed_modules else f"import {module}"


def _is_installed(filename: object) -> bool:
    """Return whether code is from a file of Python, of a package, or of this project."""
    if not isinstance(filename, str):
        return False
    return filename.startswith("<frozen ") or (
        Path(filename).is_absolute() and any(filename.startswith(folder) for folder in _installed())
    )


def _installed() -> list[str]:
    project = str(Path(__file__).parents[2])
    prefixes = [sys.prefix, sys.base_prefix, project, *(path for path in sys.path if path)]
    return [os.path.join(prefix, "") for prefix in prefixes]  # noqa: PTH118 - a plain text


def _compiled(source: object, filename: object) -> str | None:
    return None if _is_installed(filename) else f"compile {source!r:.200}"


def _executed(code: Any) -> str | None:  # noqa: ANN401 - a code object
    filename = code.co_filename
    return None if _is_installed(filename) else f"exec of code from {filename!r:.200}"


def _data(_data: object) -> str | None:
    """Return the line for unmarshalled code, unless Python's import system reads its own files."""
    frame = sys._getframe(2)  # noqa: SLF001 - the only way to see who calls
    reads_module = frame.f_code.co_filename == "<frozen importlib._bootstrap_external>"
    return None if reads_module else "marshal.loads"
