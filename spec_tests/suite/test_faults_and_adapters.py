"""The suite itself: what it must never let pass, and how it speaks of what it is given."""

import copy
import json
import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from spec_tests import paths
from spec_tests.faults.catalog import Fault, all_faults
from spec_tests.harness import vectors
from spec_tests.harness.vectors import Case
from spec_tests.implementations import load
from spec_tests.implementations import torch as exact
from spec_tests.report import summary
from spec_tests.support.results_schema import problems

CASES = [case for operator in vectors.operators() for case in vectors.cases(operator)]
VALUES = [case for case in CASES if case.expected]


def _everywhere(function: Callable[..., Any]) -> SimpleNamespace:
    """Return an implementation with one function under every name."""
    return SimpleNamespace(**dict.fromkeys(vectors.operators(), function))


def _passed(implementation: SimpleNamespace, case: Case) -> bool:
    try:
        vectors.check(implementation, case)
    except (vectors.MismatchError, vectors.UnsupportedError):
        return False
    return True


def _input(**arguments: Any) -> np.ndarray:
    return next(iter(arguments.values()))


def _input_copied(**arguments: Any) -> np.ndarray:
    return _input(**arguments).copy()


def _zeros(operator: str) -> Callable[..., Any]:
    """Return a function that gives zeros, of the right shape and dtype."""

    def zeros(**arguments: Any) -> np.ndarray | tuple[np.ndarray, ...]:
        right = getattr(exact, operator)(**copy.deepcopy(arguments))
        return tuple(map(np.zeros_like, right)) if isinstance(right, tuple) else right * 0

    return zeros


def _raises(**_: Any) -> np.ndarray:
    raise ValueError("nothing works here")


@pytest.mark.parametrize("case", VALUES, ids=lambda case: f"{case.operator}-{case.name}")
def test_nothing_else_passes(case: Case) -> None:
    """Zeros, the input, a lack and an error never pass for a value."""
    implementations = {
        "zeros": SimpleNamespace(**{case.operator: _zeros(case.operator)}),
        "input": _everywhere(_input),
        "lack": SimpleNamespace(),
        "error": _everywhere(_raises),
    }
    assert [name for name, wrong in implementations.items() if _passed(wrong, case)] == []


def test_only_an_identity_passes_for_one() -> None:
    """A copy of the input passes where dropout must return it, and nowhere else."""
    copies = _everywhere(_input_copied)
    passed = [f"{case.operator}-{case.name}" for case in VALUES if _passed(copies, case)]
    assert passed == ["dropout-evaluation", "dropout-probability-zero"]


def test_an_error_must_say_what_is_wrong() -> None:
    refusals = [case for case in CASES if case.error]
    assert len(refusals) >= 12
    assert [case for case in refusals if _passed(_everywhere(_raises), case)] == []


@pytest.mark.parametrize("fault", all_faults(), ids=str)
def test_fault_is_caught(fault: Fault) -> None:
    assert fault.catches(), fault.says


def test_faults_are_many_and_have_names_of_their_own() -> None:
    assert len({(fault.operator, fault.function) for fault in all_faults()}) >= 60
    assert len({str(fault) for fault in all_faults()}) == len(all_faults())
    assert {fault.operator for fault in all_faults()} == set(vectors.operators())


def test_the_exact_implementation_is_no_fault() -> None:
    """PyTorch itself, run as a fault is, passes every case: a fault is caught for its mistake."""
    unchanged = Fault("conv2d", exact.FUNCTIONS["conv2d"]).implementation()
    assert [str(case) for case in CASES if not _passed(unchanged, case)] == []


def test_unknown_implementation_is_one_line() -> None:
    with pytest.raises(pytest.UsageError) as caught:
        load("nosuch.adapter")
    assert re.fullmatch(
        r"--impl nosuch.adapter: No module named 'nosuch'; built in are .*torch.compile",
        str(caught.value),
    )


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (["--device", "nosuch"], r"--device: no device 'nosuch' here, only cpu.*"),
        (
            ["--device", "nosuch", "--impl", "reference"],
            "--device nosuch moves torch: add --impl torch",
        ),
    ],
    ids=["unknown", "nothing-to-move"],
)
def test_device_that_cannot_be_is_one_line(
    capsys: pytest.CaptureFixture[str], options: list[str], line: str
) -> None:
    assert _run(str(paths.SPEC_TESTS), *options) == pytest.ExitCode.USAGE_ERROR
    printed = capsys.readouterr()
    assert printed.out == ""
    assert re.fullmatch(f"ERROR: {line}\n+", printed.err)


