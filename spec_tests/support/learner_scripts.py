"""Scripts of learners, by what they try: `course run` must run them as Python does."""

import os

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
    "exception-whose-text-exits": """
        class Stopping(Exception):
            def __str__(self):
                raise SystemExit(9)
        raise Stopping
    """,
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
