"""Faults of adam: its rule, options of 0, precision, layouts and refusals."""

import itertools
from typing import Any

import numpy as np

from spec_tests.faults import fault
from spec_tests.faults.optimizers import _steps as rules
from spec_tests.faults.optimizers._steps import Array, Options, adam, run_adam


@fault("adam", issue="eriklindernoren/ML-From-Scratch#35")
def correction_of_the_first_step(**arguments: Any) -> Array:
    """Divide the moments by 1 - beta in each step."""
    return run_adam(**arguments, corrected=lambda beta, _: 1 - beta)


@fault("adam", issue="frgfm/holocron#1")
def moments_corrected_in_place(**arguments: Any) -> Array:
    """Keep the corrected moments, so that corrections multiply."""
    products: dict[float, float] = {}

    def product(beta: float, step: int) -> float:
        products[beta] = products.get(beta, 1) * rules.corrected(beta, step)
        return products[beta]

    return run_adam(**arguments, corrected=product)


@fault("adam", issue="pytorch/ao#4915")
def step_stops_at_256(**arguments: Any) -> Array:
    """Count the steps in bfloat16, which has no 257."""
    return run_adam(**arguments, corrected=lambda beta, t: rules.corrected(beta, min(t, 256)))


@fault("adam")
def step_of_eight_bits(**arguments: Any) -> Array:
    """Count the steps in 8 bits, modulo 256."""
    return run_adam(**arguments, corrected=lambda beta, t: rules.corrected(beta, t % 256))


@fault("adam", issue="flashlight/flashlight#143")
def step_counted_for_each_parameter(**arguments: Any) -> Array:
    """Count a step for each parameter instead of one for all."""
    places = np.arange(len(arguments["params"]))

    def counted(beta: float, step: int) -> Array:
        return 1 - beta ** ((step - 1) * len(places) + places + 1.0)

    return run_adam(**arguments, corrected=counted)


@fault("adam", issue="kozistr/AdaBound-tensorflow#3")
def one_minus_correction(**arguments: Any) -> Array:
    """Use 1 minus the correction of the second moment: beta to the power of the step."""
    slow = arguments.get("betas", (0.9, 0.999))[1]

    def swapped(beta: float, step: int) -> float:
        return beta**step if beta == slow else rules.corrected(beta, step)

    return run_adam(**arguments, corrected=swapped)


@fault("adam")
def betas_in_float32(**arguments: Any) -> Array:
    """Compute 1 - beta^t in float32."""
    return run_adam(
        **arguments, corrected=lambda beta, t: float(np.float32(1) - np.float32(beta) ** t)
    )


@fault("adam", issue="tenstorrent/tt-metal#55935")
def betas_cut_to_bfloat16(**arguments: Any) -> Array:
    """Cut the betas to 8 bits: 0.999 becomes 0.99609375."""
    betas = np.array(arguments.get("betas", (0.9, 0.999)), "float32")
    cut = (betas.view("uint32") & 0xFFFF0000).view("float32")
    return adam(**arguments | {"betas": tuple(map(float, cut))})


@fault("adam", issue="pytorch/pytorch#11678")
def step_added(**arguments: Any) -> Array:
    """Add the step instead of subtracting it."""
    return run_adam(**arguments, quotient=lambda m, v, o: -rules.quotient(m, v, o))


@fault("adam", issue="pytorch/pytorch#78807")
def largest_moment_forgotten(**arguments: Any) -> Array:
    """Compare the second moment with the one before only."""
    before = {"square": 0.0}

    def latest(_: Array, square: Array) -> Array:
        result = np.maximum(before["square"], square)
        before["square"] = square
        return result

    return run_adam(**arguments, largest=latest)


@fault("adam")
def first_moment_remembered(**arguments: Any) -> Array:
    """Keep the first second moment for amsgrad, not the largest."""
    return run_adam(**arguments, largest=lambda most, v: np.where(most == 0, v, most))


