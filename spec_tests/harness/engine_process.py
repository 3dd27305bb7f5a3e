"""An implementation in a process of its own, which speaks the protocol: `--impl "exec:COMMAND"`."""

import atexit
import builtins
import contextlib
import json
import os
import queue
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterable, Mapping
from typing import IO, Any

import numpy as np

from spec_tests.harness import vectors
from spec_tests.harness.protocol import VERSION, message_array, message_tensors
from spec_tests.implementations import DiedError, Implementation, Operator

START_SECONDS = 120  # importing an engine may take long
END_SECONDS = 5


class RefusedError(Exception):
    """An engine has refused the arguments with an exception that Python does not have."""


class EngineProcess:
    """A process that answers requests; it is started again after each death.

    Args:
        command: the program and its arguments.
        seconds: how long it may take for one call.
        environment: variables for it, beside this process's own.
    """

    def __init__(self, command: list[str], seconds: float, environment: Mapping[str, str]) -> None:
        self.command = command
        self.seconds = seconds
        self.environment = {**os.environ, **environment}
        self._process: subprocess.Popen[str] | None = None
        self._reader = self._writer = threading.Thread()
        self._answers: queue.Queue[str] = queue.Queue()
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed with this object
        atexit.register(self.close)

    def start(self) -> dict[str, Any]:
        """Start the process and return what it says about itself.

        Raises:
            DiedError: it ends, or says nothing that the protocol allows.
            OSError: there is no such program.
        """
        self._answers = queue.Queue()
        self._errors.truncate(0)
        self._process = subprocess.Popen(
            self.command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            encoding="utf-8",
            env=self.environment,
            start_new_session=True,  # so that what it starts can be ended with it
        )
        arguments = (self._process.stdout, self._answers)
        self._reader = threading.Thread(target=_read, args=arguments, daemon=True)
        self._reader.start()
        about = self._ask({"cmd": "start", "version": VERSION}, START_SECONDS)
        if about.get("version") != VERSION or not isinstance(about.get("operators"), list):
            raise self._died(f"must answer start with version {VERSION} and operators: {about}")
        return about

    def run(self, request: dict[str, Any]) -> dict[str, Any]:
        """Send a request and return the answer.

        Raises:
            DiedError: the process ends, takes too long, or answers what is not in the protocol.
        """
        if self._process is None:
            self.start()
        return self._ask(request, self.seconds)

    def close(self) -> None:
        """End the process: by the end of its input, or else by force."""
        if self._process and self._process.stdin:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(END_SECONDS)
            self._end()
        self._errors.close()

    def _end(self) -> int:
        """End the process, if it has not ended, and return its exit status."""
        process, self._process = self._process, None
        assert process
        _kill(process)
        for thread in (self._reader, self._writer):
            thread.join(END_SECONDS)
        with contextlib.suppress(OSError):  # of requests that it has not read
            process.__exit__(None, None, None)  # closes the pipes
        return process.wait()

    def _ask(self, request: dict[str, Any], seconds: float) -> dict[str, Any]:
        process = self._process
        assert process
        # In a thread: a process that hangs does not read, and writing to a full pipe would block.
        self._writer = threading.Thread(target=_write, args=(process.stdin, request), daemon=True)
        self._writer.start()
        try:
            line = self._answers.get(timeout=seconds)
        except queue.Empty:
            raise self._died(f"gave no answer within {seconds:g} s") from None
        if not line:
            process.wait()
            raise self._died("ended with {status}")
        try:
            answer = json.loads(line)
        except ValueError:
            raise self._died(f"answered what is not JSON: {line.strip()[:200]!r}") from None
        if not isinstance(answer, dict):
            raise self._died(f"answered what is not an object: {line.strip()[:200]!r}")
        return answer

    def _died(self, how: str) -> DiedError:
        """End the process, and return the error that says how it died and what it said last."""
        status = _status(self._end())
        self._errors.seek(0)
        said = self._errors.read().decode(errors="replace").strip().splitlines()
        # Some runtimes print more after the line that names the error.
        errors = [line for line in said if "error" in line.lower()]
        last = f"; its last words: {(errors or said)[-1].strip()}" if said else ""
        return DiedError(f"the process {how.replace('{status}', status)}{last}")


