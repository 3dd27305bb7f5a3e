"""JAX: its convolution and pooling primitives, activations and gradients."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from spec_tests.implementations import Implementation, Operator
from spec_tests.implementations._arrays import on_arrays, pair, require
from spec_tests.implementations._jax_training import adam, sgd

jax.config.update("jax_enable_x64", True)  # noqa: FBT003 - its signature
jax.config.update("jax_platforms", "cpu")


def _pads(padding: int | tuple[int, int]) -> list[tuple[int, int]]:
    return [(p, p) for p in pair(padding)]


def _conv2d(input: Any, weight: Any, bias: Any = None, **options: Any) -> jax.Array:
    require(options.get("padding_mode", "zeros") == "zeros", "conv_general_dilated: padding modes")
    require(input.ndim == 4, "conv_general_dilated: 3-D input")
    padding = options.get("padding", 0)
    output = lax.conv_general_dilated(
        input,
        weight,
        pair(options.get("stride", 1)),
        padding.upper() if isinstance(padding, str) else _pads(padding),
        rhs_dilation=pair(options.get("dilation", 1)),
        feature_group_count=options.get("groups", 1),
    )
    return output if bias is None else output + bias[:, None, None]


def _max_pool2d(input: Any, kernel_size: Any, stride: Any = None, **options: Any) -> jax.Array:
    require(not options.get("ceil_mode"), "reduce_window: ceil_mode")
    require(not options.get("return_indices"), "reduce_window: indices")
    floating = jnp.issubdtype(input.dtype, jnp.floating)
    lowest = -jnp.inf if floating else jnp.iinfo(input.dtype).min
    leading = (1,) * (input.ndim - 2)
    return lax.reduce_window(
        input,
        jnp.array(lowest, input.dtype),
        lax.max,
        leading + pair(kernel_size),
        leading + pair(stride or kernel_size),
        [(0, 0)] * len(leading) + _pads(options.get("padding", 0)),
        window_dilation=leading + pair(options.get("dilation", 1)),
    )


def _cross_entropy(input: Any, target: Any, *, reduction: str = "mean", **rest: Any) -> jax.Array:
    supported = jnp.issubdtype(target.dtype, jnp.integer) and input.ndim == 2 and not rest
    require(supported, "log_softmax: anything but one class index per sample")
    require((target >= 0).all(), "log_softmax: ignored samples")
    require(reduction in {"mean", "sum", "none"}, f"reduction {reduction}")
    losses = -jnp.take_along_axis(jax.nn.log_softmax(input), target[:, None], axis=1)[:, 0]
    return {"mean": jnp.mean, "sum": jnp.sum, "none": jnp.asarray}[reduction](losses)


def _relu(input: Any, *, inplace: bool = False) -> jax.Array:
    require(not inplace, "in-place operations")
    return jax.nn.relu(input)


def _sigmoid(input: Any) -> jax.Array:
    require(jnp.issubdtype(input.dtype, jnp.floating), "sigmoid of integers")
    return jax.nn.sigmoid(input)


def _flatten(input: Any, start_dim: int = 0, end_dim: int = -1) -> jax.Array:
    return lax.collapse(input, start_dim, None if end_dim == -1 else end_dim + 1)


JAX_FUNCTIONS: dict[str, Operator] = {
    "conv2d": _conv2d,
    "cross_entropy": _cross_entropy,
    "flatten": _flatten,
    "max_pool2d": _max_pool2d,
    "relu": _relu,
    "sigmoid": _sigmoid,
}


def _backward(
    grad_output: np.ndarray, *, operator: str, wrt: str, times: int = 1, **arguments: Any
) -> np.ndarray:
    """Add up vector-Jacobian products, since JAX does not accumulate gradients."""
    require(operator in JAX_FUNCTIONS, operator)
    value = jnp.array(arguments.pop(wrt))
    _, vjp = jax.vjp(lambda x: JAX_FUNCTIONS[operator](**arguments, **{wrt: x}), value)
    return np.array(sum(vjp(jnp.array(grad_output))[0] for _ in range(times)))


IMPLEMENTATION = Implementation(
    name="jax",
    functions={name: on_arrays(f, jnp.array, np.array) for name, f in JAX_FUNCTIONS.items()}
    | {"adam": adam, "backward": _backward, "sgd": sgd},
    description=f"jax {jax.__version__}",
    library_errors=(TypeError, ValueError),
)
