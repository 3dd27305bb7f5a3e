"""More operators as ONNX nodes: those that differ between training and evaluation."""

import numpy as np

from spec_tests.implementations._arrays import Operator, history, need
from spec_tests.implementations._onnx_node import Run, node

PREVIEW = "ai.onnx.preview.training"


def operators(run: Run) -> dict[str, Operator]:
    """Return an adapter's functions, by name, for something that runs models."""

    def dropout(input: np.ndarray, p: float = 0.5, *, training: bool = True) -> np.ndarray:
        ratio = np.array(p, np.float32)
        return node(run, "Dropout", input, ratio, np.array(training))

    def batch_norm(
        input: np.ndarray,
        running_mean: np.ndarray | None,
        running_var: np.ndarray | None,
        weight: np.ndarray | None = None,
        bias: np.ndarray | None = None,
        *,
        training: bool = False,
        momentum: float = 0.1,
        eps: float = 1e-5,
    ) -> np.ndarray:
        need(running_mean is not None, "ONNX has no batch normalisation without running statistics")
        scale = np.ones_like(running_mean) if weight is None else weight
        shift = np.zeros_like(running_mean) if bias is None else bias
        inputs = input, scale, shift, running_mean, running_var
        options = {"epsilon": float(eps), "momentum": 1 - momentum, "training_mode": int(training)}
        if not training:
            return node(run, "BatchNormalization", *inputs, **options)
        output, mean, variance = node(run, "BatchNormalization", *inputs, outputs=3, **options)
        running_mean[:], running_var[:] = mean, variance
        return output

    def cross_entropy(
        input: np.ndarray,
        target: np.ndarray,
        weight: np.ndarray | None = None,
        *,
        label_smoothing: float = 0.0,
        ignore_index: int = -100,
        reduction: str = "mean",
    ) -> np.ndarray:
        need(input.ndim > 1 and not label_smoothing, "ONNX has no such SoftmaxCrossEntropyLoss")
        need(target.dtype.kind == "i", "ONNX has no SoftmaxCrossEntropyLoss of probabilities")
        options = {"ignore_index": ignore_index, "reduction": reduction}
        return node(run, "SoftmaxCrossEntropyLoss", input, target, weight, **options)

    def sgd(
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
        need(not maximize and lr >= 0, "ONNX has no Momentum that climbs")
        need(params.dtype == np.float32, "ONNX has no Momentum with options in float64")
        options = {"alpha": momentum, "beta": 1 - dampening, "norm_coefficient": weight_decay}
        mode = "nesterov" if nesterov else "standard"
        buffer = np.zeros_like(params)

        def step(number: int, grad: np.ndarray) -> np.ndarray:
            nonlocal params, buffer
            now = np.array(lr, params.dtype), np.array(number)
            states = (params, grad, buffer)
            params, buffer = node(
                run, "Momentum", *now, *states, outputs=2, domain=PREVIEW, mode=mode, **options
            )
            return params

        return history(grads, step)

    return {name: value for name, value in locals().items() if name != "run"}
