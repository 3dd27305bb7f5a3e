"""NumPy: the operators written plainly, as an example of an adapter."""

from typing import Any

import numpy as np

from spec_tests.implementations import Implementation, Operator
from spec_tests.implementations._numpy.activations import (
    relu,
    relu_gradients,
    sigmoid,
    sigmoid_gradients,
)
from spec_tests.implementations._numpy.adaptive_pooling import (
    adaptive_avg_pool2d,
    adaptive_avg_pool2d_gradients,
)
from spec_tests.implementations._numpy.batch_norm import batch_norm, batch_norm_gradients
from spec_tests.implementations._numpy.convolution import conv2d, conv2d_gradients
from spec_tests.implementations._numpy.cross_entropy import cross_entropy, cross_entropy_gradients
from spec_tests.implementations._numpy.layers import (
    dropout,
    dropout_gradients,
    flatten,
    flatten_gradients,
    linear,
    linear_gradients,
)
from spec_tests.implementations._numpy.losses import (
    l1_loss,
    l1_loss_gradients,
    mse_loss,
    mse_loss_gradients,
)
from spec_tests.implementations._numpy.optimizers import adam, sgd
from spec_tests.implementations._numpy.pooling import (
    avg_pool2d,
    avg_pool2d_gradients,
    max_pool2d,
    max_pool2d_gradients,
)

# Each operator and its gradients.
OPERATORS: dict[str, tuple[Operator, Operator]] = {
    "adaptive_avg_pool2d": (adaptive_avg_pool2d, adaptive_avg_pool2d_gradients),
    "avg_pool2d": (avg_pool2d, avg_pool2d_gradients),
    "batch_norm": (batch_norm, batch_norm_gradients),
    "conv2d": (conv2d, conv2d_gradients),
    "cross_entropy": (cross_entropy, cross_entropy_gradients),
    "dropout": (dropout, dropout_gradients),
    "flatten": (flatten, flatten_gradients),
    "l1_loss": (l1_loss, l1_loss_gradients),
    "linear": (linear, linear_gradients),
    "max_pool2d": (max_pool2d, max_pool2d_gradients),
    "mse_loss": (mse_loss, mse_loss_gradients),
    "relu": (relu, relu_gradients),
    "sigmoid": (sigmoid, sigmoid_gradients),
}


def _backward(
    grad_output: np.ndarray, *, operator: str, wrt: str, times: int = 1, **arguments: Any
) -> np.ndarray:
    """Add up the gradients of several backward passes, each after a forward pass."""
    function, gradients = OPERATORS[operator]
    total = np.zeros_like(arguments[wrt])
    for _ in range(times):
        function(**arguments)  # checks the arguments; batch_norm moves its running statistics
        total += gradients(grad_output, **arguments)[wrt].astype(total.dtype)
    return total


FUNCTIONS: dict[str, Operator] = {name: function for name, (function, _) in OPERATORS.items()}
FUNCTIONS |= {"adam": adam, "backward": _backward, "sgd": sgd}

# Infinity and NaN are results as others are, of which NumPy need not warn.
SILENT = np.errstate(all="ignore")

IMPLEMENTATION = Implementation(
    name="numpy",
    functions={name: SILENT(function) for name, function in FUNCTIONS.items()},
    description=f"numpy {np.__version__}",
    torch_messages=True,
)
