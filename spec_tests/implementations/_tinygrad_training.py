"""tinygrad's optimizers."""

from typing import Any

import numpy as np
from tinygrad import Context, Tensor, nn

from spec_tests.implementations._arrays import history, need


def without(options: dict[str, Any], *missing: str) -> dict[str, Any]:
    """Return the options that tinygrad has; the others must be off."""
    for name in missing:
        value = options.get(name)
        need(not isinstance(value, Tensor) and not value, f"tinygrad has no {name}")
    return {name: value for name, value in options.items() if name not in missing}


def _updates(kind: Any, params: np.ndarray, grads: np.ndarray, **options: Any) -> np.ndarray:
    leaf = Tensor(params)
    optimizer = kind([leaf], **options)

    def step(_: int, grad: np.ndarray) -> np.ndarray:
        leaf.grad = Tensor(grad)
        with Context(TRAINING=1):
            optimizer.step()
        return leaf.numpy()

    return history(grads, step)


def sgd(params: np.ndarray, grads: np.ndarray, **options: Any) -> np.ndarray:
    """Run nn.optim.SGD."""
    return _updates(nn.optim.SGD, params, grads, **without(options, "dampening", "maximize"))


def adam(
    params: np.ndarray, grads: np.ndarray, betas: tuple = (0.9, 0.999), **options: Any
) -> np.ndarray:
    """Run nn.optim.Adam."""
    options = without(options, "weight_decay", "amsgrad", "maximize")
    return _updates(nn.optim.Adam, params, grads, b1=betas[0], b2=betas[1], **options)
