"""`course run`: a script does and prints what it does under `python`, byte for byte."""

import os
import re
import signal
import subprocess
import sys
import textwrap
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

posix = pytest.mark.skipif(sys.platform == "win32", reason="signals and forks of POSIX")
# As the program `course`: Python adds no working folder to sys.path, where modules may hide others.
COURSE_RUN = [sys.executable, "-P", "-m", "reference", "run"]

SOUND = {
    "arguments": "import sys; print(sys.argv, sys.orig_argv[1:])",
    "main-module": """
        print({name: repr(value) for name, value in globals().items()})
        x: int = 1
        print(__annotations__)
    """,
    "interpreter": """
        import sys
        print(sys.path, sys.flags, sys.warnoptions, sorted(sys.modules), sys.path_importer_cache)
        print(sys.excepthook is sys.__excepthook__, getattr(sys, "customized", ""))
        import os, threading
        print(threading.active_count(), os.getcwd(), sys.executable, dict(os.environ))
        from signal import *
        print([(number, getsignal(number)) for number in sorted(valid_signals())])
    """,
    "standard-streams": """
        import os, sys
        for stream in (sys.stdin, sys.stdout, sys.stderr):
            print(stream, stream.isatty(), stream.errors, stream.line_buffering, stream.fileno())
        print(sys.stdin.read(), file=sys.stderr)
        print(sorted(os.listdir("/proc/self/fd")) if sys.platform == "linux" else "")
    """,
    "pieces-of-lines": """
        import sys
        print("a", end=""); print("b", end="", file=sys.stderr, flush=True); print("c", end="")
    """,
    "exit-code": "import sys; sys.exit(3)",
    "exit": "raise SystemExit",
    "exit-message": "raise SystemExit('stop: 停')",
    "exit-object": "raise SystemExit({'a': [1]})",
    "exit-huge-code": "raise SystemExit(2**70)",
    "exit-at-once": "import os; print('lost'); os._exit(7)",
    "exception-caught-and-shown": """
        import sys, traceback
        try:
            1 / 0
        except ZeroDivisionError:
            traceback.print_exc()
            sys.excepthook(*sys.exc_info())
    """,
    "exception-in-atexit": """
        import atexit, sys
        atexit.register(lambda: print("last", getattr(sys, "last_value", None)))
        atexit.register(lambda: 1 / 0)
    """,
    "exception-in-thread": """
        import threading
        def work():
            raise ValueError("in a thread")
        thread = threading.Thread(target=work, name="worker")
        thread.start()
        thread.join()
    """,
    "exception-in-finalizer": """
        class Noisy:
            def __del__(self):
                raise ValueError("ignored")
        Noisy()
    """,
    "thread-outlives-script": """
        import threading, time
        threading.Thread(target=lambda: (time.sleep(0.1), print("after"))).start()
        print("before")
    """,
    "warnings": """
        import sys, warnings
        def old():
            warnings.warn("old", DeprecationWarning, stacklevel=2)
        for _ in range(2):
            old()
            warnings.warn("twice")
        warnings.warn("多行\\n文字", RuntimeWarning)
        warnings.warn_explicit("elsewhere", UserWarning, "no-such-file.py", 7)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            warnings.warn("caught")
        print(caught, warnings.showwarning, warnings.filters)
    """,
    "warnings-shown-by-script": """
        import logging, warnings
        warnings.formatwarning = lambda message, *rest: f"<{message}>\\n"
        warnings.warn("formatted")
        warnings.showwarning = lambda *arguments: print(arguments)
        warnings.warn("shown")
        logging.captureWarnings(True)
        warnings.warn("logged")
    """,
    "warning-of-unclosed-file": """
        import tracemalloc, warnings
        tracemalloc.start()
        warnings.simplefilter("always")
        file = open(__file__)
        del file
    """,
    "warnings-of-syntax": "x = '\\\\m'\nassert (1, 'always true')\nx is 1",
    "source-and-pickle": """
        import inspect, pickle
        class Tudui:
            def forward(self):
                return 1
        print(inspect.getsource(Tudui), pickle.dumps(Tudui()), pickle.loads(pickle.dumps(Tudui)))
        print(inspect.stack(), inspect.getmodule(Tudui))
    """,
    "other-python": """
        import subprocess, sys
        code = "import os, sys; print(sys.path, sorted(sys.modules), dict(os.environ))"
        subprocess.run([sys.executable, "-c", code], check=True)
    """,
    "replaced-by-other-python": """
        import os, sys
        code = "import os, sys; print(sys.path, sorted(sys.modules), dict(os.environ)); 1 / 0"
        print("first", flush=True)
        os.execv(sys.executable, [sys.executable, "-c", code.replace("; 1 / 0", "")])
    """,
    "working-folder-changed": "import os; os.chdir('..'); print(os.getcwd())",
    "streams-closed": "import sys; sys.stderr.close(); print('out'); sys.stdout.close()",
    "asynchronous": """
        import asyncio
        async def main():
            await asyncio.sleep(0)
            print("done")
        asyncio.run(main())
    """,
    "byte-order-mark": "\ufeffprint(ascii('中文'))",
}
FAILING = {
    "exception": "def f():\n    return [1][\n        2]\nf()",
    "exception-with-cause-and-notes": """
        try:
            {}["a"]
        except KeyError as error:
            wrapped = ValueError("wrapped: 中文")
            wrapped.add_note("a note")
            raise wrapped from error
    """,
    "exceptions-in-group": "raise ExceptionGroup('both', [ValueError(1), TypeError(2)])",
    "exception-without-message": "assert 1 == 2",
    "exception-class-of-script": """
        class Odd(Exception):
            def __str__(self):
                raise RuntimeError("no text")
        raise Odd
    """,
    "exception-in-text": "exec('1 / 0')",
    "endless-recursion": "def f():\n    f()\nf()",
    "import-of-missing-module": "import no_such_module",
    "hook-of-script": """
        import sys
        sys.excepthook = lambda kind, error, traceback: print("hook:", kind, error)
        1 / 0
    """,
    "hook-of-script-fails": "import sys\nsys.excepthook = lambda: None\n1 / 0",
    "working-folder-changed-and-fails": "import os\nos.chdir('..')\n1 / 0",
    "syntax": "print('first')\nx = (1,\n",
    "indentation": "def f():\nreturn 1",
    "full-width-bracket": "print（'x'）",
    "null-byte": "print(1)\0",
    "recursion-error-in-thread-and-main": """
        import threading
        thread = threading.Thread(target=lambda: 1 / 0, name="worker")
        thread.start()
        thread.join()
        raise OSError(2, "No such file or directory", "x.png")
    """,
    "interrupted-in-atexit": "import atexit\natexit.register(print, 'bye')\n1 / 0",
}
FORKED = {
    "fork": """
        import os
        if os.fork() == 0:
            1 / 0
        print(os.waitstatus_to_exitcode(os.wait()[1]))
    """,
    "pool-fork": "START = 'fork'",
    "pool-spawn": "START = 'spawn'",
    "pool-forkserver": "START = 'forkserver'",
}
POOL = """
import multiprocessing, os, sys, warnings

class Point:
    def __init__(self, x):
        self.x = x

def double(point):
    assert __name__ in ("__main__", "__mp_main__")
    return Point(2 * point.x)

if __name__ == "__main__":
    with multiprocessing.get_context(START).Pool(2) as pool:
        print([point.x for point in pool.map(double, map(Point, range(4)))])
        try:
            pool.map(int, ["x"])
        except ValueError as error:
            print(error)
"""
ENVIRONMENTS = {
    "no-locale": {"LC_ALL": "", "LANG": "", "LC_CTYPE": ""},
    "locale-c": {"LC_ALL": "C"},
    "path": {"PYTHONPATH": os.pathsep.join(["extra", "no-such-folder"])},
    "path-empty": {"PYTHONPATH": ""},
    "warnings-ignored": {"PYTHONWARNINGS": "ignore"},
    "warnings-always": {"PYTHONWARNINGS": "always", "PYTHONTRACEMALLOC": "5"},
    "unbuffered": {"PYTHONUNBUFFERED": "1"},
    "encoding": {"PYTHONIOENCODING": "gbk:replace"},
    "utf8": {"PYTHONUTF8": "1", "LC_ALL": "C"},
    "safe-path": {"PYTHONSAFEPATH": "1"},
    "optimized": {"PYTHONOPTIMIZE": "1"},
    "development": {"PYTHONDEVMODE": "1"},
    "no-bytecode": {"PYTHONDONTWRITEBYTECODE": "1"},
    "threads": {"OMP_NUM_THREADS": "1"},
}


