"""JAX: its convolution and pooling primitives, activations, gradients and example optimizers."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.example_libraries import optimizers

DESCRIPTION = f"jax {jax.__version__}"
OWN_ERRORS = (TypeError, ValueError)

jax.config.update("jax_enable_x64", True)  # noqa: FBT003 - its signature
jax.config.update("jax_platforms", "cpu")


def _pair(value: int | tuple[int, int]) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else value


def _margins(padding: int | str | tuple[int, int]) -> str | list[tuple[int, int]]:
    return padding.upper() if isinstance(padding, str) else [(p, p) for p in _pair(padding)]


def _conv2d(input: Any, weight: Any, bias: Any = None, **options: Any) -> jax.Array:
    if options.get("padding_mode", "zeros") != "zeros" or input.ndim != 4:
        raise NotImplementedError("lax.conv_general_dilated: padding modes, 3-D input")
    output = lax.conv_general_dilated(
        input,
        weight,
        _pair(options.get("stride", 1)),
        _margins(options.get("padding", 0)),
        rhs_dilation=_pair(options.get("dilation", 1)),
        feature_group_count=options.get("groups", 1),
    )
    return output if bias is None else output + bias[:, None, None]


def _max_pool2d(input: Any, kernel_size: Any, stride: Any = None, **options: Any) -> jax.Array:
    if options.get("ceil_mode") or options.get("return_indices"):
        raise NotImplementedError("lax.reduce_window: ceil_mode, indices")
    floating = jnp.issubdtype(input.dtype, jnp.floating)
    lowest = -jnp.inf if floating else jnp.iinfo(input.dtype).min
    ahead = (1,) * (input.ndim - 2)
    return lax.reduce_window(
        input,
        jnp.array(lowest, input.dtype),
        lax.max,
        ahead + _pair(kernel_size),
        ahead + _pair(stride or kernel_size),
        [(0, 0)] * len(ahead) + _margins(options.get("padding", 0)),
        window_dilation=ahead + _pair(options.get("dilation", 1)),
    )


def _cross_entropy(input: Any, target: Any, *, reduction: str = "mean", **rest: Any) -> jax.Array:
    if rest or input.ndim != 2 or not jnp.issubdtype(target.dtype, jnp.integer):
        raise NotImplementedError("jax.nn.log_softmax: nothing but class indices, one a sample")
    if (target < 0).any():
        raise NotImplementedError("jax.nn.log_softmax: samples that are ignored")
    losses = -jnp.take_along_axis(jax.nn.log_softmax(input), target[:, None], axis=1)[:, 0]
    return {"mean": jnp.mean, "sum": jnp.sum, "none": jnp.asarray}[reduction](losses)


def _relu(input: Any, *, inplace: bool = False) -> jax.Array:
    if inplace:
        raise NotImplementedError("arrays cannot change")
    return jax.nn.relu(input)


def _sigmoid(input: Any) -> jax.Array:
    return jax.nn.sigmoid(input)


def _flatten(input: Any, start_dim: int = 0, end_dim: int = -1) -> jax.Array:
    return lax.collapse(input, start_dim % input.ndim, end_dim % input.ndim + 1)


FUNCTIONS = {
    "conv2d": _conv2d,
    "cross_entropy": _cross_entropy,
    "flatten": _flatten,
    "max_pool2d": _max_pool2d,
    "relu": _relu,
    "sigmoid": _sigmoid,
}


def _over(function: Callable[..., jax.Array]) -> Callable[..., np.ndarray]:
    def call(**arguments: Any) -> np.ndarray:
        arrays = {k: jnp.array(v) for k, v in arguments.items() if isinstance(v, np.ndarray)}
        return np.array(function(**arguments | arrays))

    return call


globals().update({name: _over(function) for name, function in FUNCTIONS.items()})


def backward(
    grad_output: np.ndarray, *, operator: str, wrt: str, times: int = 1, **arguments: Any
) -> np.ndarray:
    """Add up vector-Jacobian products, since JAX keeps no gradients."""
    if operator not in FUNCTIONS:
        raise NotImplementedError(operator)
    value = jnp.array(arguments.pop(wrt))
    _, pull = jax.vjp(lambda x: FUNCTIONS[operator](**arguments, **{wrt: x}), value)
    return np.array(sum(pull(jnp.array(grad_output))[0] for _ in range(times)))


def _updates(optimizer: optimizers.Optimizer, params: np.ndarray, grads: np.ndarray) -> np.ndarray:
    state, history = optimizer.init_fn(jnp.array(params)), []
    for step, grad in enumerate(grads):
        state = optimizer.update_fn(step, jnp.array(grad), state)
        history.append(np.array(optimizer.params_fn(state)))
    return np.stack(history)


def sgd(
    params: np.ndarray, grads: np.ndarray, *, lr: float = 1e-3, momentum: float = 0, **rest: Any
) -> np.ndarray:
    """Run one of sgd, momentum and nesterov."""
    nesterov = rest.pop("nesterov", False)
    if rest or lr < 0:
        raise NotImplementedError("example_libraries.optimizers.sgd: dampening, decay, maximize")
    if not momentum:
        return _updates(optimizers.sgd(lr), params, grads)
    kind = optimizers.nesterov if nesterov else optimizers.momentum
    return _updates(kind(lr, momentum), params, grads)


def adam(
    params: np.ndarray,
    grads: np.ndarray,
    *,
    lr: float = 1e-3,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    **rest: Any,
) -> np.ndarray:
    """Run adam."""
    if rest or max(betas) >= 1:
        raise NotImplementedError("example_libraries.optimizers.adam: decay, amsgrad, maximize")
    return _updates(optimizers.adam(lr, *betas, eps), params, grads)
