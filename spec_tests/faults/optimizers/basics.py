"""Faults of sgd and adam: formulas, defaults, state and refusals."""

from collections.abc import Callable
from typing import Any

import numpy as np

from spec_tests.faults import fault
from spec_tests.implementations.torch import IMPLEMENTATION

Array = np.ndarray

sgd = IMPLEMENTATION.functions["sgd"]
adam = IMPLEMENTATION.functions["adam"]


def _descend(params: Array, grads: Array, step: Callable[[int, Array, Array], Array]) -> Array:
    """Return the parameters after each step: (P), (steps, P) -> (steps, P).

    `step(number, grad, params)` returns what to subtract; the steps are numbered from 0.
    """
    values, history = params.copy(), []
    for number, grad in enumerate(grads):
        values = (values - step(number, grad, values)).astype(params.dtype)
        history.append(values)
    return np.stack(history)


@fault("sgd")
def gradient_added(**arguments: Any) -> Array:
    """Add the gradient instead of subtracting it."""
    return sgd(**arguments | {"maximize": not arguments.get("maximize", False)})


@fault("sgd")
def lr_applied_twice(lr: float = 1e-3, **rest: Any) -> Array:
    """Multiply the gradient by the learning rate twice."""
    return sgd(lr=lr * lr if lr > 0 else lr, **rest)


@fault("sgd")
def default_lr_too_large(**arguments: Any) -> Array:
    """Use lr=0.01 by default."""
    return sgd(**{"lr": 0.01} | arguments)


@fault("sgd")
def each_step_from_start(params: Array, grads: Array, **rest: Any) -> Array:
    """Start every step from the initial parameters."""
    return np.concatenate([sgd(params=params, grads=grad[None], **rest) for grad in grads])


@fault("sgd")
def buffer_used_before_update(
    params: Array, grads: Array, *, lr: float = 1e-3, momentum: float = 0, **rest: Any
) -> Array:
    """Use the momentum buffer before the current gradient is added to it."""
    if not momentum:
        return sgd(params=params, grads=grads, lr=lr, **rest)
    buffer = np.zeros_like(params)

    def step(_: int, grad: Array, __: Array) -> Array:
        nonlocal buffer
        before, buffer = buffer, momentum * buffer + grad
        return lr * (momentum * before)

    return _descend(params, grads, step)


@fault("sgd", issue="ml-explore/mlx#87")
def buffer_is_moving_average(momentum: float = 0, **rest: Any) -> Array:
    """Multiply the gradient by 1 - momentum when adding it to the buffer."""
    return sgd(**rest | {"momentum": momentum, "dampening": momentum, "nesterov": False})


@fault("sgd")
def momentum_ignored(**arguments: Any) -> Array:
    """Ignore momentum."""
    return sgd(**arguments | {"momentum": 0, "dampening": 0, "nesterov": False})


@fault("sgd")
def dampening_ignored(**arguments: Any) -> Array:
    """Ignore dampening."""
    return sgd(**arguments | {"dampening": 0})


@fault("sgd", issue="ml-explore/mlx#473")
def first_gradient_dampened(
    params: Array,
    grads: Array,
    *,
    lr: float = 1e-3,
    momentum: float = 0,
    dampening: float = 0,
    **rest: Any,
) -> Array:
    """Apply dampening to the first gradient as well."""
    if rest or not momentum:
        return sgd(params=params, grads=grads, lr=lr, momentum=momentum, **rest)
    buffer = np.zeros_like(params)

    def step(_: int, grad: Array, __: Array) -> Array:
        nonlocal buffer
        buffer = momentum * buffer + (1 - dampening) * grad
        return lr * buffer

    return _descend(params, grads, step)


@fault("sgd")
def nesterov_ignored(**arguments: Any) -> Array:
    """Use ordinary momentum with nesterov=True."""
    return sgd(**arguments | {"nesterov": False})


@fault("sgd")
def nesterov_always(**arguments: Any) -> Array:
    """Use Nesterov momentum with nesterov=False."""
    plain = not arguments.get("momentum") or arguments.get("dampening")
    return sgd(**arguments | {"nesterov": not plain})


@fault("sgd")
def weight_decay_ignored(**arguments: Any) -> Array:
    """Ignore weight_decay."""
    return sgd(**arguments | {"weight_decay": 0})


@fault("sgd")
def weight_decay_decoupled(params: Array, grads: Array, **rest: Any) -> Array:
    """Apply weight_decay to the parameters directly, without the momentum buffer."""
    decay, momentum = rest.get("weight_decay", 0), rest.get("momentum", 0)
    if not (decay and momentum) or rest.get("dampening"):
        return sgd(params=params, grads=grads, **rest)
    buffer = np.zeros_like(params)

    def step(_: int, grad: Array, values: Array) -> Array:
        nonlocal buffer
        buffer = momentum * buffer + grad
        return rest["lr"] * (buffer + decay * values)

    return _descend(params, grads, step)


@fault("sgd")
def weight_decay_halved(**arguments: Any) -> Array:
    """Apply half of weight_decay."""
    return sgd(**arguments | {"weight_decay": arguments.get("weight_decay", 0) / 2})


@fault("sgd")
def gradient_clipped(grads: Array, **rest: Any) -> Array:
    """Limit the gradients to the range from -5 to 5."""
    return sgd(grads=grads.clip(-5, 5), **rest)


