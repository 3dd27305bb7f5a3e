"""torchvision's VGG16, the course's edits of it, and the edit that works (P25).

torchvision is imported where it is used: that takes seconds, and most commands do not need it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import torch
from torch import nn
from torch.nn import functional

from reference.checkpoints.files import load_checkpoint, load_weights
from reference.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor
    from torchvision.models import VGG, VGG16_Weights

    Weights: TypeAlias = VGG16_Weights | Path | None

SIDE = 224  # height and width of the images that the ImageNet weights were trained on
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of the channels of those images


def vgg16(weights: Weights = None) -> VGG:
    """Return torchvision's VGG16 with its 1000 classes.

    It maps float images of shape (N, 3, 224, 224), normalized as by `prepare`, to logits of shape
    (N, 1000).

    Args:
        weights: a value of torchvision's enum, which downloads the file on first use; a file with
            a state_dict, such as torchvision publishes; or None for random weights.

    Raises:
        InputError: there is no such file, or it does not contain weights of VGG16.

    Source: P25; Simonyan and Zisserman, Very Deep Convolutional Networks, 2015.
    """
    import torchvision
    from torchvision.models import VGG16_Weights

    if not isinstance(weights, Path):
        return torchvision.models.vgg16(weights=weights)
    if not weights.is_file():
        url = VGG16_Weights.DEFAULT.url
        raise InputError(f"{weights}: no such file: download {url}, or give --weights none")
    model = torchvision.models.vgg16(weights=None)
    load_weights(model, load_checkpoint(weights)["model"], weights)
    return model


def _linear_at_end(model: VGG) -> None:
    model.add_module("add_linear", nn.Linear(1000, 10))


def _linear_in_classifier(model: VGG) -> None:
    model.classifier.add_module("add_linear", nn.Linear(1000, 10))


def _ten_classes(model: VGG) -> None:
    _replace_head(model, 10)


def _more_dropout(model: VGG) -> None:
    model.classifier[2] = nn.Dropout(0.7)


def _replace_head(model: VGG, num_classes: int) -> None:
    head = model.classifier[6]
    model.classifier[6] = nn.Linear(head.in_features, num_classes)


EDITS = {
    "vgg16": [],
    "vgg16-linear-at-end": [_linear_at_end],
    "vgg16-linear-in-classifier": [_linear_in_classifier],
    "vgg16-10-classes": [_ten_classes],
    "vgg16-dropout": [_more_dropout],
    "vgg16-all-edits": [_linear_at_end, _linear_in_classifier, _ten_classes],
}


def edited(name: str, weights: Weights = None) -> VGG:
    """Return VGG16 with edits of the course, some of which break its forward pass.

    Args:
        name: a key of `EDITS`; "vgg16" has no edits.
        weights: as for `vgg16`; they are loaded before the edits.

    Raises:
        InputError: as `vgg16`.

    Source: P25.
    """
    model = vgg16(weights)
    for edit in EDITS[name]:
        edit(model)
    return model


def vgg16_for(num_classes: int, *, weights: Weights = None, freeze_features: bool = False) -> VGG:
    """Return VGG16 with a new last layer, the edit that works.

    Args:
        num_classes: the number of logits for an image.
        weights: as for `vgg16`; the new layer starts from random weights.
        freeze_features: whether only the new layer is trained.

    Raises:
        InputError: as `vgg16`.

    Source: P25.
    """
    model = vgg16(weights)
    _replace_head(model, num_classes)
    if freeze_features:
        freeze_all_but_head(model)
    return model


def freeze_all_but_head(model: VGG) -> None:
    """Freeze every layer of a VGG16 except the last one of its classifier."""
    model.requires_grad_(requires_grad=False)
    model.classifier[-1].requires_grad_()


def prepare(images: Tensor) -> Tensor:
    """Return images in the size and the range that the ImageNet weights were trained on.

    torchvision's transforms enlarge an image further and crop its border; this function keeps it.

    Args:
        images: float of shape (N, 3, H, W), values from 0 to 1, no larger than 224 x 224.

    Returns:
        float of shape (N, 3, 224, 224); over ImageNet, mean 0 and standard deviation 1.
    """
    # (N, 3, H, W) -> (N, 3, 224, 224)
    resized = functional.interpolate(images, (SIDE, SIDE), mode="bilinear")
    # Filled on the device: a copy from the CPU would fail during the capture of a CUDA graph.
    # Each becomes (3, 1, 1), to broadcast over (N, 3, 224, 224).
    mean, std = (
        torch.stack([images.new_full((1, 1), value) for value in values]) for values in (MEAN, STD)
    )
    return (resized - mean) / std
