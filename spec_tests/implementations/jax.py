"""JAX: its convolution and pooling primitives, activations and gradients."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from spec_tests.implementations._arrays import need, over, pair
from spec_tests.implementations._jax_training import adam, sgd

__all__ = ["DESCRIPTION", "LIBRARY_ERRORS", "adam", "backward", "sgd"]

DESCRIPTION = f"jax {jax.__version__}"
LIBRARY_ERRORS = (TypeError, ValueError)

jax.config.update("jax_enable_x64", True)  # noqa: FBT003 - its signature
jax.config.update("jax_platforms", "cpu")


def _margins(padding: int | str | tuple[int, int]) -> str | list[tuple[int, int]]:
    return padding.upper() if isinstance(padding, str) else [(p, p) for p in pair(padding)]


def _conv2d(input: Any, weight: Any, bias: Any = None, **options: Any) -> jax.Array:
    need(options.get("padding_mode", "zeros") == "zeros", "conv_general_dilated: padding modes")
    need(input.ndim == 4, "conv_general_dilated: 3-D input")
    output = lax.conv_general_dilated(
        input,
        weight,
        pair(options.get("stride", 1)),
        _margins(options.get("padding", 0)),
        rhs_dilation=pair(options.get("dilation", 1)),
        feature_group_count=options.get("groups", 1),
    )
    return output if bias is None else output + bias[:, None, None]


def _max_pool2d(input: Any, kernel_size: Any, stride: Any = None, **options: Any) -> jax.Array:
    need(not options.get("ceil_mode"), "reduce_window: ceil_mode")
    need(not options.get("return_indices"), "reduce_window: indices")
    floating = jnp.issubdtype(input.dtype, jnp.floating)
    lowest = -jnp.inf if floating else jnp.iinfo(input.dtype).min
    ahead = (1,) * (input.ndim - 2)
    return lax.reduce_window(
        input,
        jnp.array(lowest, input.dtype),
        lax.max,
        ahead + pair(kernel_size),
        ahead + pair(stride or kernel_size),
        [(0, 0)] * len(ahead) + _margins(options.get("padding", 0)),
        window_dilation=ahead + pair(options.get("dilation", 1)),
    )


def _cross_entropy(input: Any, target: Any, *, reduction: str = "mean", **rest: Any) -> jax.Array:
    indices = jnp.issubdtype(target.dtype, jnp.integer) and input.ndim == 2 and not rest
    need(indices, "log_softmax: nothing but class indices, one a sample")
    need((target >= 0).all(), "log_softmax: samples that are ignored")
    losses = -jnp.take_along_axis(jax.nn.log_softmax(input), target[:, None], axis=1)[:, 0]
    return {"mean": jnp.mean, "sum": jnp.sum, "none": jnp.asarray}[reduction](losses)


def _relu(input: Any, *, inplace: bool = False) -> jax.Array:
    need(not inplace, "arrays that change")
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

globals().update({name: over(f, jnp.array, np.array) for name, f in FUNCTIONS.items()})


def backward(
    grad_output: np.ndarray, *, operator: str, wrt: str, times: int = 1, **arguments: Any
) -> np.ndarray:
    """Add up vector-Jacobian products, since JAX keeps no gradients."""
    need(operator in FUNCTIONS, operator)
    value = jnp.array(arguments.pop(wrt))
    _, pull = jax.vjp(lambda x: FUNCTIONS[operator](**arguments, **{wrt: x}), value)
    return np.array(sum(pull(jnp.array(grad_output))[0] for _ in range(times)))