@dataclass(frozen=True)
class Ended:
    """What a process printed, without addresses in memory, and its exit code."""

    out: bytes
    err: bytes
    code: int


def ended(command: list[str], folder: Path, stdin: bytes = b"", **settings: str) -> Ended:
    environment = os.environ | settings
    done = subprocess.run(
        command, cwd=folder, input=stdin, capture_output=True, env=environment, check=False
    )
    out, err = (re.sub(rb"0x[0-9a-fA-F]+", b"0x", text) for text in (done.stdout, done.stderr))
    return Ended(out, err, done.returncode)


def written(folder: Path, code: str, name: str = "script.py") -> Path:
    path = folder / name
    path.write_text(textwrap.dedent(code), encoding="utf-8")
    return path


def both(folder: Path, *arguments: str, **settings: str) -> tuple[Ended, Ended]:
    """Return how a script ended under python, and how under `course run`."""
    stdin = "# 一行\n".encode()
    expected = ended([sys.executable, *arguments], folder, stdin, **settings)
    return expected, ended([*COURSE_RUN, *arguments], folder, stdin, **settings)


def assert_same(folder: Path, *arguments: str, **settings: str) -> Ended:
    expected, found = both(folder, *arguments, **settings)
    assert found == expected
    return expected


def assert_explained(folder: Path, *arguments: str, **settings: str) -> str:
    """Check that the explanation follows what python prints; return it."""
    expected, found = both(folder, *arguments, **settings)
    assert (found.out, found.code) == (expected.out, expected.code)
    assert found.err.startswith(expected.err)
    explained = found.err.removeprefix(expected.err).decode()
    assert explained.startswith("\ncourse: ")
    return explained


