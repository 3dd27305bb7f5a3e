"""The implementations that the vectors run against: one adapter per file.

An adapter is a module: one that defines `IMPLEMENTATION`, an `Implementation`, or a plain module
whose functions have the names and arguments of `torch.nn.functional`. `spec_tests.harness.adapters`
imports both. The functions are called by keyword, and take and return NumPy arrays:

- A result is a new array, but for what is changed in place and for flatten and dropout, which may
  return their input; a number is an array of shape (), several results are a tuple.
- What torch changes in place is changed in place in the array that was passed: `relu`'s input with
  `inplace=True`, `batch_norm`'s running_mean and running_var. No other input changes.
- `conv2d` also has `padding_mode`, as `torch.nn.Conv2d` does.
- `sgd(params, grads, *, lr, …)` and `adam(…)` have the options of `torch.optim.SGD` and `Adam`.
  From params (n) and one gradient per step, grads (steps, n), they compute the parameters after
  each step (steps, n). Each call starts with a new optimizer.
- `backward(grad_output, *, operator, wrt, times=1, **arguments)` calls the operator with the
  arguments and returns the gradient of the input named `wrt` after `times` backward passes of
  sum(output * grad_output), each through a new forward pass, without resetting gradients.

A function that is missing, or that raises NotImplementedError, is *not implemented*: reported as
such, neither passed nor failed. So is any exception where an input is of half precision or not
contiguous: many libraries have no such arrays. Any other exception fails a case that expects a
value.

A plain module may also define `DESCRIPTION`, `LIBRARY_ERRORS` and `use(device)`: the attributes
of `Implementation` with these names.
"""

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

Operator = Callable[..., Any]

KNOWN_DIFFERENCES = Path(__file__).with_name("known_differences.toml")
ACCEPTED = "it accepts arguments for which PyTorch raises an error"


@dataclass(frozen=True, kw_only=True, eq=False)
class Implementation:
    """An implementation of the operators, as its adapter presents it.

    Attributes:
        name: its name on the command line, `--impl NAME`.
        functions: functions of NumPy arrays by operator name; an operator that is missing is not
            implemented.
        description: the library and its version, for the header of the report.
        library_errors: the exceptions with which the library rejects an argument. In a case that
            expects an error they count; other exceptions must have one of the case's classes.
        torch_messages: whether its errors must have torch's messages, too; others may have their
            own words.
        use: moves the implementation to a device; raises ValueError with the devices available.
            None if it cannot be moved.
    """

    name: str
    functions: Mapping[str, Operator]
    description: str = ""
    library_errors: tuple[type[Exception], ...] = ()
    torch_messages: bool = False
    use: Callable[[str], None] | None = None

    def __str__(self) -> str:
        return self.description or self.name


# The implementations under test, in the order of the --impl options.
TESTED = pytest.StashKey[list[Implementation]]()


class DiedError(Exception):
    """An implementation in a process of its own has died, hung, or spoken nonsense.

    It fails every case, also one that expects an error.
    """


class UnsupportedSkip(pytest.skip.Exception):  # type: ignore[name-defined]
    """The outcome of a test whose implementation lacks what it needs: skipped, never passed."""

    # pytest prints the class name before the reason, except for its own exception.
    __module__, __qualname__ = "builtins", "Skipped"

    def __init__(self, implementation: Implementation, missing: object) -> None:
        super().__init__(f"not implemented by {implementation}: {missing}")


def implementation_of(item: pytest.Item) -> Implementation | None:
    """Return the implementation that a test is parametrized with; None if there is none."""
    return item.callspec.params.get("implementation") if hasattr(item, "callspec") else None


def known_differences() -> list[dict[str, Any]]:
    """Read the known differences of libraries; `docs/KNOWN_DIFFERENCES.md` shows them."""
    document = tomllib.loads(KNOWN_DIFFERENCES.read_text(encoding="utf-8"))
    accepted = [
        {"implementation": name, "operator": operator, "cases": cases, "says": ACCEPTED}
        for name, operators in document["accepted"].items()
        for operator, cases in operators.items()
    ]
    return [*document["difference"], *accepted]
