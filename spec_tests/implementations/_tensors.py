"""Conversion between arrays and tensors, for the adapters that compute with PyTorch's tensors."""

from collections.abc import Mapping
from functools import partial
from types import ModuleType
from typing import Any

import numpy as np
import torch

from spec_tests.implementations import Operator


def _tensor(array: np.ndarray, device: str) -> torch.Tensor:
    """Return a tensor of the same layout; on the CPU it has the array's memory."""
    if any(stride < 0 for stride in array.strides):  # torch has no negative strides
        array = array.copy()
    if array.dtype.name == "bfloat16":  # torch knows no dtype of ml_dtypes
        return torch.from_numpy(array.view(np.int16)).view(torch.bfloat16).to(device)
    return torch.from_numpy(array).to(device)


def _array(tensor: torch.Tensor) -> np.ndarray:
    """Return a new array: one that shared memory with an input would count as that input."""
    tensor = tensor.detach().cpu()
    if tensor.dtype == torch.bfloat16:
        from ml_dtypes import bfloat16  # noqa: PLC0415 - optional; an input was of this dtype

        return tensor.view(torch.int16).numpy().view(bfloat16).copy()
    return tensor.numpy().copy()


class TensorAdapter:
    """An adapter of functions of tensors, computed on `device`.

    Args:
        operators: functions of tensors by operator name.
        optim: a module with `SGD` and `Adam`, as torch.optim.
    """

    def __init__(self, operators: Mapping[str, Operator], optim: ModuleType) -> None:
        self.operators = operators
        self.optim = optim
        self.device = "cpu"

    def use(self, device: str) -> None:
        """Compute on a device from now on.

        Raises:
            ValueError: torch cannot compute on it; the message lists the devices available.
        """
        try:
            torch.zeros(1, device=device)
        except (RuntimeError, AssertionError, ImportError) as error:
            available = ["cpu"]
            accelerator = torch.accelerator.current_accelerator()
            if accelerator and torch.accelerator.is_available():
                count = torch.accelerator.device_count()
                available += [f"{accelerator.type}:{index}" for index in range(count)]
            raise ValueError(f"no device {device!r} here, only {', '.join(available)}") from error
        self.device = device

    def functions(self) -> dict[str, Operator]:
        """Return the functions of NumPy arrays by operator name."""
        operators = {
            name: partial(self._call, function) for name, function in self.operators.items()
        }
        optimizers = {
            "sgd": partial(self._optimize, self.optim.SGD),
            "adam": partial(self._optimize, self.optim.Adam),
        }
        return operators | optimizers | {"backward": self._backward}

    def _tensors(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        return {
            name: _tensor(value, self.device) if isinstance(value, np.ndarray) else value
            for name, value in arguments.items()
        }

    def _call(self, function: Operator, /, **arguments: Any) -> np.ndarray | tuple[np.ndarray, ...]:
        tensors = self._tensors(arguments)
        result = function(**tensors)
        for name, value in arguments.items():
            if isinstance(value, np.ndarray):  # what the function changed in place
                np.copyto(value, _array(tensors[name]))
        return tuple(map(_array, result)) if isinstance(result, tuple) else _array(result)

    def _optimize(
        self, optimizer_class: type, /, params: np.ndarray, grads: np.ndarray, **options: Any
    ) -> np.ndarray:
        # (n) -> (1) and (n - 1): with two parameters, a state that they share shows. Copies: the
        # optimizer changes the parameters, and params must not change.
        split = _tensor(params, self.device).tensor_split([1])
        parameters = [part.clone().requires_grad_() for part in split]
        optimizer = optimizer_class(parameters, **options)
        history = []
        for step in _tensor(grads, self.device):
            for parameter, grad in zip(parameters, step.tensor_split([1]), strict=True):
                parameter.grad = grad
            optimizer.step()
            history.append(_array(torch.cat(parameters)))
        return np.stack(history)

    def _backward(
        self,
        grad_output: np.ndarray,
        *,
        operator: str,
        wrt: str,
        times: int = 1,
        **arguments: Any,
    ) -> np.ndarray:
        tensors = self._tensors(arguments)
        leaf = tensors[wrt].requires_grad_()
        for _ in range(times):
            output = self.operators[operator](**tensors)
            output.backward(_tensor(grad_output, self.device))
        return _array(leaf.grad)
