"""ONNX Runtime on the CPU."""

from collections.abc import Mapping
from functools import partial

import numpy as np
import onnxruntime
from onnx import ModelProto
from onnxruntime.capi import onnxruntime_pybind11_state as state

from spec_tests.implementations import Implementation, _onnx, _onnx_training

SILENT = onnxruntime.SessionOptions()
SILENT.log_severity_level = 4


def _run(model: ModelProto, feeds: Mapping[str, np.ndarray]) -> list[np.ndarray]:
    try:
        session = onnxruntime.InferenceSession(model.SerializeToString(), SILENT)
    except state.NotImplemented as error:
        raise NotImplementedError(str(error)) from error
    return session.run(None, dict(feeds))


FUNCTIONS = _onnx.FUNCTIONS | _onnx_training.FUNCTIONS

IMPLEMENTATION = Implementation(
    name="onnxruntime",
    functions={
        name: partial(function, _run)
        for name, function in FUNCTIONS.items()
        if name != "sgd"  # ONNX Runtime does not have Momentum
    },
    description=f"onnxruntime {onnxruntime.__version__}",
    library_errors=(state.Fail, state.InvalidArgument, state.InvalidGraph, state.RuntimeException),
)
