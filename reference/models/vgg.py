"""VGG16 as torchvision has it, in the course's edited forms, and as it should be edited (P25).

torchvision takes seconds to import, which only those who ask for VGG16 shall wait.
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

SIDE = 224  # of the images that the ImageNet weights were trained on
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of their channels


def vgg16(weights: Weights = None) -> VGG:
    """Return torchvision's VGG16, of 1000 classes.

    It maps float images of shape (N, 3, 224, 224), normalized as `prepare` does it, to logits of
    shape (N, 1000).

    Args:
        weights: torchvision's enum, which downloads the file on first use; a file with a
            state_dict, as torchvision publishes it; or None for random weights.

    Raises:
        InputError: there is no such file, or it holds no weights of VGG16.

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
    """Return VGG16 in one of the course's forms, some of which cannot run.

    Args:
        name: a key of `EDITS`; "vgg16" is the network without an edit.
        weights: as `vgg16` takes them; the edits come afterwards.

    Raises:
        InputError: as `vgg16`.

    Source: P25.
    """
    model = vgg16(weights)
    for edit in EDITS[name]:
        edit(model)
    return model


def vgg16_for(num_classes: int, *, weights: Weights = None, freeze_features: bool = False) -> VGG:
    """Return VGG16 with a new last layer, the way to edit it that runs.

    Args:
        num_classes: how many logits it gives for an image.
        weights: of all the other layers, as `vgg16` takes them.
        freeze_features: whether the new layer alone learns.

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
    """Let no layer of a VGG16 learn but the last of its classifier."""
    model.requires_grad_(requires_grad=False)
    model.classifier[-1].requires_grad_()


def prepare(images: Tensor) -> Tensor:
    """Bring images to the size and the range that the ImageNet weights were trained on.

    torchvision's own transforms enlarge an image further and cut off its border; here it stays.

    Args:
        images: float of shape (N, 3, H, W), values from 0 to 1, no larger than 224 x 224.

    Returns:
        float of shape (N, 3, 224, 224), of mean 0 and standard deviation 1 over ImageNet.
    """
    resized = functional.interpolate(images, (SIDE, SIDE), mode="bilinear")
    # Filled on the device: copying them there would stop a CUDA graph from being captured.
    mean, std = (
        torch.stack([images.new_full((1, 1), value) for value in values]) for values in (MEAN, STD)
    )
    return (resized - mean) / std
