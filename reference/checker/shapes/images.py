"""The shapes of the images and targets that torchvision's data sets and a DataLoader give."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import libcst as cst

from reference.checker.kinds import LOADER
from reference.checker.samples import is_train
from reference.checker.shapes.layers import Shape, pair
from reference.checker.tree import argument

if TYPE_CHECKING:
    from reference.checker.script import Script

# Of each data set: the shape of its images, and how many it has for training and for testing.
_SETS: dict[str, tuple[Shape, int, int]] = {
    "CIFAR10": ((3, 32, 32), 50_000, 10_000),
    "CIFAR100": ((3, 32, 32), 50_000, 10_000),
    "MNIST": ((1, 28, 28), 60_000, 10_000),
    "FashionMNIST": ((1, 28, 28), 60_000, 10_000),
    "KMNIST": ((1, 28, 28), 60_000, 10_000),
}
_SAME_SHAPE = re.compile(
    r"ToTensor|PILToTensor|ToImage|ToDtype|ConvertImageDtype|Normalize|Random(Horizontal|Vertical)Flip"
    r"|ColorJitter|RandomErasing|RandomRotation"
)
_SIZED = re.compile(r"Resize|CenterCrop|RandomCrop|RandomResizedCrop")


def _set_of(script: Script, call: cst.BaseExpression) -> tuple[Shape, int, int] | None:
    of = script.types.of(call)
    found = _SETS.get(of.rpartition(".")[2])
    return found if of.startswith("torchvision.datasets.") else None


def sample_shape(script: Script, dataset: cst.BaseExpression) -> Shape | None:
    """Return the shape of a data set's images as tensors: `(C, H, W)`."""
    call, known = script.value(dataset), _set_of(script, dataset)
    if known is None or not isinstance(call, cst.Call):
        return None
    transform = argument(call, 2, "transform")
    return transformed_shape(script, transform, known[0]) if transform else None


def transformed_shape(
    script: Script, transform: cst.BaseExpression, shape: Shape | None
) -> Shape | None:
    """Return the shape that a transform makes of images of a shape; None if it is unknown."""
    last = script.types.of(transform).rpartition(".")[2]
    call = script.value(transform)
    if shape is None or not isinstance(call, cst.Call):
        return None
    if _SAME_SHAPE.fullmatch(last):
        return shape
    if last == "Compose" and call.args:
        steps = script.value(call.args[0].value)
        for step in steps.elements if isinstance(steps, cst.List | cst.Tuple) else ():
            shape = transformed_shape(script, step.value, shape)
        return shape if isinstance(steps, cst.List | cst.Tuple) else None
    size = script.literal(argument(call, 0, "size"))
    is_side = last == "Resize" and isinstance(size, int) and shape[1] != shape[2]
    if not _SIZED.fullmatch(last) or is_side:  # one number is the shorter side
        return None
    return (shape[0], *pair(size if size is not ... else []))


def batch_shapes(
    script: Script, loader: cst.BaseExpression, *, last: bool = False
) -> tuple[Shape | None, Shape]:
    """Return the shapes of the images and of the targets in a batch.

    Args:
        script: the script.
        loader: the DataLoader.
        last: whether the batch is the last one, which may be smaller.
    """
    call = script.value(loader)
    if script.types.of(call) != LOADER or not isinstance(call, cst.Call):
        return None, (None,)
    dataset, size = argument(call, 0, "dataset"), argument(call, 1, "batch_size")
    number = 1 if size is None else script.literal(size)
    sizes: Shape = (number if isinstance(number, int) else None,)
    if last:
        sizes = (last_batch_size(script, loader),)
    image = sample_shape(script, dataset) if dataset else None
    return None if image is None else (*sizes, *image), sizes


def last_batch_size(script: Script, loader: cst.BaseExpression) -> int | None:
    """Return the number of images in the last batch if it is smaller than the others."""
    call = script.value(loader)
    if script.types.of(call) != LOADER or not isinstance(call, cst.Call):
        return None
    dataset, size = argument(call, 0, "dataset"), argument(call, 1, "batch_size")
    known = _set_of(script, dataset) if dataset else None
    drop_last = argument(call, None, "drop_last")
    number = script.literal(size) if size else 1
    keeps = drop_last is None or script.literal(drop_last) is False
    train = is_train(script, dataset) if dataset else None
    if not known or train is None or not keeps or not isinstance(number, int) or number < 1:
        return None
    _, for_training, for_testing = known
    return (for_training if train else for_testing) % number or None
