"""The operators as ONNX nodes, for whatever runs a model.

https://onnx.ai/onnx/operators/ is what the nodes mean. Where ONNX has no such operator or option,
NotImplementedError says so.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from onnx import ModelProto, TensorProto, helper

Run = Callable[[ModelProto, Mapping[str, np.ndarray]], list[np.ndarray]]

OPSET = [helper.make_opsetid("", 22), helper.make_opsetid("ai.onnx.preview.training", 1)]


def _need(condition: object, what: str) -> None:
    if not condition:
        raise NotImplementedError(f"ONNX has no {what}")


def _pair(value: int | tuple[int, int]) -> list[int]:
    return [value, value] if isinstance(value, int) else list(value)


def _node(run: Run, kind: str, *inputs: np.ndarray | None, outputs: int = 1, **options: Any) -> Any:
    """Run a model of one node; a missing input is None."""
    feeds = {f"x{i}": x for i, x in enumerate(inputs) if x is not None}
    names = [f"x{i}" if x is not None else "" for i, x in enumerate(inputs)]
    results = [f"y{i}" for i in range(outputs)]
    node = helper.make_node(kind, names, results, **options)
    kinds = {name: helper.np_dtype_to_tensor_dtype(x.dtype) for name, x in feeds.items()}
    values = [helper.make_tensor_value_info(n, kinds[n], x.shape) for n, x in feeds.items()]
    types = [kinds["x0"], TensorProto.INT64 if kind == "MaxPool" else kinds["x0"], kinds["x0"]]
    made = [helper.make_tensor_value_info(*y, None) for y in zip(results, types, strict=False)]
    graph = helper.make_graph([node], kind, values, made)
    found = run(helper.make_model(graph, opset_imports=OPSET, ir_version=10), feeds)
    return found[0] if outputs == 1 else tuple(found)


def _window(input: np.ndarray, kernel: Any, stride: Any, padding: Any) -> dict[str, Any]:
    _need(input.ndim == 4, "pooling or convolution without a batch")
    strides = {"strides": _pair(stride), "kernel_shape": _pair(kernel)}
    if isinstance(padding, str):
        return strides | {"auto_pad": {"same": "SAME_UPPER", "valid": "VALID"}[padding]}
    return strides | {"pads": _pair(padding) * 2}


def operators(run: Run) -> dict[str, Callable[..., Any]]:
    """Return an adapter's functions, by name, for something that runs models."""

    def conv2d(  # every argument of torch's, in its order
        input: np.ndarray,
        weight: np.ndarray,
        bias: np.ndarray | None = None,
        *,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
        padding_mode: str = "zeros",
    ) -> np.ndarray:
        _need(input.dtype.kind == "f", "convolution of integers")
        _need(padding_mode == "zeros", "other padding in Conv")
        window = _window(input, weight.shape[2:], stride, padding)
        spread = {"dilations": _pair(dilation), "group": groups}
        return _node(run, "Conv", input, weight, bias, **window, **spread)

    def max_pool2d(
        input: np.ndarray,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        *,
        ceil_mode: bool = False,
        return_indices: bool = False,
    ) -> Any:
        _need(input.dtype.kind == "f", "MaxPool of int64")
        window = _window(input, kernel_size, stride or kernel_size, padding)
        spread = {"dilations": _pair(dilation), "ceil_mode": int(ceil_mode)}
        if not return_indices:
            return _node(run, "MaxPool", input, **window, **spread)
        values, places = _node(run, "MaxPool", input, outputs=2, **window, **spread)
        return values, places % (input.shape[2] * input.shape[3])  # ONNX counts through all planes

    def avg_pool2d(
        input: np.ndarray,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        *,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> np.ndarray:
        _need(divisor_override is None, "divisor_override")
        window = _window(input, kernel_size, stride or kernel_size, padding)
        counts = {"ceil_mode": int(ceil_mode), "count_include_pad": int(count_include_pad)}
        return _node(run, "AveragePool", input, **window, **counts)

    def adaptive_avg_pool2d(input: np.ndarray, output_size: Any) -> np.ndarray:
        _need(output_size in {1, (1, 1)} and input.ndim == 4, "adaptive pooling but to 1x1")
        return _node(run, "GlobalAveragePool", input)

    def relu(input: np.ndarray, *, inplace: bool = False) -> np.ndarray:
        _need(not inplace, "operation in place")
        return _node(run, "Relu", input)

    def sigmoid(input: np.ndarray) -> np.ndarray:
        return _node(run, "Sigmoid", input)

    def linear(input: np.ndarray, weight: np.ndarray, bias: np.ndarray | None = None) -> np.ndarray:
        _need(input.ndim == 2, "Gemm but for matrices")
        return _node(run, "Gemm", input, weight, bias, transB=1)

    def flatten(input: np.ndarray, start_dim: int = 0, end_dim: int = -1) -> np.ndarray:
        _need(start_dim == 1 and end_dim == -1, "Flatten but to matrices")
        return _node(run, "Flatten", input, axis=1)

    return {name: value for name, value in locals().items() if name != "run"}
