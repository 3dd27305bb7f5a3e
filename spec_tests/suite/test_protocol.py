"""The protocol: arrays in messages and back, and engines that answer, refuse, hang and die."""

import json
import shlex
import shutil
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

from spec_tests import paths
from spec_tests.harness import adapters, vectors
from spec_tests.harness.protocol import message_arrays, message_tensor, message_tensors
from spec_tests.harness.tensors import LAYOUTS, array, tensor
from spec_tests.harness.vectors import Case
from spec_tests.implementations import Implementation

SCHEMA = json.loads(paths.PROTOCOL_SCHEMA.read_text(encoding="utf-8"))

# A server that answers run by what stands in ANSWER; it imports nothing that is slow to import.
SERVER = """
import json, os, signal, sys, time
about = {"version": 1, "description": "mine 1", "operators": ["relu"]}
print(json.dumps(about | ABOUT), flush=True)
input()
for line in sys.stdin:
    request = json.loads(line)
    if request["cmd"] == "end":
        break
    ANSWER
"""
OUTPUT = '{"results": {"output": {"dtype": "float32", "shape": [1], "data": [0]}}}'
RELU = Case(
    operator="relu",
    name="zero",
    inputs={"input": tensor([-1], "float32")},
    parameters={},
    expected={"output": tensor([0], "float32")},
)
REFUSAL = Case(
    operator="relu",
    name="refusal",
    inputs=RELU.inputs,
    parameters={},
    error={"types": ["ValueError"], "mentions": "words of torch"},
)


def problems(message: object, kind: str) -> list[str]:
    """Return what is wrong with a message by the published schema."""
    schema = {"$ref": f"#/$defs/{kind}", "$defs": SCHEMA["$defs"]}
    return [error.message for error in jsonschema.Draft202012Validator(schema).iter_errors(message)]


def engine(folder: Path, answer: str, about: str = "{}", seconds: float = 20) -> Implementation:
    """Start a server that runs the statements `answer` for each call."""
    path = folder / "server.py"
    path.write_text(SERVER.replace("ABOUT", about).replace("ANSWER", answer), encoding="utf-8")
    return adapters.load(f"exec:{shlex.join([sys.executable, str(path)])}", seconds=seconds)


def says(text: str) -> str:
    """Return the statement by which a server answers a line."""
    return f"print({text!r}, flush=True)"


def failure(implementation: Implementation, case: Case) -> str:
    """Return the first line of a failure; the case must fail."""
    with pytest.raises(vectors.MismatchError) as caught:
        vectors.check(implementation, case)
    return str(caught.value).splitlines()[0]


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        ([0.1, -0.0, np.nan, np.inf, -np.inf, 5e-324, 1.7976931348623157e308], "float64"),
        ([0.1, 16777217, 3.4e38, 1e-45], "float32"),
        ([0.1, 65504, 6e-8, np.nan], "float16"),
        ([0.1, 3.3e38, 1e-40, -np.inf], "bfloat16"),
        ([2**53 + 1, -(2**53) - 1, 2**63 - 1, -(2**63), 0], "int64"),
        ([], "float32"),
    ],
)
def test_each_value_arrives(values: list[float], dtype: str) -> None:
    sent = np.array(values, "int64" if dtype == "int64" else "float64")
    sent = sent.astype(array({"dtype": dtype, "shape": [0], "data": []}).dtype)
    message = json.loads(json.dumps(message_tensor(sent), allow_nan=False))
    assert problems(message, "tensor") == []
    arrived = message_arrays({"input": message})["input"]
    assert arrived.dtype == sent.dtype
    assert arrived.tobytes() == sent.tobytes()


@pytest.mark.parametrize("layout", LAYOUTS)
def test_each_layout_arrives(layout: str) -> None:
    shape = [2, 4, 3, 5]
    data: Any = np.arange(120).reshape(shape)
    data = data * 0 if "expanded" in layout else data
    sent = array({"dtype": "float32", "shape": shape, "data": data.tolist(), "layout": layout})
    message = json.loads(json.dumps(message_tensor(sent)))
    assert problems(message, "tensor") == []
    assert ("strides" in message) == (layout != "contiguous")
    arrived = message_arrays({"input": message})["input"]
    assert np.array_equal(arrived, sent)
    assert arrived.strides == sent.strides


