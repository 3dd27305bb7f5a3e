"""JAX's example optimizers."""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax.example_libraries import optimizers

from spec_tests.implementations._arrays import parameter_history, require


def _run(optimizer: optimizers.Optimizer, params: np.ndarray, grads: np.ndarray) -> np.ndarray:
    state = optimizer.init_fn(jnp.array(params))

    def step(number: int, grad: np.ndarray) -> Any:
        nonlocal state
        state = optimizer.update_fn(number, jnp.array(grad), state)
        return optimizer.params_fn(state)

    return parameter_history(grads, step)


def sgd(
    params: np.ndarray, grads: np.ndarray, *, lr: float = 1e-3, momentum: float = 0, **rest: Any
) -> np.ndarray:
    """Run sgd, momentum or nesterov."""
    nesterov = rest.pop("nesterov", False)
    require(not rest and lr >= 0, "example_libraries.optimizers.sgd: dampening, decay, maximize")
    if not momentum:
        return _run(optimizers.sgd(lr), params, grads)
    optimizer = optimizers.nesterov if nesterov else optimizers.momentum
    return _run(optimizer(lr, momentum), params, grads)


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
    supported = not rest and max(betas) < 1
    require(supported, "example_libraries.optimizers.adam: decay, amsgrad, maximize")
    return _run(optimizers.adam(lr, *betas, eps), params, grads)
