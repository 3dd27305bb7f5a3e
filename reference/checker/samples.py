"""What a data set's images are: which of the two sets, and what its transform makes of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from reference.checker.kinds import DATASETS, IMAGE, LOADER, TENSOR, TRANSFORMS
from reference.checker.tree import argument

if TYPE_CHECKING:
    from reference.checker.script import Script

# Where torchvision's data sets have the argument `transform`: root, train, transform in most.
TRANSFORM_POSITIONS = (
    dict.fromkeys(["CIFAR10", "CIFAR100", "MNIST", "FashionMNIST", "KMNIST", "USPS"], 2)
    | dict.fromkeys(["SVHN", "Flowers102", "GTSRB", "Food101"], 2)
    | {"ImageFolder": 1, "EuroSAT": 1, "STL10": 3, "FakeData": 3}
)


def transform_of(script: Script, dataset: cst.Call) -> cst.BaseExpression | None:
    """Return the transform that a data set of torchvision is created with.

    Raises:
        LookupError: it is not known whether there is one, and which.
    """
    name = script.types.of(dataset).rpartition(".")[2]
    position = TRANSFORM_POSITIONS.get(name)
    transform = argument(dataset, position, "transform")
    if transform is None and (position is None or any(arg.star for arg in dataset.args)):
        raise LookupError(name)
    return transform


def is_train(script: Script, node: cst.BaseExpression) -> bool | None:
    """Return whether a data set, or a loader of one, has the training images; None: unknown."""
    node = script.value(node)
    if not isinstance(node, cst.Call):
        return None
    if script.types.of(node) == LOADER:
        dataset = argument(node, 0, "dataset")
        return is_train(script, dataset) if dataset else None
    if DATASETS.match(script.types.of(node)):
        train = argument(node, 1, "train")
        value = True if train is None else script.literal(train)
        return value if isinstance(value, bool) else None
    return None


def image_of_sample(script: Script, node: cst.BaseExpression) -> str:
    """Return the type of the images of a data set, or of one of its samples.

    It is PIL's type, or that of what the data set's transform makes of such an image.
    """
    node = script.value(node)
    if isinstance(node, cst.Subscript):
        node = script.value(node.value)
    if not isinstance(node, cst.Call):
        return ""
    try:
        transform = transform_of(script, node)
    except LookupError:
        return ""
    return IMAGE if transform is None else transformed(script, transform, IMAGE)


def transformed(script: Script, transform: cst.BaseExpression, image: str) -> str:
    """Return the type of what a transform makes of an image of some type."""
    of = script.types.of(transform)
    if of.endswith((".ToTensor", ".PILToTensor", ".ToImage")):
        return TENSOR
    if of.endswith(".ToPILImage"):
        return IMAGE
    if of.endswith(".Compose"):
        created = script.value(transform)
        listed = argument(created, 0, "transforms") if isinstance(created, cst.Call) else None
        steps = script.value(listed) if listed is not None else None
        if not isinstance(steps, cst.List | cst.Tuple):
            return ""
        for step in steps.elements:
            image = transformed(script, step.value, image)
        return image
    return image if TRANSFORMS.match(of) else ""
