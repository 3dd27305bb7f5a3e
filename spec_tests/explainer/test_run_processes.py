"""`course run`: processes, signals and terminals, as under `python`."""

import re
import shlex
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from spec_tests.support.course_run import COURSE_RUN, Ended, assert_same, both, ended, written
from spec_tests.support.learner_scripts import FORKED, POOL

posix = pytest.mark.skipif(sys.platform == "win32", reason="signals and forks of POSIX")

# Starts a command in a terminal of its own.
IN_TERMINAL = [
    sys.executable,
    "-c",
    "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))",
]
DATALOADER = """
from torch.utils.data import DataLoader, Dataset

class Doubled(Dataset):
    def __len__(self):
        return 4

    def __getitem__(self, index):
        return 2 * index

if __name__ == "__main__":
    print(list(DataLoader(Doubled(), 2, num_workers=1, multiprocessing_context=START)))
"""

# A shell lets commands in the background ignore SIGINT; this undoes it.
ACCEPTING_INTERRUPTS = [
    sys.executable,
    "-c",
    """import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # nohup ignores it
os.execv(sys.argv[1], sys.argv[1:])""",
]


@posix
@pytest.mark.parametrize("code", FORKED.values(), ids=FORKED)
def test_processes_of_a_script(tmp_path: Path, code: str) -> None:
    written(tmp_path, textwrap.dedent(code) + (POOL if "START" in code else ""))
    assert_same(tmp_path, "script.py")


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
    command = [*ACCEPTING_INTERRUPTS, *COURSE_RUN, "script.py"]
    with subprocess.Popen(
        command,
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(signal.Signals[name])
        assert process.wait(timeout=60) == 5


@posix
def test_ignored_signal_stays_ignored(tmp_path: Path) -> None:
    written(tmp_path, "import signal; print(signal.getsignal(signal.SIGINT))")
    ignore = "import signal, subprocess, sys; signal.signal(signal.SIGINT, signal.SIG_IGN); "
    run = "sys.exit(subprocess.call(sys.argv[1:]))"
    found = ended([sys.executable, "-c", ignore + run, *COURSE_RUN, "script.py"], tmp_path)
    assert found.out == b"1\n"


@posix
def test_explanation_that_nobody_reads(tmp_path: Path) -> None:
    written(tmp_path, "1 / 0")
    command = shlex.join([*COURSE_RUN, "script.py"])
    assert ended(["sh", "-c", f"{command} 2>&-"], tmp_path) == Ended(b"", b"", 1)
    assert ended(["bash", "-c", f"exec 2> >(exit); sleep 0.1; {command}"], tmp_path).code == 1


@posix
def test_report_is_removed(tmp_path: Path) -> None:
    (tmp_path / "temporary").mkdir()
    written(tmp_path, "import os\nos.kill(os.getpid(), 9)")
    ended([*COURSE_RUN, "script.py"], tmp_path, TMPDIR=str(tmp_path / "temporary"))
    assert list((tmp_path / "temporary").iterdir()) == []


@posix
@pytest.mark.parametrize(
    "code", ["import sys; print(sys.stdout.isatty())", "def f():\n    1 / 0\nf()"]
)
def test_terminal(tmp_path: Path, code: str) -> None:
    """Python 3.13 colours tracebacks in a terminal."""
    written(tmp_path, code)
    expected = ended([*IN_TERMINAL, sys.executable, "script.py"], tmp_path, TERM="xterm")
    found = ended([*IN_TERMINAL, *COURSE_RUN, "script.py"], tmp_path, TERM="xterm")
    assert found.out.startswith(expected.out)
    assert found.code == expected.code


@posix
def test_ctrl_c_in_a_terminal_interrupts_once(tmp_path: Path) -> None:
    written(
        tmp_path,
        """
        import time
        try:
            print("ready", flush=True)
            time.sleep(30)
        except KeyboardInterrupt:
            time.sleep(0.5)  # a second interrupt would end this
            print("saved")
        """,
    )
    command = [*ACCEPTING_INTERRUPTS, *IN_TERMINAL, *COURSE_RUN, "script.py"]
    with subprocess.Popen(
        command,
        cwd=tmp_path,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\r\n"
        process.stdin.write(b"\x03")
        process.stdin.flush()
        assert process.stdout.read() == b"^Csaved\r\n"
        assert process.wait(timeout=60) == 0


@pytest.mark.slow
@pytest.mark.parametrize("start", ["fork", "spawn"])
def test_workers_of_a_dataloader(tmp_path: Path, start: str) -> None:
    written(tmp_path, DATALOADER.replace("START", repr(start)))
    assert assert_same(tmp_path, "script.py").out == b"[tensor([0, 2]), tensor([4, 6])]\n"
