"""The operators of training as ONNX nodes: see `_onnx`."""

from typing import Any

import numpy as np

from spec_tests.implementations import Operator
from spec_tests.implementations._arrays import parameter_history, require
from spec_tests.implementations._onnx_node import Run, run_node

PREVIEW = "ai.onnx.preview.training"


def dropout(run: Run, input: np.ndarray, p: float = 0.5, *, training: bool = True) -> np.ndarray:
    ratio = np.array(p, "float64" if input.dtype == "float64" else "float32")
    return run_node(run, "Dropout", input, ratio, np.array(training))


def batch_norm(
    run: Run,
    input: np.ndarray,
    running_mean: np.ndarray | None,
    running_var: np.ndarray | None,
    *,
    weight: np.ndarray | None = None,
    bias: np.ndarray | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> np.ndarray:
    if running_mean is None or running_var is None:
        raise NotImplementedError("ONNX has no batch normalization without running statistics")
    scale = np.ones_like(running_mean) if weight is None else weight
    shift = np.zeros_like(running_mean) if bias is None else bias
    inputs = input, scale, shift, running_mean, running_var
    options: dict[str, Any] = {
        "epsilon": float(eps),
        "momentum": 1.0 - momentum,
        "training_mode": int(training),
    }
    if not training:
        return run_node(run, "BatchNormalization", *inputs, **options)
    output, mean, variance = run_node(run, "BatchNormalization", *inputs, outputs=3, **options)
    running_mean[:], running_var[:] = mean, variance
    return output


def cross_entropy(
    run: Run,
    input: np.ndarray,
    target: np.ndarray,
    weight: np.ndarray | None = None,
    *,
    label_smoothing: float = 0.0,
    ignore_index: int = -100,
    reduction: str = "mean",
) -> np.ndarray:
    require(
        input.ndim > 1 and not label_smoothing,
        "ONNX's SoftmaxCrossEntropyLoss needs a batch and has no label_smoothing",
    )
    require(target.dtype.kind == "i", "ONNX's SoftmaxCrossEntropyLoss takes class indices only")
    options: dict[str, Any] = {"ignore_index": ignore_index, "reduction": reduction}
    return run_node(run, "SoftmaxCrossEntropyLoss", input, target, weight, **options)


def sgd(
    run: Run,
    params: np.ndarray,
    grads: np.ndarray,
    *,
    lr: float = 1e-3,
    momentum: float = 0,
    dampening: float = 0,
    weight_decay: float = 0,
    nesterov: bool = False,
    maximize: bool = False,
) -> np.ndarray:
    require(not maximize and lr >= 0, "ONNX's Momentum has no maximize and no negative lr")
    require(params.dtype == np.float32, "ONNX's Momentum has its options in float32")
    options = {"alpha": momentum, "beta": 1 - dampening, "norm_coefficient": weight_decay}
    mode = "nesterov" if nesterov else "standard"
    buffer = np.zeros_like(params)

    def step(number: int, grad: np.ndarray) -> np.ndarray:
        nonlocal params, buffer
        inputs = np.array(lr, params.dtype), np.array(number), params, grad, buffer
        params, buffer = run_node(
            run, "Momentum", *inputs, outputs=2, domain=PREVIEW, mode=mode, **options
        )
        return params

    return parameter_history(grads, step)


FUNCTIONS: dict[str, Operator] = {
    "batch_norm": batch_norm,
    "cross_entropy": cross_entropy,
    "dropout": dropout,
    "sgd": sgd,
}
