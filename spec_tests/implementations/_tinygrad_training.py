"""tinygrad's optimizers."""

from typing import Any

import numpy as np
from tinygrad import Context, Tensor, nn

from spec_tests.implementations._arrays import parameter_history, require


def without(options: dict[str, Any], *missing: str) -> dict[str, Any]:
    """Return the options without those that tinygrad does not have, which must be off."""
    for name in missing:
        value = options.get(name)
        require(not isinstance(value, Tensor) and not value, f"tinygrad has no {name}")
    return {name: value for name, value in options.items() if name not in missing}


def _run(optimizer_class: Any, params: np.ndarray, grads: np.ndarray, **options: Any) -> np.ndarray:
    leaf = Tensor(params)
    optimizer = optimizer_class([leaf], **options)

    def step(_: int, grad: np.ndarray) -> np.ndarray:
        leaf.grad = Tensor(grad)
        with Context(TRAINING=1):
            optimizer.step()
        return leaf.numpy()

    return parameter_history(grads, step)


def sgd(params: np.ndarray, grads: np.ndarray, **options: Any) -> np.ndarray:
    """Run nn.optim.SGD."""
    return _run(nn.optim.SGD, params, grads, **without(options, "dampening", "maximize"))


def adam(
    params: np.ndarray, grads: np.ndarray, betas: tuple[float, float] = (0.9, 0.999), **options: Any
) -> np.ndarray:
    """Run nn.optim.Adam."""
    options = without(options, "weight_decay", "amsgrad", "maximize")
    return _run(nn.optim.Adam, params, grads, b1=betas[0], b2=betas[1], **options)
