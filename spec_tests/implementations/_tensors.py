"""From arrays to tensors and back, for the adapters of what computes with PyTorch's tensors."""

from collections.abc import Callable, Mapping
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import torch

CPU = SimpleNamespace(device="cpu")

Operator = Callable[..., Any]


def _tensors(arguments: Mapping[str, Any], where: SimpleNamespace) -> dict[str, Any]:
    return {
        name: torch.tensor(value, device=where.device) if isinstance(value, np.ndarray) else value
        for name, value in arguments.items()
    }


def _array(tensor: torch.Tensor) -> np.ndarray:
    return tensor.detach().cpu().numpy()


def over(function: Operator, where: SimpleNamespace = CPU) -> Operator:
    """Let a function of tensors take and return arrays; `where.device` is read at each call."""

    def call(**arguments: Any) -> np.ndarray | tuple[np.ndarray, ...]:
        tensors = _tensors(arguments, where)
        result = function(**tensors)
        for name, value in arguments.items():
            if isinstance(value, np.ndarray):
                np.copyto(value, _array(tensors[name]))
        return tuple(map(_array, result)) if isinstance(result, tuple) else _array(result)

    return call


def steps(optimizer: type, where: SimpleNamespace = CPU) -> Operator:
    """Let an optimizer class of torch.optim's interface take and return arrays."""

    def call(params: np.ndarray, grads: np.ndarray, **options: Any) -> np.ndarray:
        parameter = torch.tensor(params, device=where.device, requires_grad=True)
        updates = optimizer([parameter], **options)
        history = []
        for grad in torch.tensor(grads, device=where.device):
            parameter.grad = grad
            updates.step()
            history.append(_array(parameter).copy())
        return np.stack(history)

    return call


def gradients(functions: Mapping[str, Operator], where: SimpleNamespace = CPU) -> Operator:
    """Make an adapter's `backward` from its functions of tensors."""

    def backward(
        grad_output: np.ndarray, *, operator: str, wrt: str, times: int = 1, **arguments: Any
    ) -> np.ndarray:
        tensors = _tensors(arguments, where)
        leaf = tensors[wrt].requires_grad_()
        for _ in range(times):
            output = functions[operator](**tensors)
            output.backward(torch.tensor(grad_output, device=where.device))
        return _array(leaf.grad)

    return backward


def adapter(
    functions: Mapping[str, Operator], optim: ModuleType, where: SimpleNamespace = CPU
) -> dict[str, Operator]:
    """Return what an adapter has, by name.

    Args:
        functions: the operators over tensors, by name.
        optim: has `SGD` and `Adam` as torch.optim has.
        where: its `device` is where everything computes.
    """
    operators = {name: over(function, where) for name, function in functions.items()}
    optimizers = {"sgd": steps(optim.SGD, where), "adam": steps(optim.Adam, where)}
    return operators | optimizers | {"backward": gradients(functions, where)}
