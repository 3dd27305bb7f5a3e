"""tinygrad. Without a C compiler, set DEV=PYTHON in the environment: its Python device."""

import importlib.metadata
from typing import Any

import numpy as np
from tinygrad import Tensor, dtypes

from spec_tests.implementations import Implementation, Operator
from spec_tests.implementations._arrays import on_arrays, pair, require
from spec_tests.implementations._tinygrad_training import adam, sgd, without


def _conv2d(input: Tensor, weight: Tensor, bias: Tensor | None = None, **options: Any) -> Tensor:
    require(options.pop("padding_mode", "zeros") == "zeros", "Tensor.conv2d: padding modes")
    require(not isinstance(options.get("padding"), str), "Tensor.conv2d: padding by name")
    require(input.ndim != 3, "Tensor.conv2d: 3-D input")
    return input.conv2d(weight, bias, **options)


def _max_pool2d(input: Tensor, kernel_size: Any, **options: Any) -> Tensor | tuple[Tensor, Tensor]:
    pooled = input.max_pool2d(pair(kernel_size), **options)
    return (pooled[0], pooled[1].cast(dtypes.int64)) if isinstance(pooled, tuple) else pooled


def _avg_pool2d(input: Tensor, kernel_size: Any, **options: Any) -> Tensor:
    return input.avg_pool2d(pair(kernel_size), **without(options, "divisor_override"))


def _cross_entropy(input: Tensor, target: Tensor, **options: Any) -> Tensor:
    options = without(options, "weight")
    if dtypes.is_float(target.dtype):
        return input.cross_entropy(target, **without(options, "ignore_index"))
    require(input.ndim == 2, "sparse_categorical_crossentropy of other than two axes")
    return input.sparse_categorical_crossentropy(target, **{"ignore_index": -100} | options)


def _flatten(input: Tensor, **dims: int) -> Tensor:
    require(input.ndim, "Tensor.flatten of a scalar on the Python device")  # it asks for clang
    return input.flatten(**dims)


def _linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    require(weight.ndim == 2, "Tensor.linear: weight with other than two axes")
    require(bias is None or bias.ndim, "Tensor.linear: bias without axes")
    return input.linear(weight.T, bias)


TINYGRAD_FUNCTIONS: dict[str, Operator] = {
    "avg_pool2d": _avg_pool2d,
    "conv2d": _conv2d,
    "cross_entropy": _cross_entropy,
    "flatten": _flatten,
    "linear": _linear,
    "max_pool2d": _max_pool2d,
    "relu": lambda input, **options: input.relu(**without(options, "inplace")),
    "sigmoid": lambda input: input.sigmoid(),
}


def _backward(
    grad_output: np.ndarray, *, operator: str, wrt: str, times: int = 1, **arguments: Any
) -> np.ndarray:
    """Call backward on the output, as in PyTorch."""
    require(operator in TINYGRAD_FUNCTIONS, operator)
    tensors = {k: Tensor(v) if isinstance(v, np.ndarray) else v for k, v in arguments.items()}
    for _ in range(times):
        TINYGRAD_FUNCTIONS[operator](**tensors).backward(Tensor(grad_output))
    return tensors[wrt].grad.numpy()


IMPLEMENTATION = Implementation(
    name="tinygrad",
    functions={name: on_arrays(f, Tensor, Tensor.numpy) for name, f in TINYGRAD_FUNCTIONS.items()}
    | {"adam": adam, "backward": _backward, "sgd": sgd},
    description=f"tinygrad {importlib.metadata.version('tinygrad')}",
    library_errors=(AssertionError, ValueError, TypeError, IndexError, RuntimeError),
)
