"""Faults of sgd: its rule, options of 0, precision, layouts and refusals."""

from typing import Any

import numpy as np

from spec_tests.faults import fault
from spec_tests.faults.optimizers import _steps as rules
from spec_tests.faults.optimizers._steps import Array, Options, run_sgd, sgd


@fault("sgd", issue="ml-explore/mlx#473")
def decay_needs_momentum(**arguments: Any) -> Array:
    """Ignore weight_decay without momentum."""
    decay = arguments.get("weight_decay", 0) if arguments.get("momentum") else 0
    return sgd(**arguments | {"weight_decay": decay})


@fault("sgd")
def dampened_without_momentum(**arguments: Any) -> Array:
    """Apply dampening to the gradient without momentum as well."""

    def dampened(grad: Array, values: Array, o: Options) -> Array:
        factor = 1 if o["momentum"] else 1 - o["dampening"]
        return factor * rules.gradient(grad, values, o)

    return run_sgd(**arguments, gradient=dampened)


@fault("sgd", issue="tenstorrent/tt-metal#53222")
def first_while_buffer_is_zero(**arguments: Any) -> Array:
    """Leave a gradient undampened as long as its buffer is 0."""

    def undampened(buffer: Array | None, grad: Array, o: Options) -> Array:
        result = rules.next_buffer(buffer, grad, o)
        return result if buffer is None else np.where(buffer == 0, grad, result)

    return run_sgd(**arguments, next_buffer=undampened)


@fault("sgd", issue="google-research/google-research#1711")
def look_ahead_kept_in_buffer(**arguments: Any) -> Array:
    """Keep Nesterov's look-ahead in the buffer."""

    def kept(buffer: Array, grad: Array, o: Options) -> Array:
        if o["nesterov"]:
            buffer[...] = o["momentum"] * buffer + grad
        return buffer

    def copied(buffer: Array | None, grad: Array, o: Options) -> Array:
        return rules.next_buffer(buffer, grad, o).copy()

    return run_sgd(**arguments, direction=kept, next_buffer=copied)


@fault("sgd", issue="ml-explore/mlx#87")
def look_ahead_before_buffer(**arguments: Any) -> Array:
    """Add momentum times the buffer of the step before to the gradient for Nesterov."""

    def ahead(buffer: Array | None, grad: Array, o: Options) -> Array:
        before = 0 * grad if buffer is None or not o["nesterov"] else buffer
        return rules.next_buffer(buffer, grad + o["momentum"] * before, o)

    def plain(buffer: Array, *_: Any) -> Array:
        return buffer

    return run_sgd(**arguments, next_buffer=ahead, direction=plain)


@fault("sgd", issue="kozistr/pytorch_optimizer#516")
def buffer_cleared_each_step(**arguments: Any) -> Array:
    """Set the momentum buffer to 0 before each step."""

    def cleared(_: Array | None, grad: Array, o: Options) -> Array:
        return rules.next_buffer(None, grad, o)

    return run_sgd(**arguments, next_buffer=cleared)


@fault("sgd", issue="intel/analytics-zoo#1038")
def dampening_is_momentum_by_default(**arguments: Any) -> Array:
    """Use dampening=momentum by default."""
    if arguments.get("nesterov") or "dampening" in arguments:
        return sgd(**arguments)
    return sgd(**arguments, dampening=arguments.get("momentum", 0))


@fault("sgd")
def decay_not_dampened(**arguments: Any) -> Array:
    """Leave the weight decay out of the dampening."""
    values = arguments["params"].astype("float64")

    def separate(buffer: Array | None, grad: Array, o: Options) -> Array:
        if buffer is None or not o["dampening"]:
            return rules.next_buffer(buffer, grad, o)
        return rules.next_buffer(buffer, grad, o) + o["dampening"] * o["weight_decay"] * values

    def seen(grad: Array, current: Array, o: Options) -> Array:
        values[...] = current
        return rules.gradient(grad, current, o)

    return run_sgd(**arguments, gradient=seen, next_buffer=separate)


@fault("sgd", issue="kozistr/pytorch_optimizer#528")
def decay_has_the_sign_of_maximize(**arguments: Any) -> Array:
    """Change the sign of the weight decay together with the gradient's."""

    def negated(grad: Array, values: Array, o: Options) -> Array:
        grad = rules.gradient(grad, values, o | {"maximize": False})
        return -grad if o["maximize"] else grad

    return run_sgd(**arguments, gradient=negated)


@fault("sgd")
def rate_of_zero_is_default(lr: float = 1e-3, **rest: Any) -> Array:
    """Use the default for lr=0."""
    return sgd(lr=lr or 1e-3, **rest)


@fault("sgd")
def momentum_below_one(**arguments: Any) -> Array:
    """Limit momentum to 0.999."""
    return sgd(**arguments | {"momentum": min(arguments.get("momentum", 0), 0.999)})


@fault("sgd")
def sixteen_steps_at_most(grads: Array, **rest: Any) -> Array:
    """Use a gradient of 0 from the 17th step on."""
    return sgd(grads=np.where(np.arange(len(grads))[:, None] < 16, grads, 0 * grads), **rest)


