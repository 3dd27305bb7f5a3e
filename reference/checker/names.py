"""The names under which learners import the same thing, reduced to one each."""

from __future__ import annotations

import re

# Of torchvision.models; vgg16 is no module, and after `vgg16 = vgg16()`, vgg16.eval is a method.
_NETWORK_MODULES = (
    "alexnet|convnext|densenet|detection|efficientnet|googlenet|inception|maxvit|mnasnet|mobilenet"
    "|mobilenetv2|mobilenetv3|quantization|regnet|resnet|segmentation|shufflenetv2|squeezenet"
    "|swin_transformer|vgg|video|vision_transformer"
)
# The modules in which PyTorch defines what it documents under a shorter name.
_LONG_NAMES = [
    (re.compile(r"torch\.nn\.modules(\.[a-z]+)?\.(?=[A-Z])"), "torch.nn."),
    (re.compile(r"torch\.optim\.[a-z]+\.(?=[A-Z])"), "torch.optim."),
    (re.compile(r"torch\.utils\.data\.(dataset|dataloader)\.(?=[A-Z])"), "torch.utils.data."),
    (re.compile(r"torch\.utils\.tensorboard\.writer\."), "torch.utils.tensorboard."),
    (re.compile(r"torchvision\.transforms\.(transforms|v2)\.(?=[A-Z])"), "torchvision.transforms."),
    (re.compile(r"torchvision\.datasets\.[a-z]+\.(?=[A-Z])"), "torchvision.datasets."),
    (re.compile(rf"torchvision\.models\.({_NETWORK_MODULES})\.(?=[a-z])"), "torchvision.models."),
    (re.compile(r"torch\.(functional|_C|_tensor|serialization)\."), "torch."),
]


def canonical(name: str) -> str:
    """Return the documented name of a function or class of PyTorch; other names as they are."""
    for pattern, short in _LONG_NAMES:
        if match := pattern.match(name):
            return short + name[match.end() :]
    return name
