"""Optimizers that are slightly wrong."""

from collections.abc import Callable
from typing import Any

import numpy as np

from spec_tests.faults import fault
from spec_tests.implementations.torch import IMPLEMENTATION

Array = np.ndarray

sgd = IMPLEMENTATION.functions["sgd"]
adam = IMPLEMENTATION.functions["adam"]


def _descend(params: Array, grads: Array, step: Callable[[int, Array, Array], Array]) -> Array:
    """Return the parameters after each step, which is given its number, the gradient and them."""
    values, history = params.copy(), []
    for number, grad in enumerate(grads):
        values = (values - step(number, grad, values)).astype(params.dtype)
        history.append(values)
    return np.stack(history)


@fault("sgd")
def climbs(**arguments: Any) -> Array:
    """The gradient is added."""
    return sgd(**arguments | {"maximize": not arguments.get("maximize", False)})


@fault("sgd")
def rate_squared(lr: float = 1e-3, **rest: Any) -> Array:
    """The learning rate is applied twice."""
    return sgd(lr=lr * lr if lr > 0 else lr, **rest)


@fault("sgd")
def rate_by_default(**arguments: Any) -> Array:
    """The default rate is 0.01."""
    return sgd(**{"lr": 0.01} | arguments)


@fault("sgd")
def each_step_from_start(params: Array, grads: Array, **rest: Any) -> Array:
    """Each step starts from the first parameters."""
    return np.concatenate([sgd(params=params, grads=grad[None], **rest) for grad in grads])


@fault("sgd")
def momentum_before_gradient(
    params: Array, grads: Array, *, lr: float = 1e-3, momentum: float = 0, **rest: Any
) -> Array:
    """The step uses the buffer as it was before this gradient came in."""
    if not momentum:
        return sgd(params=params, grads=grads, lr=lr, **rest)
    buffer = np.zeros_like(params)

    def step(_: int, grad: Array, __: Array) -> Array:
        nonlocal buffer
        before, buffer = buffer, momentum * buffer + grad
        return lr * (momentum * before)

    return _descend(params, grads, step)


@fault("sgd")
def momentum_averages(momentum: float = 0, **rest: Any) -> Array:
    """The gradient enters the buffer with 1 - momentum."""
    return sgd(**rest | {"momentum": momentum, "dampening": momentum, "nesterov": False})


@fault("sgd")
def momentum_ignored(**arguments: Any) -> Array:
    """There is no buffer."""
    return sgd(**arguments | {"momentum": 0, "dampening": 0, "nesterov": False})


@fault("sgd")
def dampening_ignored(**arguments: Any) -> Array:
    """The gradient enters the buffer undamped."""
    return sgd(**arguments | {"dampening": 0})


@fault("sgd")
def dampening_at_first_step(
    params: Array,
    grads: Array,
    *,
    lr: float = 1e-3,
    momentum: float = 0,
    dampening: float = 0,
    **rest: Any,
) -> Array:
    """The first gradient is damped, too."""
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
    """Nesterov's momentum is the ordinary one."""
    return sgd(**arguments | {"nesterov": False})


@fault("sgd")
def nesterov_always(**arguments: Any) -> Array:
    """Momentum always looks ahead."""
    plain = not arguments.get("momentum") or arguments.get("dampening")
    return sgd(**arguments | {"nesterov": not plain})


@fault("sgd")
def decay_ignored(**arguments: Any) -> Array:
    """Weights do not decay."""
    return sgd(**arguments | {"weight_decay": 0})


@fault("sgd")
def decay_decoupled(params: Array, grads: Array, **rest: Any) -> Array:
    """Weights shrink by themselves; the decay does not enter the buffer."""
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
def decay_halved(**arguments: Any) -> Array:
    """The decay is that of weight_decay / 2 times the square."""
    return sgd(**arguments | {"weight_decay": arguments.get("weight_decay", 0) / 2})


@fault("sgd")
def gradient_clipped(grads: Array, **rest: Any) -> Array:
    """Gradients are cut off at 5."""
    return sgd(grads=grads.clip(-5, 5), **rest)


@fault("sgd")
def maximize_ignored(**arguments: Any) -> Array:
    """It always descends."""
    return sgd(**arguments | {"maximize": False})


