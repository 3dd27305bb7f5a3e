"""ONNX's reference evaluator."""

import numpy as np
import onnx
from onnx.reference import ReferenceEvaluator

from spec_tests.implementations import _onnx, _onnx_training

DESCRIPTION = f"onnx {onnx.__version__} (reference evaluator)"
LIBRARY_ERRORS = (ValueError, TypeError, RuntimeError, IndexError)


def _run(model: onnx.ModelProto, feeds: dict) -> list:
    with np.errstate(all="ignore"):
        results = ReferenceEvaluator(model).run(None, feeds)
    return [np.array(result) for result in results]  # copies: some are views of the input


globals().update(_onnx.operators(_run) | _onnx_training.operators(_run))
