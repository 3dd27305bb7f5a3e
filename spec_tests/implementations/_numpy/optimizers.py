"""SGD and Adam: the parameters after each step, one gradient a step."""

import numpy as np

from spec_tests.implementations._numpy.dtypes import exact


def sgd(
    params: np.ndarray,
    grads: np.ndarray,
    *,
    lr: float = 1e-3,
    momentum: float = 0,
    dampening: float = 0,
    weight_decay: float = 0,
    nesterov: bool = False,
    maximize: bool = False,
) -> np.ndarray:
    """Descend along the gradient, with momentum along a running sum of gradients."""
    _check_common(lr, weight_decay)
    if momentum < 0:
        raise ValueError(f"momentum must be at least 0, got momentum={momentum}")
    if nesterov and (momentum == 0 or dampening != 0):
        raise ValueError(
            "nesterov=True needs momentum above 0 and dampening=0, got "
            f"momentum={momentum}, dampening={dampening}"
        )
    param, buffer, history = exact(params), None, []
    for grad in exact(grads):
        step = _gradient(grad, param, weight_decay, maximize=maximize)
        if momentum:
            buffer = step if buffer is None else momentum * buffer + (1 - dampening) * step
            step = step + momentum * buffer if nesterov else buffer
        param = param - lr * step
        history.append(param)
    return np.stack(history).astype(params.dtype)


def adam(
    params: np.ndarray,
    grads: np.ndarray,
    *,
    lr: float = 1e-3,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0,
    amsgrad: bool = False,
    maximize: bool = False,
) -> np.ndarray:
    """Divide a running mean of the gradients by the root of that of their squares."""
    _check_common(lr, weight_decay)
    if not all(0 <= beta < 1 for beta in betas):
        raise ValueError(f"betas must be from 0 to below 1, got betas={betas}")
    if eps < 0:
        raise ValueError(f"eps must be at least 0, got eps={eps}")
    (beta1, beta2), history = betas, []
    param = exact(params)
    mean = square = largest = np.zeros_like(param)
    for step, grad in enumerate(exact(grads), start=1):
        gradient = _gradient(grad, param, weight_decay, maximize=maximize)
        mean = beta1 * mean + (1 - beta1) * gradient
        square = beta2 * square + (1 - beta2) * gradient**2
        largest = np.maximum(largest, square)
        # Both start at 0, which the divisions by 1 - beta^step correct.
        root = np.sqrt((largest if amsgrad else square) / (1 - beta2**step))
        param = param - lr / (1 - beta1**step) * mean / (root + eps)
        history.append(param)
    return np.stack(history).astype(params.dtype)


def _gradient(
    grad: np.ndarray, param: np.ndarray, weight_decay: float, *, maximize: bool
) -> np.ndarray:
    """Return the gradient to descend along."""
    grad = -grad if maximize else grad
    return grad + weight_decay * param if weight_decay else grad


def _check_common(lr: float, weight_decay: float) -> None:
    """Refuse what no optimizer takes."""
    if lr < 0:
        raise ValueError(f"lr must be at least 0, got lr={lr}")
    if weight_decay < 0:
        raise ValueError(f"weight_decay must be at least 0, got weight_decay={weight_decay}")
