"""ONNX Runtime on the CPU."""

from collections.abc import Mapping

import numpy as np
import onnxruntime
from onnx import ModelProto
from onnxruntime.capi import onnxruntime_pybind11_state as state

from spec_tests.implementations import _onnx, _onnx_training

DESCRIPTION = f"onnxruntime {onnxruntime.__version__}"
LIBRARY_ERRORS = (state.Fail, state.InvalidArgument, state.InvalidGraph, state.RuntimeException)

SILENT = onnxruntime.SessionOptions()
SILENT.log_severity_level = 4


def _run(model: ModelProto, feeds: Mapping[str, np.ndarray]) -> list[np.ndarray]:
    try:
        session = onnxruntime.InferenceSession(model.SerializeToString(), SILENT)
    except state.NotImplemented as error:
        raise NotImplementedError(str(error)) from error
    return session.run(None, dict(feeds))


globals().update(_onnx.operators(_run) | _onnx_training.operators(_run))
del globals()["sgd"]  # Momentum is not among its operators
