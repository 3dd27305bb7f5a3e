"""Self-tests: wrong implementations fail, and the failure messages are readable."""

import copy
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spec_tests import paths
from spec_tests.faults.catalog import Fault, all_faults, smallest_set
from spec_tests.harness import comparison, vectors
from spec_tests.harness.vectors import Case
from spec_tests.implementations import Implementation
from spec_tests.implementations.torch import IMPLEMENTATION, TENSOR_FUNCTIONS
from spec_tests.report import summary
from spec_tests.support.results_schema import problems

CASES = [case for operator in vectors.operators() for case in vectors.cases(operator)]
VALUES = [case for case in CASES if case.expected]


def _implementation(**functions: Callable[..., Any]) -> Implementation:
    return Implementation(name="mine", functions=functions)


def _with_all(function: Callable[..., Any]) -> Implementation:
    """Return an implementation that has one function for every operator."""
    return _implementation(**dict.fromkeys(vectors.operators(), function))


def _passes(implementation: Implementation, case: Case) -> bool:
    try:
        vectors.check(implementation, case)
    except (vectors.MismatchError, vectors.UnsupportedError):
        return False
    return True


def _input(**arguments: Any) -> np.ndarray:
    return next(iter(arguments.values()))


def _copy_of_input(**arguments: Any) -> np.ndarray:
    return _input(**arguments).copy()


def _zeros(operator: str) -> Callable[..., Any]:
    """Return a function whose result is zeros, of the right shape and dtype."""

    def zeros(**arguments: Any) -> np.ndarray | tuple[np.ndarray, ...]:
        result = IMPLEMENTATION.functions[operator](**copy.deepcopy(arguments))
        return (
            tuple(map(np.zeros_like, result))
            if isinstance(result, tuple)
            else np.zeros_like(result)
        )

    return zeros


def _raises(**_: Any) -> np.ndarray:
    raise ValueError("nothing works here")


def _is_identity(case: Case) -> bool:
    inputs, _ = case.arrays
    expected = case.expected["output"]
    return comparison.difference(inputs["input"], expected, vectors.EXACT) is None


@pytest.mark.parametrize("case", VALUES, ids=lambda case: f"{case.operator}-{case.name}")
def test_no_trivial_implementation_passes(case: Case) -> None:
    """Zeros, the input itself, a missing function and an exception fail every case with a value."""
    implementations = {
        "zeros": _implementation(**{case.operator: _zeros(case.operator)}),
        "input": _with_all(_input),
        "missing": _implementation(),
        "error": _with_all(_raises),
    }
    if 0 in case.expected["output"]["shape"]:
        del implementations["zeros"], implementations["input"]  # only dtype and shape can be wrong
    elif case.name.endswith(("probability-one", "empty-sum", "all-ignored-sum")):
        del implementations["zeros"]
    elif case.operator in vectors.MAY_SHARE and _is_identity(case):
        del implementations["input"]
    assert [name for name, wrong in implementations.items() if _passes(wrong, case)] == []


def test_copy_of_the_input_passes_only_where_the_operator_is_the_identity() -> None:
    """Leave out flatten and gradients, many of which are the identity."""
    copies = _with_all(_copy_of_input)
    passed = (
        f"{case.operator}-{case.name}"
        for case in VALUES
        if 0 not in case.expected["output"]["shape"]
        and case.operator not in {"flatten", "backward"}
        and _passes(copies, case)
    )
    assert set(passed) == {
        "adaptive_avg_pool2d-same-size",
        "avg_pool2d-kernel-one",
        "dropout-evaluation",
        "dropout-evaluation-float64",
        "dropout-evaluation-special",
        "dropout-probability-zero",
        "dropout-probability-zero-special",
        "max_pool2d-kernel-one",
        "relu-nothing-negative",
    }


def test_error_with_another_message_fails() -> None:
    errors = [case for case in CASES if case.error]
    assert len(errors) >= 12
    torch_like = replace(_with_all(_raises), torch_messages=True)
    assert [case for case in errors if _passes(torch_like, case)] == []


def test_error_in_its_own_words_passes() -> None:
    case = next(case for case in CASES if case.error and "ValueError" in case.error["types"])
    vectors.check(_with_all(_raises), case)


def test_result_that_is_the_input_fails() -> None:
    """It would change with the input; where torch returns its input, it passes."""
    zeros = next(case for case in vectors.cases("relu") if case.name == "in-place")
    positive = replace(zeros, parameters={}, inputs={"input": zeros.expected["output"]})
    positive = replace(positive, expected={"output": zeros.expected["output"]})
    with pytest.raises(vectors.MismatchError, match=r"^relu: output: shares memory with the input"):
        vectors.check(_with_all(_input), positive)
    evaluation = next(case for case in vectors.cases("dropout") if case.name == "evaluation")
    vectors.check(_with_all(_input), evaluation)


@pytest.mark.parametrize("fault", all_faults(), ids=str)
def test_fault_is_caught(fault: Fault) -> None:
    assert next(fault.rejecting_cases(), None), fault.description


def test_faults_cover_every_operator_and_have_unique_names() -> None:
    assert len({(fault.operator, fault.function) for fault in all_faults()}) >= 60
    assert len({str(fault) for fault in all_faults()}) == len(all_faults())
    assert {fault.operator for fault in all_faults()} == set(vectors.operators())


def test_scalars_of_numpy_count_as_arrays() -> None:
    def l1_loss(input: np.ndarray, target: np.ndarray, **_: str) -> np.floating:
        return np.abs(input - target).mean()

    mean = next(case for case in VALUES if (case.operator, case.name) == ("l1_loss", "mean-exact"))
    vectors.check(_implementation(l1_loss=l1_loss), mean)


