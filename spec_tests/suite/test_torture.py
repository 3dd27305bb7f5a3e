"""`nox -s torture`: its judge notices each kind of failure, and sound attempts pass."""

import os
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import find, settings
from hypothesis.errors import NoSuchExample

if sys.platform != "linux":
    pytest.skip("the attempts need Linux", allow_module_level=True)

from spec_tests import paths
from spec_tests.torture import audit, judge, samples, session
from spec_tests.torture.generators import opcodes
from spec_tests.torture.kinds import KINDS
from spec_tests.torture.process import Outcome, Process, call, run
from spec_tests.torture.search import Search

SOUND = Outcome(("evaluate", "--json"), 0, '{"accuracy": 1}\n', "", (), 10**8, 0.1)
FAILED = replace(SOUND, code=2, out="", err="course: a.pt is damaged: save it again\n")
TRACE = (
    'Traceback (most recent call last):\n  File "/x/reference/cli.py", line 3, in _run\nKeyError'
)
NEW_PROCESS = "TORTURE_TESTS_MAY_FORK"  # set in a process that runs nothing but these tests
SMALL = ("data-files", "images", "run-folders", "checkpoints", "mutations", "kills")


@pytest.fixture(scope="module")
def sound_files(tmp_path_factory: pytest.TempPathFactory) -> Iterator[samples.Samples]:
    if NEW_PROCESS not in os.environ:
        pytest.skip("forks: test_attempts_in_a_new_process runs this test")
    root = tmp_path_factory.mktemp("torture")
    (root / "work").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(root / "work"))
        made = samples.make(root)
        audit.allow_modules((*sys.modules, *sys.stdlib_module_names))
        session.learn(made)
        yield made


@pytest.mark.parametrize("outcome", [SOUND, FAILED], ids=["success", "failure"])
def test_sound_outcome_has_no_problems(outcome: Outcome) -> None:
    assert judge.problems(outcome) == []


@pytest.mark.parametrize(
    ("outcome", "symptom"),
    [
        (replace(FAILED, err=TRACE, code=1), "traceback: KeyError in reference/cli.py, _run"),
        (replace(FAILED, code=-11), "died: SIGSEGV"),
        (replace(FAILED, code=3), "exit code 3: "),
        (replace(FAILED, stopped="too slow"), "too slow"),
        (replace(SOUND, seconds=21), "too slow"),
        (replace(SOUND, peak_bytes=3 * 10**9), "too large"),
        (replace(SOUND, events=("os.system 'ls'",)), "does what is forbidden: os.system 'ls'"),
        (replace(FAILED, err=FAILED.err * 2), "more than one line on standard error: "),
        (replace(FAILED, err="course: \x1b[2J\n"), "unprintable characters in a message"),
        (replace(FAILED, err=f"course: {'x' * 5000}\n"), "very long message"),
        (replace(FAILED, err="libtiff: bad\n"), "not a message of the program: libtiff: bad"),
        (replace(FAILED, err="course: a"), "unfinished line on standard error"),
        (replace(FAILED, err=""), "fails in silence"),
        (replace(SOUND, err=FAILED.err), "succeeds, and prints: course: a.pt is damaged"),
        (replace(SOUND, out='{"accuracy": NaN}'), "not JSON"),
        (replace(SOUND, out="{}{}"), "not JSON"),
        (replace(SOUND, out=""), "no JSON"),
    ],
)
def test_judge_finds(outcome: Outcome, symptom: str) -> None:
    found = [problem.symptom for problem in judge.problems(outcome)]
    assert [each for each in found if each.startswith(symptom)]


def abort() -> None:
    os.abort()


def fail() -> None:
    raise LookupError


def start_program() -> None:
    subprocess.run(["true"], check=True)  # noqa: S607 - found in the path


def write_outside() -> None:
    Path("../outside").touch()


def run_code() -> None:
    exec("pass")  # noqa: S102 - what is to be noticed


@pytest.mark.parametrize(
    ("act", "symptom"),
    [
        (abort, "died: SIGABRT"),
        (fail, "traceback: LookupError in "),
        (start_program, "does what is forbidden: subprocess.Popen"),
        (write_outside, "does what is forbidden: write outside"),
        (run_code, "does what is forbidden: compile"),
    ],
)
def test_process_is_watched(
    sound_files: samples.Samples, act: Callable[[], None], symptom: str
) -> None:
    place = sound_files.root / "work" / "place"
    place.mkdir(exist_ok=True)
    found = [
        problem.symptom for problem in judge.problems(run("--help", folder=place, prepare=act))
    ]
    assert [each for each in found if each.startswith(symptom)]


def test_process_that_hangs_is_killed(sound_files: samples.Samples) -> None:
    reader, _writer = os.pipe()
    waiting = Process("--help", folder=sound_files.root, prepare=lambda: os.read(reader, 1))
    assert waiting.wait(seconds=0.1).stopped == "too slow"


def test_call_returns_the_result_of_another_process(sound_files: samples.Samples) -> None:
    del sound_files  # skips where a fork could hang
    assert call(os.getpid) != os.getpid()


@pytest.mark.parametrize("name", SMALL)
def test_an_attempt_of_each_quick_kind(sound_files: samples.Samples, name: str) -> None:
    kind = replace(next(each for each in KINDS if each.name == name), size=1)
    kind = replace(kind, fixed=lambda _samples, _number: ())
    chunk = Search(kind, sound_files, 0, sound_files.root / "saved").run(())
    assert (chunk.tried, list(chunk.failures)) == (1, [])


def test_attempts_in_a_new_process(request: pytest.FixtureRequest) -> None:
    """Run the other tests: where they fork, a fork copies the locks of threads of earlier tests."""
    this = f"{Path(__file__).relative_to(paths.ROOT).as_posix()}::{request.node.name}"
    options = ["-q", "-p", "no:cacheprovider", "--deselect", this]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", __file__, *options],
        cwd=paths.ROOT,
        env=os.environ | {NEW_PROCESS: "1", "PYTEST_ADDOPTS": "", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "skipped" not in done.stdout, done.stdout


def test_edited_pickles_stay_small() -> None:
    """Or the memory of the harness, which each process that it forks has too, takes gigabytes."""
    pickled = pickle.dumps(bytes(2**20))
    with pytest.raises(NoSuchExample):
        find(
            opcodes.edited(pickled),
            lambda data: len(data) > 2**25,
            settings=settings(max_examples=300),
        )