@pytest.mark.parametrize("code", SOUND.values(), ids=SOUND)
def test_sound_script_runs_as_under_python(tmp_path: Path, code: str) -> None:
    written(tmp_path, code)
    assert_same(tmp_path, "script.py", "a b", "--help", "--json", "--", "-x", "中文", "")


@pytest.mark.parametrize("code", FAILING.values(), ids=FAILING)
def test_failing_script_is_explained_after_its_own_output(tmp_path: Path, code: str) -> None:
    written(tmp_path, code)
    assert_explained(tmp_path, "script.py")


@posix
@pytest.mark.parametrize("code", FORKED.values(), ids=FORKED)
def test_processes_of_a_script(tmp_path: Path, code: str) -> None:
    written(tmp_path, textwrap.dedent(code) + (POOL if "START" in code else ""))
    assert_same(tmp_path, "script.py")


@pytest.mark.parametrize("settings", ENVIRONMENTS.values(), ids=ENVIRONMENTS)
def test_settings_of_the_environment(tmp_path: Path, settings: dict[str, str]) -> None:
    (tmp_path / "extra").mkdir()
    written(tmp_path, "import sys; sys.customized = __file__", "extra/sitecustomize.py")
    names = ("interpreter", "standard-streams", "warnings", "warning-of-unclosed-file")
    for name in names:
        written(tmp_path, SOUND[name], f"{name}-case.py")
    for name in names:
        assert_same(tmp_path, f"{name}-case.py", **settings)