def test_shared_memory_arrives() -> None:
    one = np.ones(2)
    messages = json.loads(json.dumps(message_tensors({"input": one, "target": one, "w": one * 2})))
    arrived = message_arrays(messages)
    assert arrived["target"] is arrived["input"]
    assert arrived["w"].tolist() == [2, 2]


def test_requests_follow_the_schema(tmp_path: Path) -> None:
    log = tmp_path / "log"
    answer = f"open({str(log)!r}, 'a').write(line); {says(OUTPUT)}"
    vectors.check(engine(tmp_path, answer), RELU)
    (request,) = (json.loads(line) for line in log.read_text().splitlines())
    assert problems(request, "request") == []
    assert request["operator"] == "relu"
    assert problems({"cmd": "run"}, "request")


def test_four_answers(tmp_path: Path) -> None:
    assert failure(engine(tmp_path, says(OUTPUT)), REFUSAL).startswith("relu: must raise")
    missing = engine(tmp_path, says('{"not_implemented": "no relu"}'))
    with pytest.raises(vectors.UnsupportedError, match="no relu"):
        vectors.check(missing, RELU)
    for kind in ("ValueError", "EngineFault"):
        answer = f'{{"refused": {{"type": "{kind}", "message": "own words"}}}}'
        assert problems(json.loads(answer), "answer") == []
        refusing = engine(tmp_path, says(answer))
        vectors.check(refusing, REFUSAL)
        assert "own words" in failure(refusing, RELU)
    wrong = engine(tmp_path, says('{"refused": {"type": "TypeError", "message": "oh"}}'))
    assert failure(wrong, REFUSAL).endswith("but raised TypeError: oh")


@pytest.mark.parametrize("case", [RELU, REFUSAL], ids=lambda case: case.name)
@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("os.kill(os.getpid(), signal.SIGKILL)", "the process ended with SIGKILL"),
        ("sys.exit('out of memory')", "ended with exit status 1; its last words: out of memory"),
        ("time.sleep(60)", "the process gave no answer within 0.2 s"),
        (says("hello"), "the process answered what is not JSON: 'hello'"),
        (says("[1]"), "the process answered what is not an object: '[1]'"),
        (says("{}"), "the answer does not follow the protocol: KeyError('results')"),
        (
            says('{"results": {"output": {"dtype": "float32", "shape": [2], "data": [0]}}}'),
            "the answer does not follow the protocol: ValueError('cannot reshape",
        ),
    ],
)
def test_a_death_fails_every_case_and_no_other(
    answer: str, reason: str, case: Case, tmp_path: Path
) -> None:
    """The first call dies; the second finds a new process."""
    once = f"if os.path.exists('died'): {says(OUTPUT)}\n    else:\n        open('died', 'w')\n"
    seconds = 0.2 if "0.2 s" in reason else 20
    folder = tmp_path / "engine"
    folder.mkdir()
    answer = f"os.chdir({str(folder)!r})\n    {once}        {answer}"
    implementation = engine(tmp_path, answer, seconds=seconds)
    assert reason in failure(implementation, case)
    vectors.check(implementation, RELU)


def test_an_engine_that_does_not_read_is_ended(tmp_path: Path) -> None:
    implementation = engine(tmp_path, f"{says(OUTPUT)}; time.sleep(60)", seconds=1)
    vectors.check(implementation, RELU)
    larger_than_a_pipe = replace(RELU, inputs={"input": tensor(np.zeros(200_000), "float32")})
    assert "gave no answer within 1 s" in failure(implementation, larger_than_a_pipe)


def test_what_an_engine_starts_is_ended_with_it(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import time; time.sleep(600)"]
    answer = f"import subprocess; subprocess.Popen({command!r}); time.sleep(60)"
    implementation = engine(tmp_path, answer, seconds=0.5)
    start = time.monotonic()
    assert "gave no answer" in failure(implementation, RELU)
    assert time.monotonic() - start < 5


def test_engine_without_a_dtype(tmp_path: Path) -> None:
    implementation = engine(tmp_path, says(OUTPUT), about='{"dtypes": ["float64"]}')
    with pytest.raises(vectors.UnsupportedError, match="dtype float32"):
        vectors.check(implementation, RELU)


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("nosuch-engine", "No such file or directory"),
        (shlex.join([sys.executable, "-c", "print('hi')"]), "not JSON: 'hi'"),
        (shlex.join([sys.executable, "-c", "1 / 0"]), "last words: ZeroDivisionError"),
        (shlex.join([sys.executable, "-c", "print('{}')"]), "with version 1 and operators: {}"),
    ],
)
def test_what_is_no_engine_is_one_line(command: str, reason: str) -> None:
    with pytest.raises(pytest.UsageError) as caught:
        adapters.load(f"exec:{command}")
    assert str(caught.value).startswith(f"--impl exec:{command}: ")
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


