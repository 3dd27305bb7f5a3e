"""Answer for an adapter over standard input and output: `python -m spec_tests.harness.serve NAME`.

What the protocol asks of a server is all here: docs/PROTOCOL.md explains it. `--isolate` runs each
adapter in this way, so that a crash of its library ends one case and not the run.
"""

import json
import os
import sys
import warnings
from typing import Any

import numpy as np
import pytest

from spec_tests.harness import adapters, vectors
from spec_tests.harness.protocol import VERSION, message_arrays, message_tensors
from spec_tests.implementations import Implementation


def main() -> None:
    """Answer each line of standard input with one line, until the input ends."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a library prints is no answer
    try:
        implementation = adapters.load(sys.argv[1])
    except pytest.UsageError as error:
        sys.exit(str(error))
    warnings.simplefilter("ignore")
    for line in sys.stdin:
        request = json.loads(line)
        if request["cmd"] == "end":
            break
        answer = _start(implementation) if request["cmd"] == "start" else {}
        answers.write(json.dumps(answer or _run(implementation, request)) + "\n")
        answers.flush()


def _start(implementation: Implementation) -> dict[str, Any]:
    return {
        "version": VERSION,
        "description": str(implementation),
        "operators": [name for name in vectors.operators() if name in implementation.functions],
    }


def _run(implementation: Implementation, request: dict[str, Any]) -> dict[str, Any]:
    """Call an operator, and return its results and the inputs that it changed."""
    options = {k: tuple(v) if isinstance(v, list) else v for k, v in request["parameters"].items()}
    function = implementation.functions[request["operator"]]
    if unknown := vectors.unknown_arguments(function, [*request["inputs"], *options]):
        return {"not_implemented": f"the arguments {', '.join(unknown)}"}
    try:
        inputs = message_arrays(request["inputs"])
        before = {name: array.copy() for name, array in inputs.items()}
        after = vectors.call_operator(function, inputs, options)
    except NotImplementedError as error:
        return {"not_implemented": str(error)}
    except Exception as error:  # noqa: BLE001 - whatever the library raises is an answer
        return {"refused": _refusal(error, implementation)}
    results = {name: after[name] for name in vectors.RESULTS if name in after}
    for name, result in results.items():
        if not isinstance(result, np.ndarray):  # no answer of the protocol: the case fails
            return {"invalid": f"{name} is not an array but {result!r}"}
    changed = {k: v for k, v in inputs.items() if not _same(v, before[k])}
    return {"results": message_tensors(results), "changed": message_tensors(changed)}


def _same(one: np.ndarray, other: np.ndarray) -> bool:
    return np.array_equal(one, other, equal_nan=one.dtype.kind != "i")


def _refusal(error: Exception, implementation: Implementation) -> dict[str, str]:
    """Return an exception with the class that the protocol knows: Python's own, or a library's.

    A library may refuse with a class of Python, too: with its module, the name is none of Python's.
    """
    name = type(error).__name__
    if isinstance(error, implementation.library_errors):
        kind = f"{type(error).__module__}.{name}"
    else:
        kind = next(c.__name__ for c in type(error).__mro__ if c.__module__ == "builtins")
    return {"type": kind, "message": f"{name}: {error}"}


if __name__ == "__main__":
    main()