def _kill(process: subprocess.Popen[str]) -> None:
    """End a process and what it has started."""
    if os.name == "posix":
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()


def _write(requests: IO[str], request: dict[str, Any]) -> None:
    with contextlib.suppress(OSError, ValueError):  # it has ended: so do its answers
        requests.write(json.dumps(request) + "\n")
        requests.flush()


def _read(lines: Iterable[str], answers: queue.Queue[str]) -> None:
    """Pass on what a process answers, line by line, and "" at its end."""
    with contextlib.suppress(ValueError):  # it is not UTF-8
        for line in lines:
            answers.put(line)
    answers.put("")


def _status(code: int) -> str:
    if code >= 0:
        return f"exit status {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"


def implementation(
    name: str, command: list[str], seconds: float, environment: Mapping[str, str] = {}
) -> Implementation:
    """Start a program that speaks the protocol, and return the implementation that it is.

    Args:
        name: of the implementation.
        command: the program and its arguments.
        seconds: how long it may take for one call.
        environment: variables for it, beside this process's own.

    Raises:
        DiedError: it does not speak the protocol.
        OSError: there is no such program.
    """
    process = EngineProcess(command, seconds, environment)
    about = process.start()
    dtypes = about.get("dtypes")
    return Implementation(
        name=name,
        functions={each: _function(process, each, dtypes) for each in about["operators"]},
        description=str(about.get("description", "")),
        library_errors=(RefusedError,),
    )


def _function(process: EngineProcess, operator: str, dtypes: list[str] | None) -> Operator:
    def call(**arguments: Any) -> tuple[np.ndarray, ...]:
        inputs = {k: v for k, v in arguments.items() if isinstance(v, np.ndarray)}
        for array in inputs.values():
            if dtypes is not None and array.dtype.name not in dtypes:
                raise NotImplementedError(f"dtype {array.dtype.name}")
        answer = process.run(
            {
                "cmd": "run",
                "operator": operator,
                "inputs": message_tensors(inputs),
                "parameters": {k: v for k, v in arguments.items() if k not in inputs},
            }
        )
        return _results(answer, inputs)

    return call


def _results(answer: dict[str, Any], inputs: dict[str, np.ndarray]) -> tuple[np.ndarray, ...]:
    """Return the results of an answer, and change the inputs that the engine has changed.

    Raises:
        NotImplementedError, RefusedError or one of Python's exceptions: what the answer says.
        DiedError: the answer is none that the protocol allows.
    """
    if "not_implemented" in answer:
        raise NotImplementedError(answer["not_implemented"])
    if isinstance(refused := answer.get("refused"), dict):
        raise _refusal(str(refused.get("type")), str(refused.get("message")))
    try:
        for name, tensor in answer.get("changed", {}).items():
            inputs[name][...] = message_array(tensor)
        results = {name: message_array(tensor) for name, tensor in answer["results"].items()}
        results["output"]
    except (KeyError, TypeError, ValueError) as error:
        shown = json.dumps(answer)[:200]
        raise DiedError(f"the answer does not follow the protocol: {error!r}: {shown}") from error
    return tuple(results[name] for name in vectors.RESULTS if name in results)


def _refusal(kind: str, message: str) -> Exception:
    """Return an exception of Python's class of that name; of another, a library's refusal."""
    found = getattr(builtins, kind, None)
    if not (isinstance(found, type) and issubclass(found, Exception)):
        return RefusedError(message)
    try:
        return found(message)
    except TypeError:  # a class that needs more than a message
        return Exception(f"{kind}: {message}")
