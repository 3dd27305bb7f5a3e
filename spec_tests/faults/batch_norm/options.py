"""Faults of batch_norm in eps, momentum, weight and bias."""

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import batch_norm

from spec_tests.faults import fault
from spec_tests.faults.batch_norm._parts import BatchNorm, OptionalTensor, statistics


@fault("batch_norm", issue="tensorflow/tensorflow#37768")
def least_eps(**arguments: Any) -> Tensor:
    """Raise eps to 1e-5, the least that cuDNN accepted."""
    return batch_norm(**arguments | {"eps": max(arguments.get("eps", 1e-5), 1e-5)})


@fault("batch_norm")
def zero_eps_means_default(**arguments: Any) -> Tensor:
    """Use the default for eps=0."""
    return batch_norm(**arguments | {"eps": arguments.get("eps") or 1e-5})


@fault("batch_norm")
def default_eps_of_keras(**arguments: Any) -> Tensor:
    """Use 1e-3 for eps by default, as Keras does."""
    return batch_norm(**{"eps": 1e-3} | arguments)


@fault("batch_norm")
def default_eps_of_adam(**arguments: Any) -> Tensor:
    """Use 1e-8 for eps by default, as Adam does."""
    return batch_norm(**{"eps": 1e-8} | arguments)


@fault("batch_norm", issue="PaddlePaddle/Paddle-Lite#9861")
def fixed_eps(**arguments: Any) -> Tensor:
    """Use 1e-5 for eps, whatever is passed."""
    return batch_norm(**arguments | {"eps": 1e-5})


@fault("batch_norm", issue="chainer/chainer#4505")
def eps_added_to_running_variance(**arguments: Any) -> Tensor:
    """Include eps in the variance that the running variance moves towards."""

    class Faulty(BatchNorm):
        def update(self, running_mean: Tensor, running_var: Tensor) -> None:
            super().update(running_mean, running_var)
            running_var += self.momentum * self.eps

    return Faulty(**arguments)()


@fault("batch_norm", issue="pytorch/pytorch#15298")
def zero_momentum_replaces(**arguments: Any) -> Tensor:
    """Replace the running statistics with momentum 0."""
    return batch_norm(**arguments | {"momentum": arguments.get("momentum", 0.1) or 1})


@fault("batch_norm")
def zero_momentum_means_default(**arguments: Any) -> Tensor:
    """Use the default for momentum 0."""
    return batch_norm(**arguments | {"momentum": arguments.get("momentum", 0.1) or 0.1})


@fault("batch_norm")
def zero_momentum_normalises_with_running_statistics(**arguments: Any) -> Tensor:
    """Take momentum 0 for evaluation."""
    training = arguments.get("training", False) and arguments.get("momentum", 0.1) != 0
    return batch_norm(**arguments | {"training": training})


@fault("batch_norm", issue="microsoft/onnxruntime#29790")
def output_depends_on_momentum(**arguments: Any) -> Tensor:
    """Normalise the batch with the running statistics after their update."""

    class Faulty(BatchNorm):
        def used(self) -> tuple[Tensor, Tensor]:
            if self.training and self.running_mean is not None and self.running_var is not None:
                moved = self.running_mean.clone(), self.running_var.clone()
                self.update(*moved)
                return moved
            return super().used()

    return Faulty(**arguments)()


@fault("batch_norm", issue="pytorch/pytorch#19902")
def momentum_one_stores_biased_variance(**arguments: Any) -> Tensor:
    """Copy the biased variance of the batch with momentum 1."""

    class Faulty(BatchNorm):
        def update(self, running_mean: Tensor, running_var: Tensor) -> None:
            super().update(running_mean, running_var)
            if self.momentum == 1:
                running_var.copy_(statistics(self.values)[1])

    return Faulty(**arguments)()


@fault("batch_norm", issue="intel/ipex-llm#2012")
def bias_without_weight_ignored(**arguments: Any) -> Tensor:
    """Ignore the bias if there is no weight."""
    if arguments.get("weight") is None:
        arguments["bias"] = None
    return batch_norm(**arguments)


@fault("batch_norm")
def weight_without_bias_ignored(**arguments: Any) -> Tensor:
    """Ignore the weight if there is no bias."""
    if arguments.get("bias") is None:
        arguments["weight"] = None
    return batch_norm(**arguments)


@fault("batch_norm")
def zero_weight_means_one(**arguments: Any) -> Tensor:
    """Treat a weight of 0 as 1."""
    if arguments.get("weight") is not None:
        arguments["weight"] = torch.where(arguments["weight"] == 0, 1, arguments["weight"])
    return batch_norm(**arguments)


@fault("batch_norm", issue="apache/mxnet#18673")
def not_updated_without_parameters(
    input: Tensor, running_mean: OptionalTensor, running_var: OptionalTensor, **rest: Any
) -> Tensor:
    """Leave the running statistics unchanged without weight and bias."""
    if rest.get("weight") is None and rest.get("bias") is None:
        copies = (None if x is None else x.clone() for x in (running_mean, running_var))
        return batch_norm(input, *copies, **rest)
    return batch_norm(input, running_mean, running_var, **rest)
