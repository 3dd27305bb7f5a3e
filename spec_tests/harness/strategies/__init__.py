"""Hypothesis strategies for further cases, whose expected values come from the oracle.

Shapes and arguments are drawn, and shrink; the data are small integers from a seed, for which most
operators are exact. `oracle_checks` checks the cases.
"""

from spec_tests.harness.strategies.drawing import LARGEST, TINY
from spec_tests.harness.strategies.layers import batch_norm, dropout, flatten, relu, sigmoid
from spec_tests.harness.strategies.losses import cross_entropy, l1_loss, mse_loss
from spec_tests.harness.strategies.optimizers import adam, sgd
from spec_tests.harness.strategies.pooling import adaptive_avg_pool2d, avg_pool2d, max_pool2d
from spec_tests.harness.strategies.products import conv2d, linear

__all__ = [
    "LARGEST",
    "TINY",
    "adam",
    "adaptive_avg_pool2d",
    "avg_pool2d",
    "batch_norm",
    "conv2d",
    "cross_entropy",
    "dropout",
    "flatten",
    "l1_loss",
    "linear",
    "max_pool2d",
    "mse_loss",
    "relu",
    "sgd",
    "sigmoid",
]