def test_modules_of_the_scripts_folder(tmp_path: Path) -> None:
    """Learners name files like the modules that they use."""
    names = ("ast", "atexit", "json", "logging", "random", "sitecustomize", "torch", "typing")
    names += ("warnings", "reference")
    for name in names:
        written(tmp_path, f"print({name!r}, __file__)", f"{name}.py")
    written(tmp_path, f"import {', '.join(names)}\n")
    assert b"torch.py" in assert_same(tmp_path, "script.py").out
    written(tmp_path, "import warnings\n1 / 0")
    assert "ZeroDivisionError" in assert_explained(tmp_path, "script.py")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("gbk.py", "# coding: gbk\nprint(ascii('中文'))".encode("gbk")),
        ("latin.py", "# coding: latin-1\nprint(ascii('é'))\n1 / 0  # é".encode("latin-1")),
        ("wrong.py", "print('中文')".encode("gbk")),
        ("unknown.py", b"# coding: no-such-encoding\nprint(1)"),
        ("compiled.pyc", b"no bytecode"),
        ("empty.py", b""),
        ("blank in name 中.py", b"print(__file__)"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_content_of_a_script(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    expected, found = both(tmp_path, name)
    assert (found.out, found.code) == (expected.out, expected.code)
    assert found.err.startswith(expected.err)


def test_what_is_no_file(tmp_path: Path) -> None:
    """Check a missing script, a folder, an archive, a link and standard input."""
    (tmp_path / "folder").mkdir()
    written(tmp_path, "", "folder/other.py")
    (tmp_path / "program").mkdir()
    code = "import sys; print(__file__, __spec__, sys.path[0], sys.argv)"
    written(tmp_path, code, "program/__main__.py")
    with zipfile.ZipFile(tmp_path / "archive.zip", "w") as archive:
        archive.write(tmp_path / "program" / "__main__.py", "__main__.py")
    (tmp_path / "link.py").symlink_to(tmp_path / "program" / "__main__.py")
    assert assert_same(tmp_path, "missing.py").code == 2
    assert assert_same(tmp_path, "folder").code == 1
    for name in ("program", "archive.zip", "link.py", str(tmp_path / "program"), "-"):
        assert_same(tmp_path, name, "argument")
    written(tmp_path, "1 / 0", "program/__main__.py")
    assert "__main__.py, line 1: 1 / 0" in assert_explained(tmp_path, "program")


@posix
@pytest.mark.parametrize("name", ["SIGKILL", "SIGSEGV", "SIGTERM", "SIGINT", "SIGABRT", "SIGBUS"])
def test_script_that_a_signal_ends(tmp_path: Path, name: str) -> None:
    number = int(signal.Signals[name])
    script = f"import os\nprint('before', flush=True)\nos.kill(os.getpid(), {number})\n"
    written(
        tmp_path,
        f"import signal\nsignal.signal({number}, signal.SIG_DFL)\n" * (name == "SIGINT") + script,
    )
    expected, found = both(tmp_path, "script.py")
    assert (found.out, found.code) == (expected.out, -number)
    explained = found.err.removeprefix(expected.err).decode()
    mentions = {"SIGKILL": "memory", "SIGTERM": "", "SIGINT": ""}.get(name, f"crashed .*{name}")
    assert re.search(mentions, explained)
    assert bool(explained) == bool(mentions)


def test_keyboard_interrupt_is_not_explained(tmp_path: Path) -> None:
    written(tmp_path, "raise KeyboardInterrupt")
    assert assert_same(tmp_path, "script.py").err.endswith(b"KeyboardInterrupt\n")


@posix
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_signal_reaches_the_script(tmp_path: Path, name: str) -> None:
    """Without a terminal, a signal is sent to `course run` alone."""
    written(
        tmp_path,
        f"""
        import signal, sys, time
        signal.signal(signal.{name}, lambda number, frame: sys.exit(5))
        print("ready", flush=True)
        time.sleep(30)
        """,
    )
    command = [*COURSE_RUN, "script.py"]
    with subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, start_new_session=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(signal.Signals[name])
        assert process.wait(timeout=20) == 5


@posix
def test_ignored_signal_stays_ignored(tmp_path: Path) -> None:
    written(tmp_path, "import signal; print(signal.getsignal(signal.SIGINT))")
    ignore = "import signal, subprocess, sys; signal.signal(signal.SIGINT, signal.SIG_IGN); "
    run = "sys.exit(subprocess.call(sys.argv[1:]))"
    found = ended([sys.executable, "-c", ignore + run, *COURSE_RUN, "script.py"], tmp_path)
    assert found.out == b"1\n"


@posix
def test_report_is_removed(tmp_path: Path) -> None:
    (tmp_path / "temporary").mkdir()
    written(tmp_path, "import os\nos.kill(os.getpid(), 9)")
    ended([*COURSE_RUN, "script.py"], tmp_path, TMPDIR=str(tmp_path / "temporary"))
    assert list((tmp_path / "temporary").iterdir()) == []