def test_argument_that_an_adapter_lacks_is_not_implemented() -> None:
    def relu(input: np.ndarray) -> np.ndarray:
        return input.clip(0)

    in_place = next(case for case in vectors.cases("relu") if case.parameters)
    with pytest.raises(vectors.UnsupportedError, match=r"^relu has no argument inplace$"):
        vectors.check(_implementation(relu=relu), in_place)


def test_smallest_set_rejects_every_fault() -> None:
    rejecting = {"a": ["1", "2"], "b": ["2", "3"], "c": ["4"], "survivor": []}
    assert smallest_set(rejecting) == ["2", "4"]


def test_fault_without_a_mistake_passes_every_case() -> None:
    """Check that a fault is rejected for its mistake only: without one, it passes."""
    unchanged = Fault("conv2d", TENSOR_FUNCTIONS["conv2d"], issue="").implementation()
    assert [str(case) for case in CASES if not _passes(unchanged, case)] == []


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
def test_unusable_device_is_a_usage_error(
    capsys: pytest.CaptureFixture[str], options: list[str], line: str
) -> None:
    assert _run(str(paths.SPEC_TESTS), *options) == pytest.ExitCode.USAGE_ERROR
    printed = capsys.readouterr()
    assert printed.out == ""
    assert re.fullmatch(f"ERROR: {line}\n+", printed.err)


def _run(*options: str) -> int:
    """Run pytest in this process, which has already imported PyTorch."""
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


def test_failing_vector_prints_the_call_and_both_results(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Check that the claim and the implementation's traceback are printed, too.

    Of a drawn case, hypothesis would list all the arguments again.
    """
    (tmp_path / "wrong.py").write_text(WRONG)
    monkeypatch.syspath_prepend(tmp_path)
    case = "test_vector[wrong-course]"
    tests = [
        f"{paths.SPEC_TESTS / 'operators' / f'test_{operator}.py'}::{case}"
        for operator in ("relu", "sigmoid")
    ]
    drawn = f"{paths.SPEC_TESTS / 'operators' / 'test_relu.py'}::test_drawn[wrong]"
    _run(*tests, drawn, "--impl", "wrong")
    printed = re.split("__ test_.* __+\n", capsys.readouterr().out)
    relu, sigmoid, drawn_relu = (part.partition("\n===")[0] for part in printed[1:])
    assert re.fullmatch(
        r"relu: output: wrong values\nrelu\(input=\[-[\d.e-]+\]\)\n"
        r"got\n\[.*\]\nexpected\n\[.*\]\n1 of 1 elements differ, .*",
        drawn_relu,
    )
    assert relu.startswith(
        "relu: output: wrong values\n"
        "Negative elements become 0; the others do not change.\n"
        "relu(input=[[[[1.0, -0.5], [-1.0, 3.0]]]])\n"
        "got\n[[[[ 1.  -0.5]\n   [-1.   3. ]]]]\n"
        "expected\n[[[[1. 0.]\n   [0. 3.]]]]\n"
    )
    assert "relu.values (P20, holds): ReLU turns" in relu
    assert sigmoid.startswith("sigmoid: raised ZeroDivisionError: cannot divide by 0\n")
    assert f'File "{tmp_path / "wrong.py"}", line 9, in divided' in sigmoid
    assert "vectors.py" not in relu + sigmoid


# An adapter with plain convolutions, and a ReLU that is not written yet.
ADAPTER = """
import numpy as np

def conv2d(*, input, weight, stride=1, **rest):
    if rest or input.ndim != 4 or isinstance(stride, tuple) or input.dtype != weight.dtype:
        raise NotImplementedError("plain convolutions only")
    if input.shape[1] != weight.shape[1]:
        raise ValueError("expected input to have 2 channels, but got 1")
    if input.shape[2] < weight.shape[2]:
        raise ValueError("kernel")
    windows = np.lib.stride_tricks.sliding_window_view(input, weight.shape[2:], (2, 3))
    return np.einsum("nchwij,ocij->nohw", windows[:, :, ::stride, ::stride], weight)

def relu(**arguments):
    raise NotImplementedError("no ReLU yet")
"""


def test_adapter_with_conv2d_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Check that conv2d is tested, and that all other operators are not implemented."""
    (tmp_path / "conv_alone.py").write_text(ADAPTER)
    monkeypatch.syspath_prepend(tmp_path)
    names = ("conv2d", "relu", "sigmoid", "sgd", "printouts")
    files = [str(paths.SPEC_TESTS / "operators" / f"test_{name}.py") for name in names]
    folder = tmp_path / "out"
    fast = "not (test_conv2d and test_drawn)"  # slow, and not implemented, as relu's
    code = _run(*files, "-k", fast, "--impl", "conv_alone", "--report", str(folder))
    printed = capsys.readouterr().out
    assert code == pytest.ExitCode.OK, printed
    assert "implementations: conv_alone\n" in printed
    for missing in ("sigmoid", "sgd", "NotImplementedError: no ReLU yet", "max_pool2d"):
        assert f": not implemented by conv_alone: {missing}\n" in printed
    document = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    assert problems(document) == []
    assert summary.summary_line(document) in printed
    assert [column["id"] for column in document["columns"]] == ["torch", "conv_alone"]
    states = {each["id"]: each["state"] for each in document["claims"]}
    assert states["conv.stride-1"] == "holds"
    assert states["relu.values"] == "not_implemented"
    results = {(v["operator"], v["case"]["name"]): v["results"] for v in document["vectors"]}
    assert results["conv2d", "stride-1-int64"] == {"conv_alone": {"outcome": "passed"}}
    assert results["relu", "course"]["conv_alone"]["outcome"] == "not_implemented"
    assert results["linear", "bias"] == {}
