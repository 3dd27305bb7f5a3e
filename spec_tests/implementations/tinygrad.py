"""tinygrad. Without a C compiler it runs on its Python device: DEV=PYTHON in the environment."""

import importlib.metadata
from typing import Any

import numpy as np
from tinygrad import Tensor, dtypes

from spec_tests.implementations._arrays import need, over, pair
from spec_tests.implementations._tinygrad_training import adam, sgd, without

__all__ = ["DESCRIPTION", "LIBRARY_ERRORS", "adam", "backward", "sgd"]

DESCRIPTION = f"tinygrad {importlib.metadata.version('tinygrad')}"
LIBRARY_ERRORS = (AssertionError, ValueError, TypeError, IndexError, RuntimeError)


def _conv2d(input: Tensor, weight: Tensor, bias: Tensor | None = None, **options: Any) -> Tensor:
    need(options.pop("padding_mode", "zeros") == "zeros", "Tensor.conv2d: padding modes")
    need(not isinstance(options.get("padding"), str), "Tensor.conv2d: padding in words")
    need(input.ndim != 3, "Tensor.conv2d: 3-D input")
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
    need(input.ndim == 2, "sparse_categorical_crossentropy of more or fewer axes")
    return input.sparse_categorical_crossentropy(target, **{"ignore_index": -100} | options)


FUNCTIONS = {
    "avg_pool2d": _avg_pool2d,
    "conv2d": _conv2d,
    "cross_entropy": _cross_entropy,
    "flatten": lambda input, **dims: input.flatten(**dims),
    "linear": lambda input, weight, bias=None: input.linear(weight.T, bias),
    "max_pool2d": _max_pool2d,
    "relu": lambda input, **options: input.relu(**without(options, "inplace")),
    "sigmoid": lambda input: input.sigmoid(),
}

globals().update({name: over(f, Tensor, Tensor.numpy) for name, f in FUNCTIONS.items()})


def backward(
    grad_output: np.ndarray, *, operator: str, wrt: str, times: int = 1, **arguments: Any
) -> np.ndarray:
    """Call backward on the output, as PyTorch has it."""
    need(operator in FUNCTIONS, operator)
    named = {k: Tensor(v) if isinstance(v, np.ndarray) else v for k, v in arguments.items()}
    for _ in range(times):
        FUNCTIONS[operator](**named).backward(Tensor(grad_output))
    return named[wrt].grad.numpy()