def test_isolated_adapter_is_judged_as_in_this_process() -> None:
    """All vectors of operators that change inputs, refuse, and return two results."""
    isolated = adapters.load("numpy", isolate=True)
    assert str(isolated) == str(adapters.load("numpy"))
    for operator in ("relu", "batch_norm", "max_pool2d"):
        for case in vectors.cases(operator):
            vectors.check(isolated, case)


def test_isolated_adapter_may_print_and_crash(tmp_path: Path) -> None:
    path = tmp_path / "adapter.py"
    path.write_text(
        "import ctypes\n"
        "print('a greeting')\n"
        "def relu(input):\n    print('more')\n    return input.clip(0)\n"
        "def sigmoid(input):\n    ctypes.string_at(0)\n"
    )
    isolated = adapters.load(str(path), isolate=True)
    vectors.check(isolated, RELU)
    (sigmoid, *_) = vectors.cases("sigmoid")
    assert failure(isolated, sigmoid).startswith("sigmoid: the process ended with SIGSEGV")
    vectors.check(isolated, RELU)
    with pytest.raises(vectors.UnsupportedError):
        vectors.check(isolated, vectors.cases("conv2d")[0])


def test_isolated_adapter_fails_where_it_fails_in_this_process(tmp_path: Path) -> None:
    path = tmp_path / "adapter.py"
    path.write_text(
        "LIBRARY_ERRORS = (KeyError,)\n"
        "def relu(input):\n    return [0.0]\n"
        "def flatten(input, start_dim=0, end_dim=-1):\n    raise KeyError('refused')\n"
        "def sigmoid(input):\n    raise AttributeError('a mistake')\n"
    )
    refusal = next(case for case in vectors.cases("flatten") if case.error)
    mistake = replace(REFUSAL, operator="sigmoid")
    for isolate in (False, True):
        adapter = adapters.load(str(path), isolate=isolate)
        assert "not an array but [0.0]" in failure(adapter, RELU)
        vectors.check(adapter, refusal)
        assert "but raised AttributeError: " in failure(adapter, mistake)


JAVASCRIPT = """
import { numbers, require, serve, tensor } from 'SERVER';

console.log('a greeting');
await serve({
  description: 'mine 2',
  dtypes: ['float32'],
  operators: {
    relu: ({ input }) => {
      console.log('more');
      const values = numbers(input).map((value) => (value < 0 ? 0 : value));
      return { output: tensor('float32', input.shape, values) };
    },
    sigmoid: () => require(false, 'sigmoid'),
    flatten: () => { throw new RangeError('no axes'); },
    linear: () => process.exit(3),
  },
});
"""


@pytest.mark.skipif(not shutil.which("node"), reason="needs the program node")
def test_server_in_javascript(tmp_path: Path) -> None:
    path = tmp_path / "engine.mjs"
    server = adapters.FOLDER / "javascript" / "_server.mjs"
    path.write_text(JAVASCRIPT.replace("SERVER", server.as_uri()), encoding="utf-8")
    engine = adapters.load(f"exec:node {shlex.quote(str(path))}")
    assert str(engine) == "mine 2"
    by_name = {case.name: case for case in vectors.cases("relu")}
    for name in ("nan", "infinite", "subnormal", "largest"):
        vectors.check(engine, by_name[name])
    with pytest.raises(vectors.UnsupportedError, match="sigmoid"):
        vectors.check(engine, vectors.cases("sigmoid")[0])
    with pytest.raises(vectors.UnsupportedError, match="dtype float64"):
        vectors.check(engine, by_name["float64"])
    refusals = [case for case in vectors.cases("flatten") if case.error]
    vectors.check(engine, refusals[0])
    assert "ended with exit status 3" in failure(engine, vectors.cases("linear")[0])
