"""The vectors: their files follow the schema, and their expected values are the oracle's."""

import json
from math import prod

import numpy as np
import pytest
from jsonschema import Draft202012Validator

from spec_tests import oracles, paths
from spec_tests.harness import oracle_checks, vectors
from spec_tests.harness.tensors import array
from spec_tests.harness.vectors import Case

CASES = [
    pytest.param(case, id=f"{case.operator}-{case.name}")
    for operator in vectors.operators()
    for case in vectors.cases(operator)
]
LARGEST = 100  # elements of a tensor written in full
LARGEST_FILL = 66_000  # elements of one with `fill`: more than uint16 can count
VALUES = [param for param in CASES if param.values[0].expected]


def test_schema_is_valid() -> None:
    Draft202012Validator.check_schema(json.loads(paths.VECTORS_SCHEMA.read_text(encoding="utf-8")))


@pytest.mark.parametrize("operator", vectors.operators())
def test_file_follows_the_schema(operator: str) -> None:
    schema = json.loads(paths.VECTORS_SCHEMA.read_text(encoding="utf-8"))
    document = json.loads((paths.VECTORS / f"{operator}.json").read_text(encoding="utf-8"))
    problems = [
        f"{problem.json_path}: {problem.message}"
        for problem in Draft202012Validator(schema).iter_errors(document)
    ]
    assert problems == []
    assert document["operator"] == operator
    names = [case["name"] for case in document["cases"]]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("operator", sorted(oracles.DEFINITIONS))
def test_enough_cases(operator: str) -> None:
    values = [case for case in vectors.cases(operator) if case.expected]
    assert len(values) >= (12 if operator in {"conv2d", "max_pool2d"} else 5)


@pytest.mark.parametrize("case", CASES)
def test_shapes_match_the_data(case: Case) -> None:
    for name, tensor in {**case.inputs, **case.expected}.items():
        if "fill" in tensor:
            assert prod(tensor["shape"]) <= LARGEST_FILL, name
            continue
        data = np.array(tensor["data"], dtype=object)
        assert list(data.shape) == tensor["shape"], name
        assert prod(tensor["shape"]) <= LARGEST, f"{name} is too large to check by eye: use fill"


@pytest.mark.parametrize("case", CASES)
def test_layouts(case: Case) -> None:
    """Only inputs have one; what shares memory is equal, and an expanded array's first axis."""
    assert not any(each.keys() & {"layout", "shares"} for each in case.expected.values())
    inputs, _ = case.arrays
    for name, tensor in case.inputs.items():
        plain = array({key: value for key, value in tensor.items() if key != "layout"})
        assert inputs[name].tobytes() == plain.tobytes(), name


@pytest.mark.parametrize("case", VALUES)
def test_expected_values_match_the_oracle(case: Case) -> None:
    oracle_checks.verify_expected(case)


@pytest.mark.parametrize("case", VALUES)
def test_other_inputs_do_not_change(case: Case) -> None:
    """The oracle changes only the inputs that the case expects to change."""
    if any(0 in tensor["shape"] for tensor in case.inputs.values()):
        return  # the oracles' nested lists have no shape without elements
    outcome = vectors.from_oracle(case)
    for name, tensor in case.inputs.items():
        before = vectors.as_fractions(array(tensor).tolist())
        # assert_equal is slow, and needed only where NaN makes equal lists differ.
        if name not in case.expected and outcome[name] != before:
            np.testing.assert_equal(outcome[name], before, name)