@fault("adam")
def largest_corrected_moment(**arguments: Any) -> Array:
    """Remember the largest second moment after its correction."""
    if not arguments.get("amsgrad"):
        return adam(**arguments)
    most = {"square": 0.0}

    def remembered(mean: Array, square: Array, o: Options) -> Array:
        most["square"] = np.maximum(most["square"], square)
        return rules.quotient(mean, most["square"], o)

    return run_adam(**arguments | {"amsgrad": False}, quotient=remembered)


@fault("adam", issue="kozistr/pytorch_optimizer#528")
def adam_decay_has_the_sign_of_maximize(**arguments: Any) -> Array:
    """Change the sign of the weight decay together with the gradient's."""

    def negated(grad: Array, values: Array, o: Options) -> Array:
        grad = rules.gradient(grad, values, o | {"maximize": False})
        return -grad if o["maximize"] else grad

    return run_adam(**arguments, gradient=negated)


@fault("adam", issue="flagos-ai/FlagGems#4988")
def decay_added_to_the_step(**arguments: Any) -> Array:
    """Add weight_decay times the parameter to the step instead of to the gradient."""
    decay, current = arguments.get("weight_decay", 0), {"values": np.zeros(1)}

    def seen(grad: Array, values: Array, o: Options) -> Array:
        current["values"] = values
        return rules.gradient(grad, values, o | {"weight_decay": 0})

    def added(mean: Array, square: Array, o: Options) -> Array:
        step = rules.quotient(mean, square, o)
        return step + decay * current["values"] if decay else step

    return run_adam(**arguments, gradient=seen, quotient=added)


@fault("adam")
def eps_of_zero_is_default(eps: float = 1e-8, **rest: Any) -> Array:
    """Use the default for eps=0."""
    return adam(eps=eps or 1e-8, **rest)


@fault("adam")
def nothing_by_nothing_is_zero(**arguments: Any) -> Array:
    """Return 0 for 0 / 0."""

    def safe(mean: Array, square: Array, o: Options) -> Array:
        return np.where(mean == 0, 0, rules.quotient(mean, square, o))

    return run_adam(**arguments, quotient=safe)


@fault("adam")
def small_divisor_limited(**arguments: Any) -> Array:
    """Use the larger of the root and eps instead of their sum."""

    def limited(mean: Array, square: Array, o: Options) -> Array:
        return mean / np.maximum(square**0.5, o["eps"])

    return run_adam(**arguments, quotient=limited)


@fault("adam")
def betas_of_zero_are_default(betas: tuple[float, float] = (0.9, 0.999), **rest: Any) -> Array:
    """Use the default for a beta of 0."""
    return adam(betas=(betas[0] or 0.9, betas[1] or 0.999), **rest)


@fault("adam")
def adam_rate_of_zero_is_default(lr: float = 1e-3, **rest: Any) -> Array:
    """Use the default for lr=0."""
    return adam(lr=lr or 1e-3, **rest)


@fault("adam")
def ten_steps_at_most(grads: Array, **rest: Any) -> Array:
    """Use a gradient of 0 from the 11th step on."""
    return adam(grads=np.where(np.arange(len(grads))[:, None] < 10, grads, 0 * grads), **rest)


@fault("adam")
def adam_tail_not_updated(params: Array, grads: Array, **rest: Any) -> Array:
    """Update whole blocks of 16 parameters only, if there are more than 16."""
    result = adam(params=params, grads=grads, **rest)
    whole = len(params) // 16 * 16 or len(params)
    result[:, whole:] = params[whole:]
    return result


@fault("adam")
def adam_step_skipped(grads: Array, **rest: Any) -> Array:
    """Skip a step if any gradient is not finite."""
    finite = np.isfinite(grads.astype("float64")).all(1, keepdims=True)
    return adam(grads=np.where(finite, grads, np.zeros_like(grads)), **rest)


