"""Import adapters: built in, by the dotted name of a module, or by the path of a file."""

import importlib
import importlib.util
import os
import shlex
import sys
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from spec_tests import implementations
from spec_tests.harness import engine_process
from spec_tests.implementations import DiedError, Implementation

FOLDER = Path(implementations.__file__).parent
JAVASCRIPT = {path.stem: path for path in sorted((FOLDER / "javascript").glob("[!_]*.mjs"))}
BUILT_IN = sorted(
    [*JAVASCRIPT, *(path.stem.replace("torch_", "torch.") for path in FOLDER.glob("[!_]*.py"))]
)
SERVER = "spec_tests.harness.serve"
CALL_SECONDS = 60
HINT = "for an adapter anywhere on disk, give its file (--impl path/to/adapter.py)"


def load(name: str, *, isolate: bool = False, seconds: float = CALL_SECONDS) -> Implementation:
    """Import an adapter and return its implementation, under the name given.

    Args:
        name: a built-in adapter (`torch.compile`), the dotted name of a module (`mine.adapter`),
            the path of a file (`path/to/adapter.py`), which may import modules of its folder, or
            `exec:` and a command that speaks the protocol (docs/PROTOCOL.md).
        isolate: run the adapter in a process of its own, as `exec:` does.
        seconds: how long one call may take in such a process.

    Raises:
        pytest.UsageError: it cannot be imported, or has no functions; the message is one line.
    """
    if name.startswith("exec:"):
        command = shlex.split(name.removeprefix("exec:"), posix=os.name != "nt")
        return _in_a_process(name, command, seconds)
    if name in JAVASCRIPT:
        return _in_a_process(name, ["node", str(JAVASCRIPT[name])], seconds)
    if isolate:
        return _in_a_process(name, [sys.executable, "-m", SERVER, name], seconds)
    if name in BUILT_IN:
        dotted = f"{implementations.__name__}.{name.replace('.', '_')}"
        module = _imported(name, lambda: importlib.import_module(dotted))
    elif name.endswith(".py"):
        module = _imported(name, lambda: _module_of(Path(name)))
    else:
        module = _imported(name, lambda: importlib.import_module(name))
    if implementation := getattr(module, "IMPLEMENTATION", None):
        return replace(implementation, name=name)
    return _wrap(module, name)


def _in_a_process(name: str, command: list[str], seconds: float) -> Implementation:
    environment = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}  # as in this process
    try:
        return engine_process.implementation(name, command, seconds, environment)
    except (DiedError, OSError) as error:
        raise pytest.UsageError(f"--impl {name}: {_in_one_line(error)}") from None


def _imported(name: str, function: Callable[[], ModuleType]) -> ModuleType:
    """Import a module; print each warning in one line, which would otherwise be an error."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        try:
            module = function()
        except ModuleNotFoundError as error:
            unknown = error.name and name.partition(".")[0] == error.name.partition(".")[0]
            hint = f"; {HINT}; built in are {', '.join(BUILT_IN)}" if unknown else ""
            raise pytest.UsageError(f"--impl {name}: {error}{hint}") from None
        except pytest.UsageError:
            raise
        except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever an adapter raises
            raise pytest.UsageError(f"--impl {name}: {_in_one_line(error)}") from None
    for warning in caught:
        print(f"--impl {name}: {_in_one_line(warning.message)}", file=sys.stderr)
    return module


def _in_one_line(error: BaseException | str) -> str:
    lines = str(error).splitlines() or [""]
    return f"{type(error).__name__}: {lines[0]}"


def _module_of(path: Path) -> ModuleType:
    """Import a file as a module of its stem; its folder is on the path meanwhile."""
    if not path.is_file():
        raise pytest.UsageError(f"--impl {path}: no such file")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise pytest.UsageError(f"--impl {path}: not a Python file")
    module = importlib.util.module_from_spec(spec)
    folder = str(path.resolve().parent)
    sys.path.insert(0, folder)
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(folder)
    return module


def _wrap(module: ModuleType, name: str) -> Implementation:
    """Return the implementation that a plain module of functions is."""
    public = {key: value for key, value in vars(module).items() if not key.startswith("_")}
    functions = {key: value for key, value in public.items() if callable(value)}
    if not functions:
        names = "an adapter's have the names of the operators"
        raise pytest.UsageError(f"--impl {name}: no functions: {names}")
    return Implementation(
        name=name,
        functions=functions,
        description=public.get("DESCRIPTION", ""),
        library_errors=public.get("LIBRARY_ERRORS", ()),
        use=public.get("use"),
    )
