"""The adapter `numpy` passes all vectors: they ask nothing that only PyTorch can do."""

import pytest

from spec_tests.harness import vectors
from spec_tests.harness.adapters import load

NUMPY = load("numpy")


@pytest.mark.parametrize("operator", vectors.operators())
def test_passes_all_vectors(operator: str) -> None:
    for case in vectors.cases(operator):
        vectors.check(NUMPY, case)
