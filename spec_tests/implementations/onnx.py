"""ONNX's reference evaluator."""

from collections.abc import Mapping
from functools import partial

import numpy as np
import onnx
from onnx.reference import ReferenceEvaluator

from spec_tests.implementations import Implementation, _onnx, _onnx_training


def _run(model: onnx.ModelProto, feeds: Mapping[str, np.ndarray]) -> list[np.ndarray]:
    with np.errstate(all="ignore"):
        results = ReferenceEvaluator(model).run(None, dict(feeds))
    return [np.array(result) for result in results]  # copies: some are views of the input


FUNCTIONS = _onnx.FUNCTIONS | _onnx_training.FUNCTIONS

IMPLEMENTATION = Implementation(
    name="onnx",
    functions={name: partial(function, _run) for name, function in FUNCTIONS.items()},
    description=f"onnx {onnx.__version__} (reference evaluator)",
    library_errors=(ValueError, TypeError, RuntimeError, IndexError),
)
