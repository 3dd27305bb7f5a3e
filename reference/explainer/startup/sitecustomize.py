"""Report how a script ends, and its warnings, without a trace that the script could notice.

Python imports a module of this name at its start. `course run` puts this folder first in
PYTHONPATH, so that it is this one. It restores PYTHONPATH and imports the environment's own
sitecustomize, if there is one. Then Python runs the script as always: `__main__`, tracebacks and
exit codes are Python's own.

Only modules that are built into Python or imported already are used: the script's folder may
contain a random.py or a typing.py, which a module imported here would hide.
"""

import sys

HAD_ATEXIT = "atexit" in sys.modules

import atexit
import os

TYPE_CHECKING = False  # typing's own would import typing
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from importlib.machinery import ModuleSpec
    from types import FrameType, ModuleType, TracebackType
    from typing import Any

    Record = Callable[[str, dict[str, Any]], None]

MAX_TEXT = 20_000  # characters of a message, which can contain the traceback of another process
MAX_CHAIN = 20  # exceptions
MAX_WARNINGS = 200  # distinct ones


def start() -> None:
    """Undo what `course run` changed for this process, and wait for warnings and the end."""
    report = os.environ.pop("COURSE_RUN_REPORT")

    def record(kind: str, fields: "dict[str, Any]") -> None:
        with open(report, "a", encoding="ascii") as file:
            file.write(f"{(kind, fields)!a}\n")

    os.environ.pop("PYTHONPATH")
    if (path := os.environ.pop("COURSE_RUN_PYTHONPATH", None)) is not None:
        os.environ["PYTHONPATH"] = path
    folder = os.path.dirname(__file__)
    sys.path.remove(folder)
    sys.path_importer_cache.pop(folder, None)
    if "warnings" in sys.modules:
        quietly(watch, sys.modules["warnings"], record)
    else:
        sys.meta_path.insert(0, WarningsFinder(record))
    report_end(record)


def report_end(record: "Record") -> None:
    """Report the exception that ended the script, if one did.

    Python stores it before it calls sys.excepthook, and calls the functions of atexit in the end:
    the script finds its own hooks as Python made them. Processes forked from this one do not count.
    """
    process = os.getpid()

    def report() -> None:
        # sys.last_exc is new in Python 3.12, and sys.last_value is deprecated
        error = getattr(sys, "last_exc", None) or getattr(sys, "last_value", None)
        if error is not None and os.getpid() == process:
            record("exception", {"chain": [described(each) for each in chain(error)]})

    atexit.register(quietly, report)


def quietly(call: "Callable[..., object]", *arguments: object) -> None:
    """Call a function; if it fails, the script still ends as under Python."""
    try:
        call(*arguments)
    except Exception:
        pass


def chain(error: BaseException) -> "Iterator[BaseException]":
    """Yield an exception, its cause or context, and so on, without those not printed."""
    seen: set[int] = set()
    following: BaseException | None = error
    while following is not None and id(following) not in seen and len(seen) < MAX_CHAIN:
        yield following
        seen.add(id(following))
        if following.__cause__ is not None:
            following = following.__cause__
        else:
            following = None if following.__suppress_context__ else following.__context__


def described(error: BaseException) -> "dict[str, Any]":
    """Return an exception as plain values: its classes, message, notes and frames."""
    places = list(frames(error.__traceback__))
    if isinstance(error, SyntaxError) and isinstance(error.filename, str) and error.lineno:
        places.append((error.filename, error.lineno))
    file = error.filename if isinstance(error, OSError) else None
    return {
        "types": [each.__name__ for each in type(error).__mro__],
        "message": text(error),
        "file": file if type(file) is str else "",
        "notes": [text(note) for note in getattr(error, "__notes__", ())],
        "frames": places,
    }


def text(value: object) -> str:
    """Return the text of an exception or a note, which can be of any class."""
    try:
        return str(value)[:MAX_TEXT]
    except BaseException:  # as Python does where it prints the traceback
        return ""


def frames(traceback: "TracebackType | None") -> "Iterator[tuple[str, int]]":
    """Yield the file and the line of each frame, outermost first."""
    while traceback is not None:
        yield traceback.tb_frame.f_code.co_filename, traceback.tb_lineno
        traceback = traceback.tb_next


def callers(frame: "FrameType | None") -> "list[tuple[str, int]]":
    """Return the file and the line of a running frame and of its callers, outermost first."""
    places = []
    while frame is not None:
        places.append((frame.f_code.co_filename, frame.f_lineno))
        frame = frame.f_back
    return places[::-1]


class WarningsFinder:
    """A finder that waits for the import of the standard library's `warnings`.

    Then it is removed. Without that module, Python prints warnings by itself, in C.
    """

    def __init__(self, record: "Record") -> None:
        self.record = record

    def find_spec(
        self, name: str, path: "Sequence[str] | None", target: "ModuleType | None" = None
    ) -> "ModuleSpec | None":
        """Return the specification of `warnings`, with a loader that lets it be watched."""
        if name != "warnings":
            return None
        sys.meta_path.remove(self)
        found = (finder.find_spec(name, path, target) for finder in sys.meta_path)
        spec = next(filter(None, found), None)
        own = os.path.join(os.path.dirname(os.__file__), "warnings.py")
        if spec is None or spec.loader is None or spec.origin != own:
            return spec
        loader: Any = spec.loader

        def exec_module(module: "ModuleType") -> None:
            del loader.exec_module
            loader.exec_module(module)
            quietly(watch, module, self.record)

        loader.exec_module = exec_module
        return spec


def watch(warnings: "Any", record: "Record") -> "Callable[[], None]":
    """Report each distinct warning after Python prints it; return a function that stops this."""
    written: set[tuple[type, str, str, int]] = set()
    show = warnings._showwarnmsg_impl  # below showwarning, which scripts replace

    def _showwarnmsg_impl(msg: "Any") -> None:
        show(msg)
        quietly(report, msg, sys._getframe(1))

    def report(msg: "Any", caller: "FrameType") -> None:
        message = text(msg.message)
        key = (msg.category, message, msg.filename, msg.lineno)
        if key not in written and len(written) < MAX_WARNINGS:
            written.add(key)
            types = [each.__name__ for each in msg.category.__mro__]
            places = [*callers(caller), (msg.filename, msg.lineno)]
            fields = {"types": types, "message": message, "file": "", "notes": []}
            record("warning", fields | {"frames": places})

    def restore() -> None:
        warnings._showwarnmsg_impl = show

    warnings._showwarnmsg_impl = _showwarnmsg_impl
    return restore


if __name__ == "sitecustomize":
    start()
    if not HAD_ATEXIT:
        del sys.modules["atexit"]
    del sys.modules["sitecustomize"]
    # Without one, the error is as Python's module site expects it.
    import sitecustomize  # type: ignore[import-not-found] # noqa: F401 - the environment's own