@fault("sgd")
def sgd_tail_not_updated(params: Array, grads: Array, **rest: Any) -> Array:
    """Update whole blocks of 4 parameters only, if there are more than 4."""
    result = sgd(params=params, grads=grads, **rest)
    whole = len(params) // 4 * 4 or len(params)
    result[:, whole:] = params[whole:]
    return result


@fault("sgd")
def sgd_nan_skipped(grads: Array, **rest: Any) -> Array:
    """Use 0 for a gradient of NaN."""
    return sgd(grads=np.where(np.isnan(grads), 0 * np.ones_like(grads), grads), **rest)


@fault("sgd")
def sgd_step_skipped(grads: Array, **rest: Any) -> Array:
    """Skip a step if any gradient is not finite."""
    finite = np.isfinite(grads.astype("float64")).all(1, keepdims=True)
    return sgd(grads=np.where(finite, grads, np.zeros_like(grads)), **rest)


@fault("sgd")
def decay_of_zero_multiplied(**arguments: Any) -> Array:
    """Add 0 times the parameter where weight_decay is 0."""

    def added(grad: Array, values: Array, o: Options) -> Array:
        return (-grad if o["maximize"] else grad) + o["weight_decay"] * values

    return run_sgd(**arguments, gradient=added)


@fault("sgd")
def subnormals_flushed(**arguments: Any) -> Array:
    """Use 0 for gradients below the smallest normal float32."""

    def flushed(grad: Array, values: Array, o: Options) -> Array:
        grad = np.where(np.abs(grad) < 2.0**-126, 0, grad)
        return rules.gradient(grad, values, o)

    return run_sgd(**arguments, gradient=flushed)


@fault("sgd")
def sgd_in_float32(params: Array, grads: Array, **rest: Any) -> Array:
    """Compute in float32 for float64 parameters."""
    if params.dtype != np.float64:
        return sgd(params=params, grads=grads, **rest)
    return sgd(params=params.astype("float32"), grads=grads.astype("float32"), **rest).astype(float)


@fault("sgd")
def buffer_in_float32(**arguments: Any) -> Array:
    """Keep the momentum buffer in float32 for float64 parameters."""

    def rounded(buffer: Array | None, grad: Array, o: Options) -> Array:
        return rules.next_buffer(buffer, grad, o).astype("float32").astype("float64")

    return run_sgd(**arguments, next_buffer=rounded)


@fault("sgd")
def buffer_in_float16(**arguments: Any) -> Array:
    """Keep the momentum buffer in float16."""

    def rounded(buffer: Array | None, grad: Array, o: Options) -> Array:
        return rules.next_buffer(buffer, grad, o).astype("float16").astype("float64")

    return run_sgd(**arguments, next_buffer=rounded)


@fault("sgd")
def half_parameters_become_float32(params: Array, grads: Array, **rest: Any) -> Array:
    """Return float32 for half precision."""
    result = sgd(params=params, grads=grads, **rest)
    return result.astype("float32") if result.dtype.itemsize == 2 else result


@fault("sgd")
def sgd_gradients_in_memory_order(grads: Array, **rest: Any) -> Array:
    """Read the gradients in the order in which they lie in memory."""
    transposed = grads.flags.f_contiguous and not grads.flags.c_contiguous
    return sgd(grads=grads.T.reshape(grads.shape) if transposed else grads, **rest)


@fault("sgd")
def sgd_parameters_from_first_address(params: Array, **rest: Any) -> Array:
    """Read parameters that run backwards in memory from the lowest address on."""
    return sgd(params=params[::-1] if params.strides[0] < 0 else params, **rest)


@fault("sgd")
def buffers_shared_by_parameters(**arguments: Any) -> Array:
    """Use the first parameter's buffer for all parameters."""

    def shared(buffer: Array | None, grad: Array, o: Options) -> Array:
        before = None if buffer is None else np.broadcast_to(buffer[:1], grad.shape)
        return rules.next_buffer(before, grad, o)

    return run_sgd(**arguments, next_buffer=shared)


@fault("sgd", issue="pytorch/pytorch#887")
def nesterov_hardly_checked(**arguments: Any) -> Array:
    """Refuse nesterov only without momentum and with dampening."""
    if arguments.get("nesterov") and not arguments.get("dampening"):
        return run_sgd(**arguments | {"nesterov": arguments.get("momentum", 0) > 0})
    if arguments.get("nesterov") and arguments.get("momentum", 0) > 0:
        return sgd(**arguments | {"nesterov": False})
    return sgd(**arguments)


@fault("sgd")
def nesterov_with_dampening_accepted(**arguments: Any) -> Array:
    """Ignore dampening with nesterov, instead of raising an error."""
    dampening = 0 if arguments.get("nesterov") else arguments.get("dampening", 0)
    return sgd(**arguments | {"dampening": dampening})


@fault("sgd")
def negative_momentum_is_none(**arguments: Any) -> Array:
    """Use no momentum for a negative one, instead of raising an error."""
    return sgd(**arguments | {"momentum": max(arguments.get("momentum", 0), 0)})


@fault("sgd")
def negative_decay_accepted(**arguments: Any) -> Array:
    """Use no weight decay for a negative one, instead of raising an error."""
    return sgd(**arguments | {"weight_decay": max(arguments.get("weight_decay", 0), 0)})
