"""The implementations that the vectors run against: one adapter a file.

An adapter is a module. Its functions carry the names and the arguments of `torch.nn.functional`,
are called by keyword, and take and return NumPy arrays:

- A result is a new array; a number is an array of shape (), several results are a tuple.
- What torch changes in place is changed in place in the array that was given: `relu`'s input with
  `inplace=True`, `batch_norm`'s running_mean and running_var. No other input changes.
- `conv2d` also takes `padding_mode`, as `torch.nn.Conv2d` does.
- `sgd(params, grads, *, lr, …)` and `adam(…)` have the options of `torch.optim.SGD` and `Adam`:
  from params (n) and a gradient a step, grads (steps, n), to the parameters after each step
  (steps, n). A fresh optimizer each call.
- `backward(grad_output, *, operator, wrt, times=1, **arguments)` calls the operator with the
  arguments and returns the gradient that the input named `wrt` has after `times` backward passes
  of sum(output * grad_output), each through a fresh forward pass, with nothing reset between.

A function that is missing, or that raises NotImplementedError, is *not implemented*: reported as
such, neither passed nor failed. Any other exception fails a case that expects a value.

An adapter may also have:

- `use(device)`: moves it to a device; raises ValueError with the devices that there are.
- `LIBRARY_ERRORS`: the exception classes with which its library refuses an argument. In a case that
  expects an error they count whatever they say; other classes must be torch's, and the words too.
- `DESCRIPTION`: what is tested, with its version, for the header of the report.
"""

import importlib
import tomllib
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

# The implementations under test, by the names with which they were asked for.
TESTED = pytest.StashKey[dict[str, ModuleType]]()

BUILT_IN = sorted(
    path.stem.replace("torch_", "torch.") for path in Path(__file__).parent.glob("[!_]*.py")
)


class UnsupportedSkip(pytest.skip.Exception):
    """The outcome of a test whose implementation lacks what it needs: skipped, and never passed."""

    # Shown as pytest shows its own: the reason alone, without the name of this class.
    __module__, __qualname__ = "builtins", "Skipped"

    def __init__(self, implementation: ModuleType, lacks: object) -> None:
        super().__init__(f"not implemented by {name_of(implementation)}: {lacks}")


def name_of(implementation: ModuleType) -> str:
    """Return what the report calls an implementation."""
    return getattr(implementation, "DESCRIPTION", implementation.__name__)


def tested_by(item: pytest.Item) -> str | None:
    """Return the name of the implementation that a test is given; None when it is given none."""
    given = item.callspec.params.get("implementation") if hasattr(item, "callspec") else None
    tested = item.config.stash.get(TESTED, {})
    return next((name for name, module in tested.items() if module is given), None)


def load(name: str) -> ModuleType:
    """Import an adapter.

    Args:
        name: a built-in adapter (`torch.compile`) or the dotted path of a module (`mine.adapter`).

    Raises:
        pytest.UsageError: it cannot be imported; the message is one line.
    """
    path = f"{__name__}.{name.replace('.', '_')}" if name in BUILT_IN else name
    try:
        return importlib.import_module(path)
    except ImportError as error:
        hint = "" if name in BUILT_IN else f"; built in are {', '.join(BUILT_IN)}"
        raise pytest.UsageError(f"--impl {name}: {error}{hint}") from None


def known_differences() -> list[dict[str, Any]]:
    """Read where libraries are known to differ: `docs/KNOWN_DIFFERENCES.md` tells the reader."""
    text = Path(__file__).with_name("known_differences.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)["difference"]
