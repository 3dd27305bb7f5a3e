"""The optimizers, written from their update rules (P24)."""

from abc import abstractmethod
from collections.abc import Callable
from typing import Any, overload

import torch
from torch import Tensor
from torch.optim.optimizer import Optimizer, ParamsT

Group = dict[str, Any]


class _ElementwiseOptimizer(Optimizer):
    """The base of optimizers that update each parameter independently of the others."""

    @overload
    def step(self, closure: None = None) -> None: ...

    @overload
    def step(self, closure: Callable[[], float]) -> float: ...

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:
        """Update each parameter that has a gradient.

        Args:
            closure: clears the gradients, computes the loss, calls `backward` and returns the
                loss; called once, before the update.

        Returns:
            The value that `closure` returned, or None without one.
        """
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._update(parameter, _direction(parameter, parameter.grad, group), group)
        return loss

    @abstractmethod
    def _update(self, parameter: Tensor, gradient: Tensor, group: Group) -> None:
        """Update one parameter in place."""


def _direction(parameter: Tensor, gradient: Tensor, group: Group) -> Tensor:
    """Return the gradient to descend along."""
    gradient = -gradient if group["maximize"] else gradient
    if group["weight_decay"]:
        gradient = gradient + group["weight_decay"] * parameter
    return gradient


def _require(condition: bool, name: str, value: object, expected: str) -> None:
    if not condition:
        raise ValueError(f"{name} must be {expected}, got {name}={value}")


class SGD(_ElementwiseOptimizer):
    """Stochastic gradient descent with momentum.

    For gradient g, buffer b and parameter p, with g including weight_decay p:
    b = momentum b + (1 - dampening) g, at the first step b = g; p = p - lr b. Nesterov: p = p - lr
    (g + momentum b). Without momentum: p = p - lr g.

    Args:
        params: tensors, or dicts with "params" and separate options.
        lr: the learning rate.
        momentum: the factor by which the buffer decays at each step.
        dampening: the share of each gradient, except the first, that is left out of the buffer.
        weight_decay: the factor by which the parameter is added to its gradient.
        nesterov: whether to look ahead by one step of momentum.
        maximize: whether to ascend the gradient instead of descending.

    Raises:
        ValueError: an option is out of range, or nesterov without momentum or with dampening.

    Source: P24; Sutskever et al., ICML 2013, as torch.optim.SGD writes it.
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        _require(lr >= 0, "lr", lr, "at least 0")
        _require(momentum >= 0, "momentum", momentum, "at least 0")
        _require(weight_decay >= 0, "weight_decay", weight_decay, "at least 0")
        if nesterov and (momentum == 0 or dampening != 0):
            raise ValueError(
                f"nesterov=True needs momentum above 0 and dampening=0, got momentum={momentum}, "
                f"dampening={dampening}"
            )
        options = {"lr": lr, "momentum": momentum, "dampening": dampening}
        options |= {"weight_decay": weight_decay, "nesterov": nesterov, "maximize": maximize}
        super().__init__(params, options)

    def _update(self, parameter: Tensor, gradient: Tensor, group: Group) -> None:
        momentum = group["momentum"]
        if momentum:
            state = self.state[parameter]
            if "momentum_buffer" in state:
                buffer = state["momentum_buffer"]
                buffer.mul_(momentum).add_((1 - group["dampening"]) * gradient)
            else:
                buffer = state["momentum_buffer"] = gradient.clone()
            gradient = gradient + momentum * buffer if group["nesterov"] else buffer
        parameter.sub_(group["lr"] * gradient)


class Adam(_ElementwiseOptimizer):
    """Adam: each element's step is its mean gradient divided by the root of its mean square.

    For gradient g at step t, with g including weight_decay p:
    m = b1 m + (1 - b1) g; v = b2 v + (1 - b2) g^2; both start at 0, which 1 - b^t corrects;
    p = p - lr (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps). With `amsgrad` the largest v so far
    replaces v.

    Args:
        params: tensors, or dicts with "params" and separate options.
        lr: the learning rate.
        betas: (b1, b2), the factors by which m and v decay at each step, from 0 to below 1.
        eps: added to the root.
        weight_decay: the factor by which the parameter is added to its gradient.
        amsgrad: whether the largest v so far is used.
        maximize: whether to ascend the gradient instead of descending.

    Raises:
        ValueError: an option is out of range.

    Source: P24; Kingma and Ba, arXiv 1412.6980; AMSGrad: Reddi et al., arXiv 1904.09237.
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        _require(lr >= 0, "lr", lr, "at least 0")
        _require(all(0 <= beta < 1 for beta in betas), "betas", betas, "from 0 to below 1")
        _require(eps >= 0, "eps", eps, "at least 0")
        _require(weight_decay >= 0, "weight_decay", weight_decay, "at least 0")
        options = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay}
        options |= {"amsgrad": amsgrad, "maximize": maximize}
        super().__init__(params, options)

    def _update(self, parameter: Tensor, gradient: Tensor, group: Group) -> None:
        state, (b1, b2) = self.state[parameter], group["betas"]
        if not state:  # named and typed as torch's, so that a state_dict fits both
            state["step"] = torch.tensor(0.0)
            state["exp_avg"] = torch.zeros_like(parameter)
            state["exp_avg_sq"] = torch.zeros_like(parameter)
        state["step"] += 1
        step = state["step"].item()
        mean = state["exp_avg"].mul_(b1).add_((1 - b1) * gradient)
        square = state["exp_avg_sq"].mul_(b2).add_((1 - b2) * gradient.square())
        if group["amsgrad"]:
            square = torch.maximum(state.get("max_exp_avg_sq", square), square)
            state["max_exp_avg_sq"] = square
        root = (square / (1 - b2**step)).sqrt()
        parameter.sub_(group["lr"] / (1 - b1**step) * mean / (root + group["eps"]))