@fault("sgd")
def negative_rate_accepted(lr: float = 1e-3, **rest: Any) -> Array:
    """A negative rate is taken for a positive one."""
    return sgd(lr=abs(lr), **rest)


def _adam(
    params: Array,
    grads: Array,
    *,
    direction: Callable[[Array, Array, int, dict[str, Any]], Array],
    **rest: Any,
) -> Array:
    """Run Adam with another last line; options that change the moments are left to PyTorch."""
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


@fault("adam")
def no_bias_correction(**arguments: Any) -> Array:
    """The moments are used as they are, far too small at first."""
    return _adam(direction=lambda m, v, _, o: m / (v**0.5 + o["eps"]), **arguments)


@fault("adam")
def only_mean_corrected(**arguments: Any) -> Array:
    """Only the first moment is corrected."""

    def direction(m: Array, v: Array, t: int, o: dict[str, Any]) -> Array:
        return m / (1 - o["betas"][0] ** t) / (v**0.5 + o["eps"])

    return _adam(direction=direction, **arguments)


@fault("adam")
def corrected_a_step_late(**arguments: Any) -> Array:
    """The step count of the correction is one too high."""

    def direction(m: Array, v: Array, t: int, o: dict[str, Any]) -> Array:
        fast, slow = (1 - beta ** (t + 1) for beta in o["betas"])
        return m / fast / ((v / slow) ** 0.5 + o["eps"])

    return _adam(direction=direction, **arguments)


@fault("adam")
def eps_in_root(**arguments: Any) -> Array:
    """Eps is added inside the root."""

    def direction(m: Array, v: Array, t: int, o: dict[str, Any]) -> Array:
        fast, slow = (1 - beta**t for beta in o["betas"])
        return m / fast / (v / slow + o["eps"]) ** 0.5

    return _adam(direction=direction, **arguments)


@fault("adam")
def eps_before_correction(**arguments: Any) -> Array:
    """Eps is added before the second moment is corrected."""

    def direction(m: Array, v: Array, t: int, o: dict[str, Any]) -> Array:
        fast, slow = (1 - beta**t for beta in o["betas"])
        return m / fast / ((v**0.5 + o["eps"]) / slow**0.5)

    return _adam(direction=direction, **arguments)


@fault("adam")
def root_forgotten(**arguments: Any) -> Array:
    """The mean is divided by the square, not by its root."""

    def direction(m: Array, v: Array, t: int, o: dict[str, Any]) -> Array:
        fast, slow = (1 - beta**t for beta in o["betas"])
        return m / fast / (v / slow + o["eps"])

    return _adam(direction=direction, **arguments)


@fault("adam")
def betas_swapped(betas: tuple[float, float] = (0.9, 0.999), **rest: Any) -> Array:
    """The first beta is taken for the squares."""
    return adam(betas=betas[::-1] if betas[0] < 1 else betas, **rest)


@fault("adam")
def amsgrad_ignored(**arguments: Any) -> Array:
    """The largest square is not remembered."""
    return adam(**arguments | {"amsgrad": False})


@fault("adam")
def adam_decay_decoupled(params: Array, weight_decay: float = 0, **rest: Any) -> Array:
    """Weights shrink by themselves, as in AdamW."""
    if not weight_decay:
        return adam(params=params, **rest)
    steps = 1 + np.arange(len(rest["grads"]))[:, None]
    shrunk = params * (1 - rest["lr"] * weight_decay) ** steps
    return (adam(params=params, **rest) - params + shrunk).astype(params.dtype)


@fault("adam")
def adam_maximize_ignored(**arguments: Any) -> Array:
    """It always descends."""
    return adam(**arguments | {"maximize": False})


@fault("adam")
def adam_rate_by_default(**arguments: Any) -> Array:
    """The default rate is 0.01."""
    return adam(**{"lr": 0.01} | arguments)


@fault("adam")
def beta_of_one_accepted(betas: tuple[float, float] = (0.9, 0.999), **rest: Any) -> Array:
    """A beta of 1 is taken for a little less."""
    return adam(betas=tuple(min(beta, 0.999) for beta in betas), **rest)
