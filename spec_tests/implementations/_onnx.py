"""The operators as ONNX nodes.

Where ONNX has no such operator or option, NotImplementedError says so.
"""

from typing import Any

import numpy as np

from spec_tests.implementations._arrays import Operator, need, pair
from spec_tests.implementations._onnx_node import Run, node


def _window(
    input: np.ndarray, kernel: Any, stride: Any, padding: Any = 0, **options: Any
) -> dict[str, Any]:
    """Write a window's arguments as the attributes of a node."""
    need(input.ndim == 4, "ONNX has no pooling or convolution without a batch")
    pads = {"pads": pair(padding) * 2} if not isinstance(padding, str) else {}
    words = {"same": {"auto_pad": "SAME_UPPER"}, "valid": {"auto_pad": "VALID"}}
    spread = {"dilations": pair(options.pop("dilation"))} if "dilation" in options else {}
    flags = {name: int(value) for name, value in options.items()}
    shape = {"kernel_shape": pair(kernel), "strides": pair(stride)}
    return shape | (pads or words[padding]) | spread | flags


def operators(run: Run) -> dict[str, Operator]:
    """Return an adapter's functions, by name, for something that runs models."""

    def conv2d(
        input: np.ndarray,
        weight: np.ndarray,
        bias: np.ndarray | None = None,
        *,
        stride: Any = 1,
        groups: int = 1,
        padding_mode: str = "zeros",
        **geometry: Any,
    ) -> np.ndarray:
        need(input.dtype.kind == "f", "ONNX has no convolution of integers")
        need(padding_mode == "zeros", "ONNX has no other padding in Conv")
        window = _window(input, weight.shape[2:], stride, **geometry)
        return node(run, "Conv", input, weight, bias, **window, group=groups)

    def max_pool2d(
        input: np.ndarray,
        kernel_size: Any,
        stride: Any = None,
        *,
        return_indices: bool = False,
        **options: Any,
    ) -> Any:
        need(input.dtype.kind == "f", "ONNX has no MaxPool of int64")
        window = _window(input, kernel_size, stride or kernel_size, **options)
        if not return_indices:
            return node(run, "MaxPool", input, **window)
        values, places = node(run, "MaxPool", input, outputs=2, **window)
        return values, places % (input.shape[2] * input.shape[3])  # ONNX counts through all planes

    def avg_pool2d(
        input: np.ndarray, kernel_size: Any, stride: Any = None, **options: Any
    ) -> np.ndarray:
        divisor = options.pop("divisor_override", None)
        need(divisor is None, "ONNX has no divisor_override")
        counts = {"count_include_pad": True} | options
        window = _window(input, kernel_size, stride or kernel_size, **counts)
        return node(run, "AveragePool", input, **window)

    def adaptive_avg_pool2d(input: np.ndarray, output_size: Any) -> np.ndarray:
        need(output_size in {1, (1, 1)} and input.ndim == 4, "ONNX pools adaptively to 1x1 only")
        return node(run, "GlobalAveragePool", input)

    def relu(input: np.ndarray, *, inplace: bool = False) -> np.ndarray:
        need(not inplace, "ONNX has no operation in place")
        return node(run, "Relu", input)

    def sigmoid(input: np.ndarray) -> np.ndarray:
        return node(run, "Sigmoid", input)

    def linear(input: np.ndarray, weight: np.ndarray, bias: np.ndarray | None = None) -> np.ndarray:
        need(input.ndim == 2, "ONNX has no Gemm but for matrices")
        return node(run, "Gemm", input, weight, bias, transB=1)

    def flatten(input: np.ndarray, start_dim: int = 0, end_dim: int = -1) -> np.ndarray:
        need(start_dim == 1 and end_dim == -1, "ONNX has no Flatten but to matrices")
        return node(run, "Flatten", input, axis=1)

    return {name: value for name, value in locals().items() if name != "run"}
