"""What transforms are given: PIL images, arrays or tensors, and with how many channels."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import libcst as cst

from reference.checker.kinds import DATASETS, IMAGE, TENSOR, TRANSFORMS
from reference.checker.samples import transform_of
from reference.checker.tree import argument

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reference.checker.script import Script

GRAY = frozenset(["MNIST", "FashionMNIST", "KMNIST", "QMNIST", "EMNIST", "USPS", "Omniglot"])
COLOUR = frozenset(["CIFAR10", "CIFAR100", "SVHN", "STL10", "ImageFolder", "FakeData"])
TO_TENSOR = frozenset(["ToTensor", "PILToTensor", "ToImage"])
TENSOR_ONLY = frozenset(["Normalize", "RandomErasing", "LinearTransformation"])


@dataclass(frozen=True)
class Given:
    """What a transform is given.

    Attributes:
        type: PIL's, NumPy's or torch's class of images; `builtins.str` for a path; empty if it is
            not known.
        channels: their number; 0 if it is not known.
    """

    type: str = ""
    channels: int = 0


@dataclass(frozen=True, eq=False)
class Step:
    """A transform and what it is given.

    Attributes:
        node: where the transform stands, in the list of a Compose or as a function that is called.
        created: `Normalize(…)`, the call that creates it.
        name: `Normalize`.
        given: its input.
    """

    node: cst.BaseExpression
    created: cst.Call
    name: str
    given: Given


@lru_cache(maxsize=8)
def steps(script: Script) -> tuple[Step, ...]:
    """Return the transforms of a script that are applied or part of a pipeline, each once."""
    found: dict[cst.CSTNode, Step] = {}
    for transform, given in _pipelines(script):
        for step in _run(script, transform, given):
            if step.node not in found or _knows_more(step.given, found[step.node].given):
                found[step.node] = step
    return tuple(found.values())


def _knows_more(new: Given, old: Given) -> bool:
    return (bool(new.type), new.channels) > (bool(old.type), old.channels)


def _pipelines(script: Script) -> Iterator[tuple[cst.BaseExpression, Given]]:
    """Yield the transforms and what is passed to them."""
    for name, call in script.named_calls:
        if DATASETS.match(name):
            try:
                transform = transform_of(script, call)
            except LookupError:
                continue
            kind = name.rpartition(".")[2]
            channels = 1 if kind in GRAY else 3 if kind in COLOUR else 0
            if transform is not None:
                yield transform, Given(IMAGE, channels)
        elif name == "torchvision.transforms.Compose":
            yield call, Given()
        elif call.args and _is_transform(script, name, call.func):
            image = call.args[0].value
            yield call.func, Given(script.types.of(image), _channels(script, image))


def _is_transform(script: Script, name: str, function: cst.BaseExpression) -> bool:
    """Return whether what is called is a transform: `resize(img)`, `ToTensor()(img)`."""
    if name.startswith(("torch", "builtins.")):  # a function or class
        return False
    known = isinstance(function, cst.Name | cst.Call) or script.code(function).startswith("self.")
    return known and TRANSFORMS.match(script.types.of(function)) is not None


def _channels(script: Script, image: cst.BaseExpression) -> int:
    """Return the channels of a PIL image; 0 if they are not known."""
    image = script.value(image)
    if not isinstance(image, cst.Call) or not isinstance(image.func, cst.Attribute):
        return 0
    if image.func.attr.value != "convert" or script.types.of(image) != IMAGE:
        return 0
    mode = script.literal(argument(image, 0, "mode"))
    return {"RGB": 3, "L": 1}.get(mode, 0) if isinstance(mode, str) else 0


def _run(script: Script, transform: cst.BaseExpression, given: Given) -> Iterator[Step]:
    """Yield the steps of a pipeline, in order."""
    for node, created in _listed(script, transform):
        name = script.types.of(created).rpartition(".")[2]
        yield Step(node, created, name, given)
        given = _output(script, created, name, given)


def _listed(
    script: Script, node: cst.BaseExpression
) -> Iterator[tuple[cst.BaseExpression, cst.Call]]:
    """Yield the single transforms of a pipeline, up to the first that is not known."""
    created = script.value(node)
    of = script.types.of(created)
    if not isinstance(created, cst.Call) or not TRANSFORMS.match(of):
        return
    if not of.endswith(".Compose"):
        yield node, created
        return
    listed = argument(created, 0, "transforms")
    listed = script.value(listed) if listed else None
    if isinstance(listed, cst.List | cst.Tuple):
        for element in listed.elements:
            inner = list(_listed(script, element.value))
            if not inner:
                return
            yield from inner


def _output(script: Script, created: cst.Call, name: str, given: Given) -> Given:
    """Return what a transform returns."""
    if name in TO_TENSOR:
        return Given(TENSOR, given.channels)
    if name in TENSOR_ONLY and given.type != TENSOR:
        return Given("", given.channels)  # it fails, or what it is given is not known
    if name == "ToPILImage":
        return Given(IMAGE, given.channels)
    if name == "Grayscale":
        channels = script.literal(argument(created, 0, "num_output_channels") or cst.Integer("1"))
        return Given(given.type, channels if isinstance(channels, int) else 0)
    return Given() if name == "Lambda" else given