@fault("sgd")
def maximize_ignored(**arguments: Any) -> Array:
    """Minimise with maximize=True."""
    return sgd(**arguments | {"maximize": False})


@fault("sgd")
def negative_lr_made_positive(lr: float = 1e-3, **rest: Any) -> Array:
    """Use the absolute value of a negative learning rate, instead of raising an error."""
    return sgd(lr=abs(lr), **rest)


def _adam(
    params: Array,
    grads: Array,
    *,
    direction: Callable[[Array, Array, int, dict[str, Any]], Array],
    **rest: Any,
) -> Array:
    """Run Adam with `lr * direction(m, v, t, options)` as its step; t counts from 1.

    With an option that changes the moments m and v, PyTorch's own Adam runs instead.
    """
    options = {"lr": 1e-3, "betas": (0.9, 0.999), "eps": 1e-8} | rest
    fast, slow = options["betas"]
    if set(options) != {"lr", "betas", "eps"} or fast >= 1:
        return adam(params=params, grads=grads, **rest)
    mean, square = np.zeros_like(params), np.zeros_like(params)

    def step(number: int, grad: Array, _: Array) -> Array:
        nonlocal mean, square
        mean, square = fast * mean + (1 - fast) * grad, slow * square + (1 - slow) * grad**2
        return options["lr"] * direction(mean, square, number + 1, options)

    return _descend(params, grads, step)


@fault("adam", issue="BVLC/caffe#4224")
def no_bias_correction(**arguments: Any) -> Array:
    """Omit the bias correction of both moments."""
    return _adam(direction=lambda m, v, _, o: m / (v**0.5 + o["eps"]), **arguments)


@fault("adam")
def only_first_moment_corrected(**arguments: Any) -> Array:
    """Omit the bias correction of the second moment."""

    def direction(m: Array, v: Array, t: int, o: dict[str, Any]) -> Array:
        return m / (1 - o["betas"][0] ** t) / (v**0.5 + o["eps"])

    return _adam(direction=direction, **arguments)


@fault("adam")
def step_count_too_high(**arguments: Any) -> Array:
    """Use a step count that is one too high in the bias correction."""

    def direction(m: Array, v: Array, t: int, o: dict[str, Any]) -> Array:
        fast, slow = (1 - beta ** (t + 1) for beta in o["betas"])
        return m / fast / ((v / slow) ** 0.5 + o["eps"])

    return _adam(direction=direction, **arguments)


@fault("adam")
def eps_inside_root(**arguments: Any) -> Array:
    """Add eps inside the square root."""

    def direction(m: Array, v: Array, t: int, o: dict[str, Any]) -> Array:
        fast, slow = (1 - beta**t for beta in o["betas"])
        return m / fast / (v / slow + o["eps"]) ** 0.5

    return _adam(direction=direction, **arguments)


@fault("adam", issue="tensorflow/tensorflow#35102")
def eps_before_correction(**arguments: Any) -> Array:
    """Add eps before the bias correction of the second moment."""

    def direction(m: Array, v: Array, t: int, o: dict[str, Any]) -> Array:
        fast, slow = (1 - beta**t for beta in o["betas"])
        return m / fast / ((v**0.5 + o["eps"]) / slow**0.5)

    return _adam(direction=direction, **arguments)


@fault("adam")
def second_moment_without_root(**arguments: Any) -> Array:
    """Divide by the second moment instead of its square root."""

    def direction(m: Array, v: Array, t: int, o: dict[str, Any]) -> Array:
        fast, slow = (1 - beta**t for beta in o["betas"])
        return m / fast / (v / slow + o["eps"])

    return _adam(direction=direction, **arguments)


@fault("adam")
def betas_swapped(betas: tuple[float, float] = (0.9, 0.999), **rest: Any) -> Array:
    """Exchange the betas."""
    return adam(betas=betas[::-1] if betas[0] < 1 else betas, **rest)


@fault("adam")
def amsgrad_ignored(**arguments: Any) -> Array:
    """Ignore amsgrad."""
    return adam(**arguments | {"amsgrad": False})


@fault("adam", issue="flagos-ai/FlagGems#4988")
def adam_weight_decay_decoupled(params: Array, weight_decay: float = 0, **rest: Any) -> Array:
    """Apply weight_decay to the parameters directly, as AdamW does."""
    if not weight_decay:
        return adam(params=params, **rest)
    steps = 1 + np.arange(len(rest["grads"]))[:, None]
    shrunk = params * (1 - rest["lr"] * weight_decay) ** steps
    return (adam(params=params, **rest) - params + shrunk).astype(params.dtype)


@fault("adam")
def adam_maximize_ignored(**arguments: Any) -> Array:
    """Minimise with maximize=True."""
    return adam(**arguments | {"maximize": False})


@fault("adam")
def adam_default_lr_too_large(**arguments: Any) -> Array:
    """Use lr=0.01 by default."""
    return adam(**{"lr": 0.01} | arguments)


@fault("adam")
def beta_of_one_accepted(betas: tuple[float, float] = (0.9, 0.999), **rest: Any) -> Array:
    """Treat a beta of 1 as 0.999, instead of raising an error."""
    return adam(betas=tuple(min(beta, 0.999) for beta in betas), **rest)