@fault("adam")
def adam_decay_of_zero_multiplied(**arguments: Any) -> Array:
    """Add 0 times the parameter where weight_decay is 0."""

    def added(grad: Array, values: Array, o: Options) -> Array:
        return (-grad if o["maximize"] else grad) + o["weight_decay"] * values

    return run_adam(**arguments, gradient=added)


@fault("adam")
def gradients_normalised_together(**arguments: Any) -> Array:
    """Divide by the root of the mean second moment of all parameters."""
    return run_adam(
        **arguments,
        quotient=lambda m, v, o: rules.quotient(m, np.full_like(v, v.mean()), o),
    )


@fault("adam")
def adam_in_float32(params: Array, grads: Array, **rest: Any) -> Array:
    """Compute in float32 for float64 parameters."""
    if params.dtype != np.float64:
        return adam(params=params, grads=grads, **rest)
    result = adam(params=params.astype("float32"), grads=grads.astype("float32"), **rest)
    return result.astype("float64")


@fault("adam", issue="NVIDIA/warp#1593")
def moments_of_half_cleared(params: Array, grads: Array, **rest: Any) -> Array:
    """Set the moments to 0 before each step for half precision."""
    if params.dtype.itemsize > 2:
        return adam(params=params, grads=grads, **rest)
    history = [params]
    for number, grad in enumerate(grads, start=1):
        moved = np.concatenate([np.zeros((number - 1, len(params)), grads.dtype), grad[None]])
        history.append(adam(params=history[-1], grads=moved, **rest)[-1])
    return np.stack(history[1:])


@fault("adam")
def adam_gradients_in_memory_order(grads: Array, **rest: Any) -> Array:
    """Read the gradients in the order in which they lie in memory."""
    transposed = grads.flags.f_contiguous and not grads.flags.c_contiguous
    return adam(grads=grads.T.reshape(grads.shape) if transposed else grads, **rest)


@fault("adam")
def adam_parameters_from_first_address(params: Array, **rest: Any) -> Array:
    """Read parameters that run backwards in memory from the lowest address on."""
    return adam(params=params[::-1] if params.strides[0] < 0 else params, **rest)


@fault("adam")
def second_beta_unchecked(betas: tuple[float, float] = (0.9, 0.999), **rest: Any) -> Array:
    """Treat a second beta of 1 as 0.999, instead of raising an error."""
    return adam(betas=(betas[0], min(betas[1], 0.999)), **rest)


@fault("adam")
def negative_beta_is_zero(betas: tuple[float, float] = (0.9, 0.999), **rest: Any) -> Array:
    """Use 0 for a negative beta, instead of raising an error."""
    return adam(betas=(max(betas[0], 0.0), max(betas[1], 0.0)), **rest)


@fault("adam")
def negative_rate_accepted(lr: float = 1e-3, **rest: Any) -> Array:
    """Use the absolute value of a negative learning rate, instead of raising an error."""
    return adam(lr=abs(lr), **rest)


@fault("adam")
def negative_eps_accepted(eps: float = 1e-8, **rest: Any) -> Array:
    """Use the absolute value of a negative eps, instead of raising an error."""
    return adam(eps=abs(eps), **rest)


@fault("adam")
def adam_negative_decay_accepted(**arguments: Any) -> Array:
    """Use no weight decay for a negative one, instead of raising an error."""
    return adam(**arguments | {"weight_decay": max(arguments.get("weight_decay", 0), 0)})


@fault("adam")
def amsgrad_eps_before_the_correction(**arguments: Any) -> Array:
    """With amsgrad, add eps to the root before its correction."""
    steps = itertools.count(1)

    def quotient(mean: Array, square: Array, o: Options) -> Array:
        correction = np.sqrt(1 - o["betas"][1] ** next(steps)) if o["amsgrad"] else 1
        return rules.quotient(mean, square, o | {"eps": o["eps"] / correction})

    return run_adam(**arguments, quotient=quotient)
