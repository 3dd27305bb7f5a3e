"""tinygrad. Without a C compiler it runs on its Python device: DEV=PYTHON in the environment."""

import importlib.metadata
from typing import Any

import numpy as np
from tinygrad import Context, Tensor, nn

from spec_tests.implementations._tensors import Operator

DESCRIPTION = f"tinygrad {importlib.metadata.version('tinygrad')}"
OWN_ERRORS = (AssertionError, ValueError, TypeError, IndexError, RuntimeError)


def _without(options: dict[str, Any], *missing: str) -> dict[str, Any]:
    """Return the options that tinygrad has; the others must be off."""
    for name in missing:
        value = options.pop(name, None)
        if isinstance(value, Tensor) or value:
            raise NotImplementedError(f"tinygrad has no {name}")
    return options


def _conv2d(input: Tensor, weight: Tensor, bias: Tensor | None = None, **options: Any) -> Tensor:
    mode = options.pop("padding_mode", "zeros")
    if mode != "zeros" or isinstance(options.get("padding"), str) or input.ndim == 3:
        raise NotImplementedError("Tensor.conv2d: padding modes and words, 3-D input")
    return input.conv2d(weight, bias, **options)


def _square(options: dict[str, Any]) -> dict[str, Any]:
    """Write a window's side as a pair: tinygrad takes a number for the whole shape."""
    kernel = options.pop("kernel_size")
    return options | {"kernel_size": (kernel, kernel) if isinstance(kernel, int) else kernel}


def _max_pool2d(input: Tensor, **options: Any) -> Tensor | tuple[Tensor, Tensor]:
    return input.max_pool2d(**_square(options))


def _avg_pool2d(input: Tensor, **options: Any) -> Tensor:
    return input.avg_pool2d(**_square(_without(options, "divisor_override")))


def _relu(input: Tensor, **options: Any) -> Tensor:
    return input.relu(**_without(options, "inplace"))


def _cross_entropy(input: Tensor, target: Tensor, **options: Any) -> Tensor:
    options = _without(options, "weight")
    if np.dtype(target.dtype.fmt).kind == "f":
        return input.cross_entropy(target, **_without(options, "ignore_index"))
    if input.ndim != 2:
        raise NotImplementedError("sparse_categorical_crossentropy of more or fewer axes")
    return input.sparse_categorical_crossentropy(target, **{"ignore_index": -100} | options)


FUNCTIONS = {
    "avg_pool2d": _avg_pool2d,
    "conv2d": _conv2d,
    "cross_entropy": _cross_entropy,
    "flatten": Tensor.flatten,
    "linear": lambda input, weight, bias=None: input.linear(weight.T, bias),
    "max_pool2d": _max_pool2d,
    "relu": _relu,
    "sigmoid": Tensor.sigmoid,
}


def _over(function: Operator) -> Operator:
    def call(**arguments: Any) -> np.ndarray | tuple[np.ndarray, ...]:
        named = {k: Tensor(v) if isinstance(v, np.ndarray) else v for k, v in arguments.items()}
        first = named.pop("input")
        result = function(first, **named)
        if isinstance(result, tuple):
            return result[0].numpy(), result[1].numpy().astype(np.int64)
        return result.numpy()

    return call


globals().update({name: _over(function) for name, function in FUNCTIONS.items()})


def backward(
    grad_output: np.ndarray, *, operator: str, wrt: str, times: int = 1, **arguments: Any
) -> np.ndarray:
    """Call backward on the output, as PyTorch has it."""
    if operator not in FUNCTIONS:
        raise NotImplementedError(operator)
    named = {k: Tensor(v) if isinstance(v, np.ndarray) else v for k, v in arguments.items()}
    leaf = named[wrt]
    first = named.pop("input")
    for _ in range(times):
        FUNCTIONS[operator](first, **named).backward(Tensor(grad_output))
    return leaf.grad.numpy()


def _updates(optimizer: Operator, params: np.ndarray, grads: np.ndarray) -> np.ndarray:
    leaf = Tensor(params)
    update, history = optimizer([leaf]), []
    for grad in grads:
        leaf.grad = Tensor(grad)
        with Context(TRAINING=1):
            update.step()
        history.append(leaf.numpy().copy())
    return np.stack(history)


def sgd(params: np.ndarray, grads: np.ndarray, **options: Any) -> np.ndarray:
    """Run nn.optim.SGD."""
    options = _without(options, "dampening", "maximize")
    return _updates(lambda leaves: nn.optim.SGD(leaves, **options), params, grads)


def adam(
    params: np.ndarray, grads: np.ndarray, betas: tuple = (0.9, 0.999), **options: Any
) -> np.ndarray:
    """Run nn.optim.Adam."""
    options = _without(options, "weight_decay", "amsgrad", "maximize")
    options |= {"b1": betas[0], "b2": betas[1]}
    return _updates(lambda leaves: nn.optim.Adam(leaves, **options), params, grads)
