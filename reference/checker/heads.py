"""The last layers of torchvision's networks, with the changes that a script makes to them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import libcst as cst

from reference.checker.flow import SAME_VALUE
from reference.checker.tree import argument

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reference.checker.script import Script

# The layers of classifier: for a linear one, how many values it takes and gives.
_VGG: list[tuple[int, ...]] = [(25088, 4096), (), (), (4096, 4096), (), (), (4096, 1000)]
_ALEXNET: list[tuple[int, ...]] = [(), (9216, 4096), (), (), (4096, 4096), (), (4096, 1000)]
_INPUTS_OF_FC = {"resnet18": 512, "resnet34": 512, "resnet50": 2048, "resnet101": 2048}
_PASSES = ("Dropout", "ReLU", "Softmax", "LogSoftmax", "Identity", "Sigmoid", "GELU")


@dataclass(frozen=True)
class Mismatch:
    """Two layers that do not fit.

    Attributes:
        node: the later of the changes that made them.
        network: the expression that creates the network.
        expected, given: the numbers of values.
    """

    node: cst.CSTNode
    network: cst.Call
    expected: int
    given: int


@dataclass(frozen=True)
class _Edit:
    """A change: the layer at an index of the classifier; None: after the last one."""

    node: cst.CSTNode
    index: int | None
    layer: cst.BaseExpression


def creation(script: Script, network: cst.BaseExpression) -> tuple[cst.Call | None, str]:
    """Return the call that creates one of torchvision's networks, and its name: `vgg16`."""
    value = script.value(network)
    while isinstance(value, cst.Call) and isinstance(value.func, cst.Attribute):
        if value.func.attr.value not in SAME_VALUE:
            break
        value = script.value(value.func.value)
    if not isinstance(value, cst.Call):
        return None, ""
    module, _, name = script.name(value.func).rpartition(".")
    return (value, name) if module == "torchvision.models" else (None, "")


def mismatch(script: Script) -> Iterator[Mismatch]:
    """Yield the networks whose last layers do not fit after all changes."""
    edits: dict[cst.Call, list[_Edit]] = defaultdict(list)
    new = {creation(script, c.value)[0] for a in script.nodes(cst.Assign) if (c := _set(a))}
    for network, edit in _edits(script):
        if network not in new:
            edits[network].append(edit)
    for network, changes in edits.items():
        _, name = creation(script, network)
        blocks = {script.enclosing(edit.node, cst.IndentedBlock, cst.Module) for edit in changes}
        if len(blocks) == 1:
            yield from _check(script, network, name, changes)
    for assign in script.nodes(cst.Assign):
        yield from _check_fc(script, assign)


def _edits(script: Script) -> Iterator[tuple[cst.Call, _Edit]]:
    """Yield the changes of classifiers, in the order of the code."""
    appended = (_appended(script, call) for call in script.nodes(cst.Call))
    replaced = (_replaced(script, assign) for assign in script.nodes(cst.Assign))
    for classifier, edit in filter(None, (*appended, *replaced)):
        network, name = creation(script, classifier.value)
        if network is not None and name.startswith(("vgg", "alexnet")):
            yield network, edit


def _appended(script: Script, call: cst.Call) -> tuple[cst.Attribute, _Edit] | None:
    """Return the change that `classifier.add_module(…)` or `classifier.append(…)` makes."""
    classifier = _classifier(call.func.value) if isinstance(call.func, cst.Attribute) else None
    method = call.func.attr.value if isinstance(call.func, cst.Attribute) else ""
    layer = argument(call, {"append": 0, "add_module": 1}.get(method, 9), "module")
    if classifier is None or layer is None:
        return None
    name = script.literal(argument(call, 0, "name")) if method == "add_module" else ""
    index = int(name) if isinstance(name, str) and name.isdecimal() else None
    return classifier, _Edit(call, index, layer)


def _replaced(script: Script, assign: cst.Assign) -> tuple[cst.Attribute, _Edit] | None:
    """Return the change that `classifier[6] = …` makes."""
    target = assign.targets[0].target
    classifier = _classifier(target.value) if isinstance(target, cst.Subscript) else None
    if classifier is None or not isinstance(target, cst.Subscript):
        return None
    element = target.slice[0].slice
    index = script.literal(element.value) if isinstance(element, cst.Index) else ...
    return (classifier, _Edit(assign, index, assign.value)) if isinstance(index, int) else None


def _set(assign: cst.Assign) -> cst.Attribute | None:
    """Return the `vgg16.classifier` that an assignment replaces as a whole."""
    return _classifier(assign.targets[0].target)


def _classifier(node: cst.BaseExpression) -> cst.Attribute | None:
    found = isinstance(node, cst.Attribute) and node.attr.value == "classifier"
    return node if found and isinstance(node, cst.Attribute) else None


def _check(script: Script, network: cst.Call, name: str, edits: list[_Edit]) -> Iterator[Mismatch]:
    """Yield the first place where the layers of a changed classifier do not fit."""
    layers = _changed(script, _VGG if name.startswith("vgg") else _ALEXNET, edits)
    if layers is None or argument(network, None, "num_classes") is not None:
        return
    linear = [layer for layer in layers if layer.sizes]
    for before, layer in pairwise(linear):
        changes = [node for node in (before.node, layer.node) if node is not None]
        if layer.sizes[0] != before.sizes[1] and changes:
            last = max(changes, key=script.line)
            yield Mismatch(last, network, layer.sizes[0], before.sizes[1])
            return


@dataclass(frozen=True)
class _Layer:
    """A layer: what it takes and gives, empty if it passes on what it gets; who put it there."""

    sizes: tuple[int, ...]
    node: cst.CSTNode | None = None


def _changed(
    script: Script, original: Sequence[tuple[int, ...]], edits: list[_Edit]
) -> list[_Layer] | None:
    """Return the layers of a classifier after all changes; None if one is not understood."""
    layers = [_Layer(sizes) for sizes in original]
    for edit in sorted(edits, key=lambda edit: script.line(edit.node)):
        sizes = _sizes(script, edit.layer)
        if sizes is None or (edit.index is not None and edit.index >= len(layers)):
            return None
        if edit.index is None:
            layers.append(_Layer(sizes, edit.node))
        else:
            layers[edit.index] = _Layer(sizes, edit.node)
    return layers


def _sizes(script: Script, layer: cst.BaseExpression) -> tuple[int, ...] | None:
    """Return how many values a layer takes and gives; empty if as many, None if unknown."""
    call = script.value(layer)
    of = script.types.of(call).rpartition(".")[2]
    if not isinstance(call, cst.Call) or of in _PASSES:
        return () if of in _PASSES else None
    given = [argument(call, 0, "in_features"), argument(call, 1, "out_features")]
    sizes = [script.literal(value) for value in given]
    known = tuple(size for size in sizes if isinstance(size, int))
    return known if of == "Linear" and len(known) == len(sizes) else None


def _check_fc(script: Script, assign: cst.Assign) -> Iterator[Mismatch]:
    """Yield a new `fc` of a ResNet that takes another number of values than it gets."""
    target = assign.targets[0].target
    if not isinstance(target, cst.Attribute) or target.attr.value != "fc":
        return
    network, name = creation(script, target.value)
    given, sizes = _INPUTS_OF_FC.get(name), _sizes(script, assign.value)
    if network is not None and given and sizes and sizes[0] != given:
        yield Mismatch(assign, network, sizes[0], given)
