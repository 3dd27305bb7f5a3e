"""The names of the types that the rules ask for, and patterns of families of them."""

from __future__ import annotations

import re

TENSOR = "torch.Tensor"
IMAGE = "PIL.Image.Image"
ARRAY = "numpy.ndarray"
LOADER = "torch.utils.data.DataLoader"
WRITERS = ("torch.utils.tensorboard.SummaryWriter", "tensorboardX.SummaryWriter")
DATASETS = re.compile(r"torchvision\.datasets\.[A-Z]")
LOSSES = re.compile(r"torch\.nn\.\w+Loss$")
MODULES = re.compile(r"torch\.nn\.[A-Z]\w*$|torchvision\.models$")
OPTIMIZERS = re.compile(r"torch\.optim\.[A-Z]\w*$")
TRANSFORMS = re.compile(r"torchvision\.transforms\.[A-Z]\w*$")
