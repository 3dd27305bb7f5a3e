"""What a data set's images are: which of the two sets, and what its transform makes of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from reference.checker.kinds import DATASETS, IMAGE, LOADER, TENSOR, TRANSFORMS
from reference.checker.tree import argument

if TYPE_CHECKING:
    from reference.checker.script import Script

TRANSFORM_POSITION = (
    2  # of the argument `transform` of torchvision's data sets: root, train, transform
)


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
    transform = argument(node, TRANSFORM_POSITION, "transform")
    return IMAGE if transform is None else transformed(script, transform, IMAGE)


def transformed(script: Script, transform: cst.BaseExpression, image: str) -> str:
    """Return the type of what a transform makes of an image of some type."""
    of = script.types.of(transform)
    if of.endswith((".ToTensor", ".PILToTensor", ".ToImage")):
        return TENSOR
    if of.endswith(".ToPILImage"):
        return IMAGE
    transform = script.value(transform)
    if of.endswith(".Compose") and isinstance(transform, cst.Call) and transform.args:
        steps = script.value(transform.args[0].value)
        if not isinstance(steps, cst.List | cst.Tuple):
            return ""
        for step in steps.elements:
            image = transformed(script, step.value, image)
        return image
    return image if TRANSFORMS.match(of) else ""
