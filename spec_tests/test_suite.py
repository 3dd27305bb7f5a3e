"""The suite itself: what it must never let pass, and how it speaks of what it is given."""

import copy
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from spec_tests import vectors
from spec_tests.faults import Fault, faults
from spec_tests.implementations import load
from spec_tests.implementations import torch as exact
from spec_tests.vectors import Case

ROOT = Path(__file__).parent.parent
CASES = [case for operator in vectors.operators() for case in vectors.cases(operator)]
VALUES = [case for case in CASES if case.expected]


def _everywhere(function: Callable[..., Any]) -> SimpleNamespace:
    """Return an implementation with one function under every name."""
    return SimpleNamespace(**dict.fromkeys(vectors.operators(), function))


def _passed(implementation: SimpleNamespace, case: Case) -> bool:
    try:
        vectors.check(implementation, case)
    except (vectors.MismatchError, vectors.NotImplementedHereError):
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


@pytest.mark.parametrize("fault", faults(), ids=str)
def test_fault_is_caught(fault: Fault) -> None:
    assert fault.catches(), fault.says


def test_faults_are_many_and_have_names_of_their_own() -> None:
    assert len({(fault.operator, fault.function) for fault in faults()}) >= 60
    assert len({str(fault) for fault in faults()}) == len(faults())
    assert {fault.operator for fault in faults()} == set(vectors.operators())


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


def test_unknown_device_is_one_line() -> None:
    with pytest.raises(ValueError, match=r"^no device 'nosuch' here, only cpu.*$"):
        exact.use("nosuch")


def test_what_is_missing_is_skipped_and_said(tmp_path: Path) -> None:
    """An adapter of one's own, by its dotted path: it has ReLU only, and the header names it."""
    (tmp_path / "relu_alone.py").write_text(
        "import numpy as np\n"
        "def relu(*, input, inplace=False):\n"
        "    if inplace:\n"
        "        raise NotImplementedError('in place')\n"
        "    return np.maximum(input, 0)\n"
    )
    tests = [f"spec_tests/test_{name}.py" for name in ("relu", "sigmoid")]
    options = ["--impl", "relu_alone", "-o", f"pythonpath={tmp_path} .", "-p", "no:cacheprovider"]
    run = subprocess.run(
        [sys.executable, "-m", "pytest", *options, "-k", "vector", *tests],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == pytest.ExitCode.OK, run.stdout
    assert "implementations: relu_alone" in run.stdout
    assert "not implemented by relu_alone: sigmoid" in run.stdout
    assert "not implemented by relu_alone: NotImplementedError: in place" in run.stdout
    relu, sigmoid = (len(vectors.cases(name)) for name in ("relu", "sigmoid"))
    assert f"{relu - 1} passed, {sigmoid + 1} skipped" in run.stdout
