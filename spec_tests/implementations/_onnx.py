"""The operators as ONNX nodes.

Each function's first argument runs a model. An option that ONNX does not have raises
NotImplementedError.
"""

from typing import Any

import numpy as np

from spec_tests.implementations import Operator
from spec_tests.implementations._arrays import pair, require
from spec_tests.implementations._onnx_node import Run, run_node


def _window(
    input: np.ndarray, kernel: Any, stride: Any, padding: Any = 0, **options: Any
) -> dict[str, Any]:
    """Return a window's arguments as the attributes of a node."""
    require(input.ndim == 4, "ONNX has no pooling or convolution without a batch")
    pads = {"pads": pair(padding) * 2} if not isinstance(padding, str) else {}
    auto_pad = {"same": {"auto_pad": "SAME_UPPER"}, "valid": {"auto_pad": "VALID"}}
    require(pads or padding in auto_pad, f"ONNX has no padding {padding!r}")
    dilations = {"dilations": pair(options.pop("dilation"))} if "dilation" in options else {}
    flags = {name: int(value) for name, value in options.items()}
    shape = {"kernel_shape": pair(kernel), "strides": pair(stride)}
    return shape | (pads or auto_pad[padding]) | dilations | flags


def conv2d(
    run: Run,
    input: np.ndarray,
    weight: np.ndarray,
    bias: np.ndarray | None = None,
    *,
    stride: Any = 1,
    groups: int = 1,
    padding_mode: str = "zeros",
    **geometry: Any,
) -> np.ndarray:
    require(input.dtype.kind == "f", "ONNX has no convolution of integers")
    require(padding_mode == "zeros", "ONNX's Conv pads with zeros only")
    window = _window(input, weight.shape[2:], stride, **geometry)
    return run_node(run, "Conv", input, weight, bias, **window, group=groups)


def max_pool2d(
    run: Run,
    input: np.ndarray,
    kernel_size: Any,
    stride: Any = None,
    *,
    return_indices: bool = False,
    **options: Any,
) -> Any:
    require(input.dtype.kind == "f", "ONNX has no MaxPool of int64")
    window = _window(input, kernel_size, stride or kernel_size, **options)
    if not return_indices:
        return run_node(run, "MaxPool", input, **window)
    values, indices = run_node(run, "MaxPool", input, outputs=2, **window)
    # ONNX counts through all planes of the batch, torch in each plane: (N, C, H, W) -> (H * W)
    return values, indices % (input.shape[2] * input.shape[3])


def avg_pool2d(
    run: Run, input: np.ndarray, kernel_size: Any, stride: Any = None, **options: Any
) -> np.ndarray:
    require(input.dtype.kind != "i", "ONNX has no AveragePool of int64")
    divisor = options.pop("divisor_override", None)
    require(divisor is None, "ONNX has no divisor_override")
    options = {"count_include_pad": True} | options
    window = _window(input, kernel_size, stride or kernel_size, **options)
    return run_node(run, "AveragePool", input, **window)


def adaptive_avg_pool2d(run: Run, input: np.ndarray, output_size: Any) -> np.ndarray:
    require(output_size in {1, (1, 1)} and input.ndim == 4, "ONNX pools adaptively to 1x1 only")
    return run_node(run, "GlobalAveragePool", input)


def relu(run: Run, input: np.ndarray, *, inplace: bool = False) -> np.ndarray:
    require(not inplace, "ONNX has no in-place operations")
    return run_node(run, "Relu", input)


def sigmoid(run: Run, input: np.ndarray) -> np.ndarray:
    require(input.dtype.kind != "i", "ONNX has no Sigmoid of integers")
    return run_node(run, "Sigmoid", input)


def linear(
    run: Run, input: np.ndarray, weight: np.ndarray, bias: np.ndarray | None = None
) -> np.ndarray:
    require(input.ndim == weight.ndim == 2, "ONNX's Gemm takes matrices only")
    return run_node(run, "Gemm", input, weight, bias, transB=1)


def flatten(run: Run, input: np.ndarray, start_dim: int = 0, end_dim: int = -1) -> np.ndarray:
    require(start_dim == 1 and end_dim == -1, "ONNX's Flatten returns matrices only")
    return run_node(run, "Flatten", input, axis=1)


FUNCTIONS: dict[str, Operator] = {
    "adaptive_avg_pool2d": adaptive_avg_pool2d,
    "avg_pool2d": avg_pool2d,
    "conv2d": conv2d,
    "flatten": flatten,
    "linear": linear,
    "max_pool2d": max_pool2d,
    "relu": relu,
    "sigmoid": sigmoid,
}