def _run(*options: str) -> int:
    """Run pytest in this process, which has imported PyTorch already."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("PYTEST_ADDOPTS", raising=False)
        return pytest.main(["-p", "no:cacheprovider", *options])


WRONG = """
def relu(*, input, inplace=False):
    return input.copy()

def sigmoid(*, input):
    return divided(input, 0)

def divided(input, number):
    raise ZeroDivisionError(f"cannot divide by {number}")
"""


def test_a_failing_vector_prints_the_call_and_both_results(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """And the claim, and where an implementation raised; nothing of the suite's own code."""
    (tmp_path / "wrong.py").write_text(WRONG)
    monkeypatch.syspath_prepend(tmp_path)
    case = "test_vector[wrong-course]"
    tests = [
        f"{paths.SPEC_TESTS / 'operators' / f'test_{operator}.py'}::{case}"
        for operator in ("relu", "sigmoid")
    ]
    _run(*tests, "--impl", "wrong")
    _, relu, sigmoid = re.split("__ test_vector.* __+\n", capsys.readouterr().out)
    assert relu.startswith(
        "relu: output: wrong values\n"
        "relu(input=[[[[1.0, -0.5], [-1.0, 3.0]]]])\n"
        "got\n[[[[ 1.  -0.5]\n   [-1.   3. ]]]]\n"
        "expected\n[[[[1. 0.]\n   [0. 3.]]]]\n"
    )
    assert "relu.values (P20, holds): ReLU turns" in relu
    assert sigmoid.startswith(
        "sigmoid: raised ZeroDivisionError: cannot divide by 0\nsigmoid(input="
    )
    assert f'File "{tmp_path / "wrong.py"}", line 9, in divided' in sigmoid
    assert "vectors.py" not in relu + sigmoid


# Plain convolutions, and a ReLU that is not written yet.
ADAPTER = """
import numpy as np

def conv2d(*, input, weight, stride=1, **rest):
    if rest or input.ndim < 4 or isinstance(stride, tuple):
        raise NotImplementedError("plain convolutions only")
    if input.shape[1] != weight.shape[1]:
        raise ValueError("channels")
    if input.shape[2] < weight.shape[2]:
        raise ValueError("kernel")
    windows = np.lib.stride_tricks.sliding_window_view(input, weight.shape[2:], (2, 3))
    return np.einsum("nchwij,ocij->nohw", windows[:, :, ::stride, ::stride], weight)

def relu(**arguments):
    raise NotImplementedError("no ReLU yet")
"""


def test_an_adapter_with_conv2d_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is judged; what it lacks, in drawn cases and gradients too, is said and never passes."""
    (tmp_path / "conv_alone.py").write_text(ADAPTER)
    monkeypatch.syspath_prepend(tmp_path)
    names = ("conv2d", "relu", "sigmoid", "sgd", "printouts")
    files = [str(paths.SPEC_TESTS / "operators" / f"test_{name}.py") for name in names]
    folder = tmp_path / "out"
    slow = "not (test_conv2d and test_drawn)"  # of which it lacks all, as of relu
    code = _run(*files, "-k", slow, "--impl", "conv_alone", "--report", str(folder))
    printed = capsys.readouterr().out
    assert code == pytest.ExitCode.OK, printed
    assert "implementations: conv_alone\n" in printed
    for lack in ("sigmoid", "sgd", "NotImplementedError: no ReLU yet", "max_pool2d"):
        assert f": not implemented by conv_alone: {lack}\n" in printed
    document = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    assert problems(document) == []
    assert summary.summary_line(document) in printed
    assert [column["id"] for column in document["columns"]] == ["torch", "conv_alone"]
    states = {each["id"]: each["state"] for each in document["claims"]}
    assert states["conv.stride-1"] == "holds"
    assert states["relu.values"] == "not_implemented"
    found = {(each["operator"], each["case"]["name"]): each for each in document["vectors"]}
    assert found["conv2d", "stride-1-int64"]["results"] == {"conv_alone": {"outcome": "passed"}}
    assert found["relu", "course"]["results"]["conv_alone"]["outcome"] == "not_implemented"
    assert found["linear", "bias"]["results"] == {}
