"""The operators of the course, written from their definitions (P17-P21, P23).

Arguments have the names, order and defaults of torch.nn.functional. Those that follow one of
torch's deprecated arguments (`size_average`, `reduce`) are keyword-only.

Shapes: N images of C channels, H rows and W columns; a kernel of kH x kW; an output of oH x oW.
"""

from reference.functional._windows import conv_output_size
from reference.functional.activations import relu, sigmoid
from reference.functional.convolution import conv2d
from reference.functional.layers import batch_norm, dropout, flatten, linear
from reference.functional.losses import cross_entropy, l1_loss, mse_loss
from reference.functional.pooling import (
    adaptive_avg_pool2d,
    avg_pool2d,
    max_pool2d,
    pool_output_size,
)

__all__ = [
    "adaptive_avg_pool2d",
    "avg_pool2d",
    "batch_norm",
    "conv2d",
    "conv_output_size",
    "cross_entropy",
    "dropout",
    "flatten",
    "l1_loss",
    "linear",
    "max_pool2d",
    "mse_loss",
    "pool_output_size",
    "relu",
    "sigmoid",
]
